"""Totals of resources.

SQL counts the resources with equal keys, currency and price. Python adds the prices in exact decimals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, cast

from sqlalchemy import and_, func, select

from db import tables
from db.query.placeholders import PlaceholderRenderer, RenderContext, coverage_object
from db.query.shape import Shape
from db.query.sql import json_text
from db.query.sql.aliases import alias
from db.query.sql.builder import StatementBuilder
from db.query.sql.filters import filter_conditions, match_conditions
from domain.enums import STATUS_RANK, ResourceStatus

_KEYS: Final = {
    "VENDOR": ("vendor", "vendor"),
    "ACCOUNT": ("account", ""),
    "VENDOR_REGION": ("vendorRegion", "vendor_region"),
    "STATUS": ("status", "status"),
    "RESOURCE_TYPE": ("resourceType", "resource_type"),
    "GPU_TYPE": ("gpuType", "gpu_type"),
}
"""The field and the column of each key. The name of an account is in another table, so it has no column here."""


def group_keys(root: Shape) -> tuple[str, ...]:
    """Return the keys by which the totals are grouped."""
    return cast("tuple[str, ...]", root.argument("groupBy") or ())


def totals(root: Shape, builder: StatementBuilder) -> json_text.Parts:
    """Return the totals of all resources that match and whose scope is configured.

    Prices are grouped by their text, so that the database never adds floating-point numbers.
    """
    resource, accounts, scopes = alias(tables.resources), alias(tables.accounts), alias(tables.scopes)
    columns = [accounts.c.name if key == "ACCOUNT" else resource.c[_KEYS[key][1]] for key in group_keys(root)]
    money = [resource.c.currency, resource.c.price_text] if root.selects("hourly", "unpricedCount") else []
    sums = [func.count(), func.sum(func.coalesce(resource.c.gpu_count, 0))]
    parts = json_text.array(
        [
            json_text.array([json_text.escaped_string(column) for column in columns]),
            json_text.array([json_text.escaped_string(column) for column in money]),
            *(json_text.number(column) for column in sums),
        ]
    )
    query = (
        select(json_text.concat(parts).label("t"))
        .select_from(
            resource.join(accounts, accounts.c.account_id == resource.c.account_id).join(
                scopes, scopes.c.scope_id == resource.c.scope_id
            )
        )
        .where(
            and_(accounts.c.configured, scopes.c.configured),
            *match_conditions(resource, filter_conditions(root), builder.restricted),
        )
        .group_by(*columns, *money)
    )
    # Without keys there is one row even if nothing matches, and its sum is null.
    return builder.placeholder(Totals(root), (json_text.array_of_rows(query),))


@dataclass(slots=True)
class _Group:
    count: int = 0
    gpu_count: int = 0
    unpriced: int = 0
    hourly: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, money: Sequence[str | None], count: int, gpu_count: int | None) -> None:
        self.count += count
        self.gpu_count += gpu_count or 0
        if not money:
            return
        currency, price = money
        if currency is None or price is None:
            self.unpriced += count
        else:
            self.hourly[currency] += Decimal(price) * count


@dataclass(frozen=True, slots=True)
class Totals(PlaceholderRenderer):
    """Renders one row for each group.

    The rows are ordered by their keys: null first, statuses in the order of the enum, texts by code point.
    """

    shape: Shape

    def render(self, payload: Any, context: RenderContext) -> Any:
        """Return the rows; exactly one if there are no keys."""
        keys = group_keys(self.shape)
        groups: dict[tuple[str | None, ...], _Group] = defaultdict(_Group)
        if not keys:
            groups[()] = _Group()
        for group, money, count, gpu_count in payload:
            groups[tuple(group)].add(money, count, gpu_count)
        ordered = sorted(groups.items(), key=lambda item: [_rank(*pair) for pair in zip(keys, item[0], strict=True)])
        return [self._row(dict(zip(keys, names, strict=True)), group, context) for names, group in ordered]

    def _row(self, names: Mapping[str, str | None], group: _Group, context: RenderContext) -> dict[str, Any]:
        values: dict[str, Callable[[Shape], Any]] = {
            "count": lambda _: group.count,
            "gpuCount": lambda _: group.gpu_count,
            "unpricedCount": lambda _: group.unpriced,
            "hourly": lambda child: [_money(child, *entry) for entry in sorted(group.hourly.items())],
            "coverage": lambda child: coverage_object(child, context),
        }
        key_values = {_KEYS[key][0]: name for key, name in names.items()}
        return self.shape.to_object(
            lambda child: values[child.name](child) if child.name in values else key_values.get(child.name)
        )


def _rank(key: str, name: str | None) -> tuple[bool, int | str]:
    if name is None:
        return (False, 0 if key == "STATUS" else "")
    return (True, STATUS_RANK[ResourceStatus(name)] if key == "STATUS" else name)


def _money(shape: Shape, currency: str, amount: Decimal) -> dict[str, Any]:
    values = {"currency": currency, "amount": float(amount)}
    return shape.to_object(lambda child: values[child.name])
