"""Connections: rows with a cursor's ingredients in front, behind them one object for each selection of a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam

from db.reading import text
from db.reading.built import Built
from db.reading.finish import FINAL, Finisher, Finishing, Seen, coverage_object
from db.reading.shape import Place, Shape, Value

CursorOf = Callable[[Any], str]
"""A cursor from the ingredients in a row."""


@dataclass(frozen=True, slots=True)
class Paging:
    """How a connection's pages are cut. `after` is the cursor's ingredients as the reader gave them, by their places."""

    first: str
    cursor_of: CursorOf
    after: Callable[[Mapping[str, Value]], Any] | None
    keeps_place: bool
    """Whether an empty page ends where it began, so that a reader who polls can go on from there."""


@dataclass(frozen=True, slots=True)
class Window:
    """One page, finished: its rows, whether more follow."""

    rows: Sequence[Sequence[Any]]
    more: bool


@dataclass(frozen=True, slots=True)
class Connection(Finisher):
    """A page as selected. The decoded value is its rows, or rows and total count."""

    shape: Shape
    paging: Paging
    slots: Mapping[Shape, int]
    finishers: tuple[Finisher, ...]

    def seen(self, value: Any, values: Mapping[str, Value]) -> Iterator[Seen]:
        """Those in the page; the row that only tells that there are more is not in it."""
        for row in value["rows"][: self._first(values)]:
            for node, finisher in zip(row[1:], self.finishers, strict=True):
                yield from finisher.seen(node, values)

    def finish(self, value: Any, finishing: Finishing) -> Any:
        """The object."""
        first = self._first(finishing.values)
        rows = [
            (row[0], *(each.finish(node, finishing) for node, each in zip(row[1:], self.finishers, strict=True)))
            for row in value["rows"][:first]
        ]
        window = Window(rows, len(value["rows"]) > first)
        told: Mapping[str, Callable[[Shape], Any]] = {
            "nodes": lambda child: [row[self.slots[child]] for row in rows],
            "edges": lambda child: [self._edge(child, row) for row in rows],
            "pageInfo": lambda child: self._page_info(child, window, finishing.values),
            "totalCount": lambda _: value["total"],
            "coverage": lambda child: coverage_object(child, finishing),
        }
        return {child.key: told[child.name](child) for child in self.shape.fields}

    def _first(self, values: Mapping[str, Value]) -> int:
        return int(values[self.paging.first] or 0)

    def _edge(self, shape: Shape, row: Sequence[Any]) -> dict[str, Any]:
        return {
            child.key: self.paging.cursor_of(row[0]) if child.name == "cursor" else row[self.slots[child]]
            for child in shape.fields
        }

    def _page_info(self, shape: Shape, window: Window, values: Mapping[str, Value]) -> dict[str, Any]:
        cursor_of, after = self.paging.cursor_of, self.paging.after
        ends = [cursor_of(row[0]) for row in (*window.rows[:1], *window.rows[-1:])]
        if not ends and after is not None and self.paging.keeps_place:
            ends = [None, cursor_of(after(values))]  # type: ignore[list-item]  # no row begins the page
        told = {
            "hasNextPage": window.more,
            # What a reader came from lies before: a cursor is only ever given for a row that was there.
            "hasPreviousPage": after is not None,
            "startCursor": ends[0] if ends else None,
            "endCursor": ends[1] if ends else None,
        }
        return {child.key: told[child.name] for child in shape.fields}


def node_shapes(shape: Shape) -> tuple[Shape, ...]:
    """Every selection of a node in a connection: of `nodes`, and of `node` in `edges`; alike ones once."""
    found = [*shape_named(shape, "nodes")]
    for edges in shape_named(shape, "edges"):
        found.extend(shape_named(edges, "node"))
    return tuple(dict.fromkeys(found))


def shape_named(shape: Shape, name: str) -> list[Shape]:
    """The fields of this name directly below."""
    return [child for child in shape.fields if child.name == name]


def wants_rows(shape: Shape) -> bool:
    """Whether the page itself is selected."""
    return shape.selects("nodes", "edges", "pageInfo")


def wants_more(shape: Shape) -> bool:
    """Whether it must be known if rows follow the page."""
    return any(info.selects("hasNextPage") for info in shape_named(shape, "pageInfo"))


def limit(shape: Shape, first: Place) -> ColumnElement[int]:
    """How many rows to read."""
    bound = bindparam(first.name, type_=Integer)
    return bound + 1 if wants_more(shape) else bound


def row_parts(cursor: text.Parts, nodes: Sequence[Built]) -> text.Parts:
    """The text of one row."""
    return text.array([cursor, *(node.parts for node in nodes)])


def connection(shape: Shape, paging: Paging, nodes: Sequence[Built]) -> Connection:
    """The finisher of a connection whose rows `row_parts` wrote, in the order of `node_shapes`."""
    slots = {node: index + 1 for index, node in enumerate(node_shapes(shape))}
    return Connection(shape, paging, slots, tuple(node.finisher or FINAL for node in nodes))
