"""The text of each root field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select

from db import tables
from db.query import cursors
from db.query.placeholders import AccountsOf
from db.query.shape import After, Shape
from db.query.sql import json_text, orders
from db.query.sql.accounts import is_visible
from db.query.sql.aliases import alias
from db.query.sql.builder import StatementBuilder
from db.query.sql.filters import bind_param, filter_conditions, match_conditions
from db.query.sql.pages import connection
from db.query.sql.resource import change_object, resource_object, sequence_paging
from db.query.sql.totals import totals

LISTS: Final = frozenset({"resources", "resourceTotals"})
"""The root fields whose result can be incomplete, because a scope may hold resources that are not recorded yet."""
_LIVE_FILTERS: Final = ("status", "nameContains", "gpuType", "gpuFamily", "linkedTo")
_LIVE_ORDERS: Final = ("NAME", "STATUS", "PRICING_TOTAL_HOURLY")
_LIVE_KEYS: Final = ("STATUS", "GPU_TYPE")


def root_text(root: Shape, builder: StatementBuilder) -> json_text.Parts:
    """Return the text of a root field."""
    return _ROOTS[root.name](root, builder)


def is_live_criterion(root: Shape) -> bool:
    """Return whether the filter, the order or the grouping uses a live field."""
    conditions = filter_conditions(root)
    order, keys = root.argument("order"), root.argument("groupBy")
    return (
        any(name in conditions for name in _LIVE_FILTERS)
        or (isinstance(order, tuple) and order[0] in _LIVE_ORDERS)
        or (isinstance(keys, tuple) and any(key in _LIVE_KEYS for key in keys))
    )


def _resource(root: Shape, builder: StatementBuilder) -> json_text.Parts:
    resource = alias(tables.resources)
    row = (
        select(json_text.concat(resource_object(root, builder, resource)))
        .select_from(resource)
        .where(
            resource.c.resource_id == bind_param(root.argument("resourceId")),
            is_visible(resource.c.account_id, builder.restricted),
        )
        .scalar_subquery()
    )
    return (func.coalesce(row, json_text.NULL),)


def _resources(root: Shape, builder: StatementBuilder) -> json_text.Parts:
    resource = alias(tables.resources)
    field, direction = orders.list_order(root)
    is_live = is_live_criterion(root)

    def page(columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        query = (
            select(*columns)
            .select_from(resource)
            .where(*match_conditions(resource, filter_conditions(root), builder.restricted))
            .order_by(*orders.order_by(resource, field, direction))
        )
        after = root.argument("after")
        return query.where(orders.is_after(resource, field, direction, after)) if isinstance(after, After) else query

    def total(_: Shape) -> json_text.Parts:
        counted = alias(tables.resources)
        conditions = match_conditions(counted, filter_conditions(root), builder.restricted)
        return json_text.number(select(func.count()).select_from(counted).where(*conditions).scalar_subquery())

    paging = orders.keyset_paging(root, resource)
    return connection(
        root,
        builder,
        paging,
        lambda node: resource_object(node, builder, resource, is_live=is_live),
        page,
        {"totalCount": total},
    )


def _changes(root: Shape, builder: StatementBuilder) -> json_text.Parts:
    """Return the changes of the resources that match the filter now. Tombstones match too, so deletions are reported."""
    entry, resource = alias(tables.history), alias(tables.resources)
    is_live = is_live_criterion(root)

    def page(columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        query = (
            select(*columns)
            .select_from(entry.join(resource, resource.c.resource_id == entry.c.resource_id))
            .where(*match_conditions(resource, filter_conditions(root), builder.restricted, tombstones=True))
            .order_by(entry.c.seq)
        )
        after = root.param("after")
        return query.where(entry.c.seq > bind_param(after)) if after else query

    paging = sequence_paging(root, entry, cursors.CHANGES)
    return connection(
        root, builder, paging, lambda node: change_object(node, builder, entry, resource, is_live=is_live), page, {}
    )


def _accounts(root: Shape, builder: StatementBuilder) -> json_text.Parts:
    return builder.placeholder(AccountsOf(root))


_ROOTS: Final[Mapping[str, Callable[[Shape, StatementBuilder], json_text.Parts]]] = {
    "resource": _resource,
    "node": _resource,
    "resources": _resources,
    "resourceTotals": totals,
    "changes": _changes,
    "accounts": _accounts,
}
