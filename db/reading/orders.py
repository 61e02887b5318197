"""Orders of a list and the pages in them: null is the smallest value, ties go by resource id, ascending in each direction."""

from __future__ import annotations

from typing import Any, Final, cast

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.sql.expression import FromClause

from db.reading import text
from db.reading.filters import bound
from db.reading.finish import CursorOf
from db.reading.pages import Paging, place_of
from db.reading.shape import After, Shape

_COLUMN: Final = {
    "CREATED_AT": "created_at",
    "NAME": "name",
    "STATUS": "status_rank",
    "PRICING_TOTAL_HOURLY": "price",
}
_NULLABLE: Final = {"NAME", "PRICING_TOTAL_HOURLY"}


def order_of(root: Shape) -> tuple[str, str]:
    """Field and direction."""
    return cast("tuple[str, str]", root.argument("order"))


def order_by(resource: FromClause, field: str, direction: str) -> list[ColumnElement[Any]]:
    """The total order."""
    column = resource.c[_COLUMN[field]]
    if direction == "ASC":
        ordered = column.asc().nulls_first() if field in _NULLABLE else column.asc()
    else:
        ordered = column.desc().nulls_last() if field in _NULLABLE else column.desc()
    return [ordered, resource.c.resource_id.asc()]


def behind(resource: FromClause, field: str, direction: str, after: After) -> ColumnElement[bool]:
    """Whether a resource stands behind the place of a cursor."""
    column = resource.c[_COLUMN[field]]
    later = resource.c.resource_id > bound(after.resource_id)
    if after.value is None:
        tied = and_(column.is_(None), later)
        return or_(column.is_not(None), tied) if direction == "ASC" else tied
    value = bound(after.value)
    tied = and_(column == value, later)
    if direction == "ASC":
        return or_(column > value, tied)
    return or_(column < value, column.is_(None), tied) if field in _NULLABLE else or_(column < value, tied)


def place_parts(resource: FromClause, field: str) -> text.Parts:
    """The ingredients of a cursor: the order's value and the resource id."""
    value = {
        "CREATED_AT": lambda: text.plain(resource.c.created_at),
        "NAME": lambda: text.escaped(resource.c.name),
        "STATUS": lambda: text.number(resource.c.status_rank),
        "PRICING_TOTAL_HOURLY": lambda: text.number(resource.c.price_text),
    }[field]()
    return text.array([value, text.plain(resource.c.resource_id)])


def keyset_paging(root: Shape, resource: FromClause) -> Paging:
    """The paging of a list."""
    field, direction = order_of(root)
    return Paging(
        place_of(root, "first"),
        CursorOf(f"{field}:{direction}"),
        place_parts(resource, field),
        # Only whether a page before was given matters: an empty page of a list has no ends.
        began=root.argument("after") is not None,
    )
