"""Connections: a page of rows, its edges, where it begins and ends, and whether more follow; all written by SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, String, and_, bindparam, cast, func, literal_column, or_, select
from sqlalchemy.sql.expression import FromClause

from db.query.placeholders import CoverageOf, CursorOf
from db.query.shape import BindParam, Shape
from db.query.sql import json_text
from db.query.sql.builder import FieldBuilder, StatementBuilder, json_object
from db.query.sql.dialect import Joined

Page = Callable[[Sequence[ColumnElement[Any]]], Select[Any]]
"""The rows behind the place where the page begins, in order, of these columns; without a limit."""


@dataclass(frozen=True, slots=True)
class Paging:
    """How a connection's pages are cut. `place` is what a cursor is made of, in JSON; `began`: a cursor was given.

    `stays` is the given cursor's place where an empty page ends where it began, so that a reader who polls can go on there.
    """

    first: BindParam
    cursor: CursorOf
    place: json_text.Parts
    began: bool
    stays: BindParam | None = None


@dataclass(frozen=True, slots=True)
class _Written:
    """A page's rows: the table of them, and each selection of a node as a column in it.

    `numbered`: rows carry their number and their count, and one more than fits may be among them.
    """

    table: FromClause
    nodes: Mapping[Shape, ColumnElement[str]]
    first: ColumnElement[int]
    numbered: bool

    def joined(self, parts: json_text.Parts) -> json_text.Part:
        """The texts of all rows in the page, with commas between them."""
        every: Any = Joined(json_text.concat(parts))
        if self.numbered:
            every = every.filter(self.table.c.n <= self.first)
        return func.coalesce(every, json_text.EMPTY)

    def place(self, of: ColumnElement[bool]) -> ColumnElement[Any]:
        """The place of one row."""
        return func.max(self.table.c.p).filter(of)


def connection(
    shape: Shape,
    builder: StatementBuilder,
    paging: Paging,
    node: FieldBuilder,
    page: Page,
    others: Mapping[str, FieldBuilder],
) -> json_text.Parts:
    """A connection as selected. `others` writes what is values besides the page."""
    fields: dict[str, FieldBuilder] = {**others, "coverage": lambda child: builder.placeholder(CoverageOf(child))}
    if not _reads_rows(shape):
        # Without an aggregate the statement would answer a text for each row instead of one.
        fields["pageInfo"] = lambda child: json_object(child, {"hasPreviousPage": lambda _: _began(paging)})
        return json_object(shape, fields)
    rows = _rows(shape, paging, node, page)
    fields["nodes"] = lambda child: ("[", rows.joined((rows.nodes[child],)), "]")
    fields["edges"] = lambda child: ("[", rows.joined(_edge(child, builder, paging, rows)), "]")
    fields["pageInfo"] = lambda child: _page_info(child, builder, paging, rows)
    return (select(json_text.concat(json_object(shape, fields))).select_from(rows.table).scalar_subquery(),)


def _reads_rows(shape: Shape) -> bool:
    """Whether anything selected is values by the rows of the page."""
    ends = any(info.selects("hasNextPage", "startCursor", "endCursor") for info in _named(shape, "pageInfo"))
    return ends or shape.selects("nodes", "edges")


def _began(paging: Paging) -> json_text.Parts:
    # What a reader came from lies before: a cursor is only ever given for a row that was there.
    return ("true" if paging.began else "false",)


def bind_param_of(shape: Shape, name: str) -> BindParam:
    """The place of an argument that is always there."""
    found = shape.param(name)
    if found is None:
        raise TypeError(f"'{name}' has no place")
    return found


def _named(shape: Shape, name: str) -> list[Shape]:
    return [child for child in shape.fields if child.name == name]


def _node_shapes(shape: Shape) -> tuple[Shape, ...]:
    """Every selection of a node in a connection, values apart by what is selected below it."""
    found = [*_named(shape, "nodes")]
    for edges in _named(shape, "edges"):
        found.extend(_named(edges, "node"))
    return tuple(dict.fromkeys(found))


def _rows(shape: Shape, paging: Paging, node: FieldBuilder, page: Page) -> _Written:
    infos = _named(shape, "pageInfo")
    more = any(info.selects("hasNextPage") for info in infos)
    ends = any(info.selects("startCursor", "endCursor") for info in infos)
    cursors = ends or any(edges.selects("cursor") for edges in _named(shape, "edges"))
    first: ColumnElement[int] = bindparam(paging.first.name, type_=Integer)
    shapes = _node_shapes(shape)
    columns: list[ColumnElement[Any]] = [json_text.concat(node(each)).label(f"t{n}") for n, each in enumerate(shapes)]
    columns += [json_text.concat(paging.place).label("p")] if cursors else []
    limited = page(columns or [literal_column("1").label("t")]).limit(first + 1 if more else first)
    table: FromClause = limited.subquery()
    if more or ends:
        # The rows come as the page orders them.
        numbers = func.row_number().over().label("n"), func.count().over().label("c")
        table = select(*table.c, *numbers).select_from(table).subquery()
    nodes = {each: table.c[f"t{number}"] for number, each in enumerate(shapes)}
    return _Written(table, nodes, first, more or ends)


def _edge(shape: Shape, builder: StatementBuilder, paging: Paging, rows: _Written) -> json_text.Parts:
    return json_object(
        shape,
        {
            "cursor": lambda _: builder.placeholder(paging.cursor, (rows.table.c.p,)),
            "node": lambda child: (rows.nodes[child],),
        },
    )


def _page_info(shape: Shape, builder: StatementBuilder, paging: Paging, rows: _Written) -> json_text.Parts:
    one: ColumnElement[int] = literal_column("1")

    def start(_: Shape) -> json_text.Parts:
        return _end(builder, paging, rows.place(rows.table.c.n == one))

    def end(_: Shape) -> json_text.Parts:
        number, count = rows.table.c.n, rows.table.c.c
        last = rows.place(or_(number == rows.first, and_(number == count, count < rows.first)))
        if paging.stays is not None:
            last = func.coalesce(last, cast(bindparam(paging.stays.name), String))
        return _end(builder, paging, last)

    return json_object(
        shape,
        {
            "hasNextPage": lambda _: json_text.flag(func.count() > rows.first),
            "hasPreviousPage": lambda _: _began(paging),
            "startCursor": start,
            "endCursor": end,
        },
    )


def _end(builder: StatementBuilder, paging: Paging, place: ColumnElement[Any]) -> json_text.Parts:
    return (func.coalesce(json_text.concat(builder.placeholder(paging.cursor, (place,))), json_text.NULL),)
