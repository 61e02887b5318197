"""Pages of lists, with cursors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from domain.records.model import ResourceRecord
from tests.equality.oracle.cursors import encode_cursor, parse_keyset, parse_sequence
from tests.equality.oracle.filters import is_behind, place_of
from tests.equality.world import WorldChange


def resource_page(
    rows: Sequence[ResourceRecord], arguments: dict[str, Any], render: Callable[[ResourceRecord], Any]
) -> dict[str, Any]:
    """Return a page of resources, which are already in order."""
    order = arguments.get("orderBy") or {"field": "CREATED_AT", "direction": "DESC"}
    field, direction = order["field"], order["direction"]
    after = arguments.get("after")
    if after is not None:
        place = parse_keyset(after, field, direction)
        rows = [row for row in rows if is_behind(row, field, direction, place)]

    def cursor_of(row: ResourceRecord) -> str:
        return encode_cursor(f"{field}:{direction}", *place_of(row, field))

    return _page(rows, arguments, cursor_of, render)


def change_page(
    changes: Iterable[WorldChange], arguments: dict[str, Any], order: str, resource: Callable[[WorldChange], Any]
) -> dict[str, Any]:
    """Return a page of the changes that were not pruned."""
    after = arguments.get("after")
    behind_number = -1 if after is None else parse_sequence(after, order)
    rows = [change for change in changes if change.seq > behind_number and not change.pruned]

    def render(change: WorldChange) -> dict[str, Any]:
        return {
            "resource": lambda: resource(change),
            "field": change.entry.field,
            "before": change.entry.before,
            "after": change.entry.after,
            "observedAt": _text(change.entry.observed_at),
            "source": change.entry.source.value,
        }

    page = _page(rows, arguments, lambda change: encode_cursor(order, change.seq), render)
    if not rows and after is not None:
        # A client that polls continues from the cursor that it has.
        page["pageInfo"]["endCursor"] = encode_cursor(order, behind_number)
    return page


def _page(
    rows: Sequence[Any], arguments: dict[str, Any], cursor_of: Callable[[Any], str], render: Callable[[Any], Any]
) -> dict[str, Any]:
    page = rows[: arguments["first"]]
    return {
        "nodes": lambda: [render(row) for row in page],
        "edges": lambda: [{"cursor": cursor_of(row), "node": lambda row=row: render(row)} for row in page],
        "pageInfo": {
            "hasNextPage": len(rows) > len(page),
            "hasPreviousPage": arguments.get("after") is not None,
            "startCursor": cursor_of(page[0]) if page else None,
            "endCursor": cursor_of(page[-1]) if page else None,
        },
    }


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
