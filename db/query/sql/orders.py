"""Orders of a list, and where a page begins in one.

Null is the smallest value, and resources with equal values are ordered by id in the same direction. An order is therefore one
index, read forwards or backwards, and a page begins at one comparison of (sort key, resource id).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Float, String, literal_column, tuple_
from sqlalchemy.sql.expression import FromClause

from db.query.placeholders import CursorOf
from db.query.shape import After, Shape
from db.query.sql import json_text
from db.query.sql.filters import bind_param
from db.query.sql.pages import Paging, required_param

_SORT_COLUMNS: Final = {
    "CREATED_AT": "created_at",
    "NAME": "name_order",
    "STATUS": "status_rank",
    "PRICING_TOTAL_HOURLY": "price_order",
}
_NULL_KEYS: Final[Mapping[str, ColumnElement[Any]]] = {
    "NAME": literal_column("''", String),
    "PRICING_TOTAL_HOURLY": literal_column("-1.7976931348623157e308", Float),
}
"""The sort keys of null, as the computed columns of `tables.resources` have them."""


def list_order(root: Shape) -> tuple[str, str]:
    """Return the field and the direction by which a list is ordered."""
    return cast("tuple[str, str]", root.argument("order"))


def order_by(resource: FromClause, field: str, direction: str) -> list[ColumnElement[Any]]:
    """Return the terms of a total order."""
    key = (resource.c[_SORT_COLUMNS[field]], resource.c.resource_id)
    return [column.asc() if direction == "ASC" else column.desc() for column in key]


def is_after(resource: FromClause, field: str, direction: str, after: After) -> ColumnElement[bool]:
    """Return the condition that a resource comes after the position of a cursor."""
    key = tuple_(resource.c[_SORT_COLUMNS[field]], resource.c.resource_id)
    position = tuple_(_sort_key(field, after), bind_param(after.resource_id))
    return key > position if direction == "ASC" else key < position


def _sort_key(field: str, after: After) -> ColumnElement[Any]:
    if after.value is None:
        return _NULL_KEYS[field]
    value = bind_param(after.value)
    return literal_column("'+'", String).concat(value) if field == "NAME" else value


def keyset_paging(root: Shape, resource: FromClause) -> Paging:
    """Return the paging of a list."""
    field, direction = list_order(root)
    return Paging(
        required_param(root, "first"),
        CursorOf(f"{field}:{direction}"),
        _position(resource, field),
        has_cursor=root.argument("after") is not None,
    )


def _position(resource: FromClause, field: str) -> json_text.Parts:
    """Return the position of a row: its sort value and its resource id."""
    value = {
        "CREATED_AT": lambda: json_text.plain_string(resource.c.created_at),
        "NAME": lambda: json_text.escaped_string(resource.c.name),
        "STATUS": lambda: json_text.number(resource.c.status_rank),
        "PRICING_TOTAL_HOURLY": lambda: json_text.number(resource.c.price_text),
    }[field]()
    return json_text.array([value, json_text.plain_string(resource.c.resource_id)])
