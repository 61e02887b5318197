"""Orders of a list and the pages in them: null is the smallest value, ties go by resource id in the same direction.

So an order is one index, read forwards or backwards, and a page begins where one comparison of a key and an id says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Float, String, literal_column, tuple_
from sqlalchemy.sql.expression import FromClause

from db.query.placeholders import CursorOf
from db.query.shape import After, Shape
from db.query.sql import json_text
from db.query.sql.filters import bound
from db.query.sql.pages import Paging, bind_param_of

_COLUMN: Final = {
    "CREATED_AT": "created_at",
    "NAME": "name_order",
    "STATUS": "status_rank",
    "PRICING_TOTAL_HOURLY": "price_order",
}
_NULL: Final[Mapping[str, ColumnElement[Any]]] = {
    "NAME": literal_column("''", String),
    "PRICING_TOTAL_HOURLY": literal_column("-1.7976931348623157e308", Float),
}
"""The key of null."""


def order_of(root: Shape) -> tuple[str, str]:
    """Field and direction."""
    return cast("tuple[str, str]", root.argument("order"))


def order_by(resource: FromClause, field: str, direction: str) -> list[ColumnElement[Any]]:
    """The total order."""
    key = (resource.c[_COLUMN[field]], resource.c.resource_id)
    return [column.asc() if direction == "ASC" else column.desc() for column in key]


def behind(resource: FromClause, field: str, direction: str, after: After) -> ColumnElement[bool]:
    """Whether a resource stands behind the place of a cursor."""
    key = tuple_(resource.c[_COLUMN[field]], resource.c.resource_id)
    place = tuple_(_key(field, after), bound(after.resource_id))
    return key > place if direction == "ASC" else key < place


def _key(field: str, after: After) -> ColumnElement[Any]:
    if after.value is None:
        return _NULL[field]
    value = bound(after.value)
    return literal_column("'+'", String).concat(value) if field == "NAME" else value


def place_parts(resource: FromClause, field: str) -> json_text.Parts:
    """The ingredients of a cursor: the order's value and the resource id."""
    value = {
        "CREATED_AT": lambda: json_text.plain(resource.c.created_at),
        "NAME": lambda: json_text.escaped(resource.c.name),
        "STATUS": lambda: json_text.number(resource.c.status_rank),
        "PRICING_TOTAL_HOURLY": lambda: json_text.number(resource.c.price_text),
    }[field]()
    return json_text.array([value, json_text.plain(resource.c.resource_id)])


def keyset_paging(root: Shape, resource: FromClause) -> Paging:
    """The paging of a list."""
    field, direction = order_of(root)
    return Paging(
        bind_param_of(root, "first"),
        CursorOf(f"{field}:{direction}"),
        place_parts(resource, field),
        # Only whether a page before was given matters: an empty page of a list has no ends.
        began=root.argument("after") is not None,
    )
