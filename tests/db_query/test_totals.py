"""Totals, compared with sums in plain Python."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.enums import STATUS_RANK, ResourceStatus, TotalsKey
from domain.viewer import Viewer
from tests.db_query.support import oracle
from tests.db_query.support.queries import f, fetch, root
from tests.db_query.support.rows import Row, RowWorld
from tests.db_query.support.strategies import FEW_EXAMPLES, VISIBLE_ACCOUNTS, filters, worlds

_FIELDS = {
    "VENDOR": "vendor",
    "ACCOUNT": "account",
    "VENDOR_REGION": "vendorRegion",
    "STATUS": "status",
    "RESOURCE_TYPE": "resourceType",
    "GPU_TYPE": "gpuType",
}
_COLUMNS = {
    "VENDOR": "vendor",
    "VENDOR_REGION": "vendor_region",
    "STATUS": "status",
    "RESOURCE_TYPE": "resource_type",
    "GPU_TYPE": "gpu_type",
}
_SELECTION = (" ".join(_FIELDS.values()), "count gpuCount unpricedCount", f("hourly", "currency amount"))


def _key_value(world: RowWorld, row: Row, key: str) -> str | None:
    value: str | None = oracle.account_name(world, row) if key == "ACCOUNT" else row[_COLUMNS[key]]
    return value


def _rank(key: str, value: str | None) -> tuple[bool, int | str]:
    if value is None:
        return (False, 0)
    return (True, STATUS_RANK[ResourceStatus(value)] if key == "STATUS" else value)


def _expected_totals(world: RowWorld, rows: list[Row], keys: list[str]) -> list[dict[str, Any]]:
    groups: dict[tuple[str | None, ...], list[Row]] = defaultdict(list)
    if not keys:
        groups[()] = []
    for row in rows:
        groups[tuple(_key_value(world, row, key) for key in keys)].append(row)
    sorted_groups = sorted(
        groups.items(), key=lambda group: [_rank(*pair) for pair in zip(keys, group[0], strict=True)]
    )
    totals = []
    for values, members in sorted_groups:
        sums: dict[str, Fraction] = defaultdict(Fraction)
        for row in members:
            if row["price_text"] is not None and row["currency"] is not None:
                sums[row["currency"]] += Fraction(row["price_text"])
        key_fields = {_FIELDS[key]: value for key, value in zip(keys, values, strict=True)}
        totals.append(
            dict.fromkeys(_FIELDS.values())
            | key_fields
            | {
                "count": len(members),
                "gpuCount": sum(row["gpu_count"] or 0 for row in members),
                "unpricedCount": sum(row["price_text"] is None or row["currency"] is None for row in members),
                "hourly": [{"currency": currency, "amount": float(sums[currency])} for currency in sorted(sums)],
            }
        )
    return totals


class TestTotals:
    """Counts and sums of money."""

    @given(
        world=worlds(),
        conditions=filters(),
        keys=st.lists(st.sampled_from(list(TotalsKey)).map(str), max_size=3, unique=True),
        accounts=VISIBLE_ACCOUNTS,
    )
    @FEW_EXAMPLES
    async def test_groups(
        self, world: RowWorld, conditions: dict[str, Any], keys: list[str], accounts: frozenset[str] | None
    ) -> None:
        """There is one row for each group, ordered by the keys, with an exact sum for each currency."""
        expected = _expected_totals(world, oracle.find_matches(world, conditions, accounts), keys)
        field = root("resourceTotals", *_SELECTION, filter=conditions, groupBy=keys)
        async with world.database() as engine:
            assert expected == await fetch(engine, field, Viewer("somebody", frozenset(), accounts))

    async def test_sums_of_money_are_exact(self) -> None:
        """Ten times 0.1 is 1."""
        world = RowWorld()
        scope = world.add_scope(world.add_account("lab"))
        for _ in range(10):
            world.add_resource(scope, price_text="0.1", currency="USD")
        async with world.database() as engine:
            totals = await fetch(engine, root("resourceTotals", f("hourly", "amount")))
        assert [{"hourly": [{"amount": 1.0}]}] == totals

    async def test_unknown_prices_are_counted(self) -> None:
        """Resources without a price or a currency are counted, also several equal ones. Zero is a price."""
        world = RowWorld()
        scope = world.add_scope(world.add_account("lab"))
        for price, currency in ((None, None), (None, None), ("2.0", None), ("0.0", "USD")):
            world.add_resource(scope, price_text=price, currency=currency)
        async with world.database() as engine:
            totals = await fetch(engine, root("resourceTotals", "unpricedCount", f("hourly", "amount")))
        assert [{"unpricedCount": 3, "hourly": [{"amount": 0.0}]}] == totals

    async def test_resources_of_removed_accounts_and_scopes_are_left_out(self) -> None:
        """Neither an account nor a region counts that is no longer configured."""
        world = RowWorld()
        world.add_resource(world.add_scope(world.add_account("gone", configured=False)))
        lab = world.add_account("lab")
        world.add_resource(world.add_scope(lab, region="old", configured=False))
        world.add_resource(world.add_scope(lab, region="new"))
        async with world.database() as engine:
            assert [{"count": 1}] == await fetch(engine, root("resourceTotals", "count"))

    async def test_empty_database(self) -> None:
        """Without keys there is one row of zeros; with keys there is no row."""
        async with RowWorld().database() as engine:
            assert [{"count": 0, "gpuCount": 0, "hourly": []}] == await fetch(
                engine, root("resourceTotals", "count gpuCount", f("hourly", "amount"))
            )
            assert await fetch(engine, root("resourceTotals", "count", groupBy=["STATUS"])) == []
