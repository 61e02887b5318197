"""Totals: SQL counts what is alike in keys, currency and price; the sums are made here, exactly, in decimals."""

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
from db.query.sql.filters import conditions_of, matches
from domain.enums import STATUS_RANK, ResourceStatus

_KEYS: Final = {
    "VENDOR": ("vendor", "vendor"),
    "ACCOUNT": ("account", ""),
    "VENDOR_REGION": ("vendorRegion", "vendor_region"),
    "STATUS": ("status", "status"),
    "RESOURCE_TYPE": ("resourceType", "resource_type"),
    "GPU_TYPE": ("gpuType", "gpu_type"),
}
"""Key to the field that shows it and the column that holds it; an account's name stands in its own table."""


def keys_of(root: Shape) -> tuple[str, ...]:
    """By what is grouped."""
    return cast("tuple[str, ...]", root.argument("groupBy") or ())


def totals(root: Shape, builder: StatementBuilder) -> json_text.Parts:
    """The groups of what is configured and matches. Money is grouped by its text: floats are never added by a database."""
    resource, accounts, scopes = alias(tables.resources), alias(tables.accounts), alias(tables.scopes)
    columns = [accounts.c.name if key == "ACCOUNT" else resource.c[_KEYS[key][1]] for key in keys_of(root)]
    money = [resource.c.currency, resource.c.price_text] if root.selects("hourly", "unpricedCount") else []
    sums = [func.count(), func.sum(func.coalesce(resource.c.gpu_count, 0))]
    parts = json_text.array(
        [
            json_text.array([json_text.escaped(column) for column in columns]),
            json_text.array([json_text.escaped(column) for column in money]),
            *(json_text.number(each) for each in sums),
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
            *matches(resource, conditions_of(root), builder.restricted),
        )
        .group_by(*columns, *money)
    )
    # Without keys an aggregate has one row even when nothing matches; the sum of nothing is null.
    return builder.placeholder(Totals(root), (json_text.rows(query),))


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
    """One row a group, ordered by keys: null first, statuses in their order, texts by code point."""

    shape: Shape

    def render(self, payload: Any, context: RenderContext) -> Any:
        """The rows; without keys exactly one."""
        keys = keys_of(self.shape)
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
        shown = {_KEYS[key][0]: name for key, name in names.items()}
        return self.shape.to_object(
            lambda child: values[child.name](child) if child.name in values else shown.get(child.name)
        )


def _rank(key: str, name: str | None) -> tuple[bool, int | str]:
    if name is None:
        return (False, 0 if key == "STATUS" else "")
    return (True, STATUS_RANK[ResourceStatus(name)] if key == "STATUS" else name)


def _money(shape: Shape, currency: str, amount: Decimal) -> dict[str, Any]:
    values = {"currency": currency, "amount": float(amount)}
    return shape.to_object(lambda child: values[child.name])
