"""Connections: the rows of a page, their edges and the page info, all written by SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Integer, Select, String, and_, bindparam, cast, func, literal_column, or_, select
from sqlalchemy.sql.expression import FromClause

from db.query.placeholders import CoverageOf, CursorOf
from db.query.shape import BindParam, Shape
from db.query.sql import json_text
from db.query.sql.builder import FieldBuilder, StatementBuilder, json_object
from db.query.sql.dialect import CommaJoined

PageQuery: TypeAlias = Callable[[Sequence[ColumnElement[Any]]], Select[Any]]
"""Returns the query of these columns for all rows from the beginning of the page on, in order and without a limit."""


@dataclass(frozen=True, slots=True)
class Paging:
    """How a connection is divided into pages.

    `position` is the JSON from which a row's cursor is made. `has_cursor`: the page begins after a cursor. `empty_end` is the
    position at which an empty page ends; None if an empty page has no end. With it, a client that polls keeps its cursor.
    """

    first: BindParam
    cursor: CursorOf
    position: json_text.Parts
    has_cursor: bool
    empty_end: BindParam | None = None


@dataclass(frozen=True, slots=True)
class PageRows:
    """The rows of a page as a subquery. `nodes` maps each selection of a node to its column.

    `numbered`: the rows have a number and the number of rows, and there may be one row more than fits on the page.
    """

    table: FromClause
    nodes: Mapping[Shape, ColumnElement[str]]
    first: ColumnElement[int]
    numbered: bool

    def join(self, parts: json_text.Parts) -> json_text.Part:
        """Return the texts of all rows of the page, separated by commas."""
        texts: Any = CommaJoined(json_text.concat(parts))
        if self.numbered:
            texts = texts.filter(self.table.c.n <= self.first)
        return func.coalesce(texts, json_text.EMPTY)

    def position_of(self, condition: ColumnElement[bool]) -> ColumnElement[Any]:
        """Return the position of the only row that satisfies the condition."""
        return func.max(self.table.c.p).filter(condition)


def connection(
    shape: Shape,
    builder: StatementBuilder,
    paging: Paging,
    node: FieldBuilder,
    page: PageQuery,
    other_fields: Mapping[str, FieldBuilder],
) -> json_text.Parts:
    """Return a connection as selected. `other_fields` are the fields that do not depend on the page."""
    fields: dict[str, FieldBuilder] = {
        **other_fields,
        "coverage": lambda child: builder.placeholder(CoverageOf(child)),
    }
    if not _needs_rows(shape):
        # The query below would have no aggregate and return one text for each row.
        fields["pageInfo"] = lambda child: json_object(child, {"hasPreviousPage": lambda _: _has_previous_page(paging)})
        return json_object(shape, fields)
    rows = _page_rows(shape, paging, node, page)
    fields["nodes"] = lambda child: ("[", rows.join((rows.nodes[child],)), "]")
    fields["edges"] = lambda child: ("[", rows.join(_edge(child, builder, paging, rows)), "]")
    fields["pageInfo"] = lambda child: _page_info(child, builder, paging, rows)
    return (select(json_text.concat(json_object(shape, fields))).select_from(rows.table).scalar_subquery(),)


def _needs_rows(shape: Shape) -> bool:
    """Return whether a selected field depends on the rows of the page."""
    page_infos = _children(shape, "pageInfo")
    return shape.selects("nodes", "edges") or any(
        info.selects("hasNextPage", "startCursor", "endCursor") for info in page_infos
    )


def _has_previous_page(paging: Paging) -> json_text.Parts:
    # A cursor is only ever issued for a row, and that row precedes the page.
    return ("true" if paging.has_cursor else "false",)


def required_param(shape: Shape, name: str) -> BindParam:
    """Return the parameter of an argument that every shape of the field has. Raises TypeError if it has none."""
    param = shape.param(name)
    if param is None:
        raise TypeError(f"'{name}' is not a bound value of the field '{shape.name}'")
    return param


def _children(shape: Shape, name: str) -> list[Shape]:
    return [child for child in shape.fields if child.name == name]


def _node_shapes(shape: Shape) -> tuple[Shape, ...]:
    """Return the distinct selections of a node in a connection."""
    shapes = _children(shape, "nodes")
    for edges in _children(shape, "edges"):
        shapes.extend(_children(edges, "node"))
    return tuple(dict.fromkeys(shapes))


def _page_rows(shape: Shape, paging: Paging, node: FieldBuilder, page: PageQuery) -> PageRows:
    page_infos = _children(shape, "pageInfo")
    looks_ahead = any(info.selects("hasNextPage") for info in page_infos)
    needs_ends = any(info.selects("startCursor", "endCursor") for info in page_infos)
    needs_positions = needs_ends or any(edges.selects("cursor") for edges in _children(shape, "edges"))
    first: ColumnElement[int] = bindparam(paging.first.name, type_=Integer)
    shapes = _node_shapes(shape)
    columns: list[ColumnElement[Any]] = [
        json_text.concat(node(node_shape)).label(f"t{number}") for number, node_shape in enumerate(shapes)
    ]
    columns += [json_text.concat(paging.position).label("p")] if needs_positions else []
    limited = page(columns or [literal_column("1").label("t")]).limit(first + 1 if looks_ahead else first)
    table: FromClause = limited.subquery()
    if looks_ahead or needs_ends:
        # The subquery's rows are numbered in the order of the page.
        numbers = func.row_number().over().label("n"), func.count().over().label("c")
        table = select(*table.c, *numbers).select_from(table).subquery()
    nodes = {node_shape: table.c[f"t{number}"] for number, node_shape in enumerate(shapes)}
    return PageRows(table, nodes, first, looks_ahead or needs_ends)


def _edge(shape: Shape, builder: StatementBuilder, paging: Paging, rows: PageRows) -> json_text.Parts:
    return json_object(
        shape,
        {
            "cursor": lambda _: builder.placeholder(paging.cursor, (rows.table.c.p,)),
            "node": lambda child: (rows.nodes[child],),
        },
    )


def _page_info(shape: Shape, builder: StatementBuilder, paging: Paging, rows: PageRows) -> json_text.Parts:
    one: ColumnElement[int] = literal_column("1")

    def start_cursor(_: Shape) -> json_text.Parts:
        return _cursor_or_null(builder, paging, rows.position_of(rows.table.c.n == one))

    def end_cursor(_: Shape) -> json_text.Parts:
        number, count = rows.table.c.n, rows.table.c.c
        is_last = or_(number == rows.first, and_(number == count, count < rows.first))
        position = rows.position_of(is_last)
        if paging.empty_end is not None:
            position = func.coalesce(position, cast(bindparam(paging.empty_end.name), String))
        return _cursor_or_null(builder, paging, position)

    return json_object(
        shape,
        {
            "hasNextPage": lambda _: json_text.boolean(func.count() > rows.first),
            "hasPreviousPage": lambda _: _has_previous_page(paging),
            "startCursor": start_cursor,
            "endCursor": end_cursor,
        },
    )


def _cursor_or_null(builder: StatementBuilder, paging: Paging, position: ColumnElement[Any]) -> json_text.Parts:
    cursor = json_text.concat(builder.placeholder(paging.cursor, (position,)))
    return (func.coalesce(cursor, json_text.NULL),)
