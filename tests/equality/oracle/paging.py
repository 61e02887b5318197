"""Pages: cut from lists, with cursors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from domain.records.model import ResourceRecord
from tests.equality.oracle.choosing import behind, place_of
from tests.equality.oracle.cursors import cursor, keyset, sequence
from tests.equality.world import Change


def resource_page(
    rows: Sequence[ResourceRecord], arguments: dict[str, Any], tell: Callable[[ResourceRecord], Any]
) -> dict[str, Any]:
    """A page of resources, which are in order already."""
    order = arguments.get("orderBy") or {"field": "CREATED_AT", "direction": "DESC"}
    field, direction = order["field"], order["direction"]
    after = arguments.get("after")
    if after is not None:
        place = keyset(after, field, direction)
        rows = [one for one in rows if behind(one, field, direction, place)]

    def cursor_of(one: ResourceRecord) -> str:
        return cursor(f"{field}:{direction}", *place_of(one, field))

    return _page(rows, arguments, cursor_of, tell)


def change_page(
    changes: Iterable[Change], arguments: dict[str, Any], order: str, resource: Callable[[Change], Any]
) -> dict[str, Any]:
    """A page of what is left of the changes."""
    after = arguments.get("after")
    behind_number = -1 if after is None else sequence(after, order)
    rows = [one for one in changes if one.seq > behind_number and not one.pruned]

    def tell(one: Change) -> dict[str, Any]:
        return {
            "resource": lambda: resource(one),
            "field": one.entry.field,
            "before": one.entry.before,
            "after": one.entry.after,
            "observedAt": _text(one.entry.observed_at),
            "source": one.entry.source.value,
        }

    page = _page(rows, arguments, lambda one: cursor(order, one.seq), tell)
    if not rows and after is not None:
        # Whoever polls goes on from where it stood.
        page["pageInfo"]["endCursor"] = cursor(order, behind_number)
    return page


def _page(
    rows: Sequence[Any], arguments: dict[str, Any], cursor_of: Callable[[Any], str], tell: Callable[[Any], Any]
) -> dict[str, Any]:
    page = rows[: arguments["first"]]
    return {
        "nodes": lambda: [tell(one) for one in page],
        "edges": lambda: [{"cursor": cursor_of(one), "node": lambda one=one: tell(one)} for one in page],
        "pageInfo": {
            "hasNextPage": len(rows) > len(page),
            "hasPreviousPage": arguments.get("after") is not None,
            "startCursor": cursor_of(page[0]) if page else None,
            "endCursor": cursor_of(page[-1]) if page else None,
        },
    }


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
