"""Totals against sums in plain Python."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.enums import STATUS_RANK, ResourceStatus, TotalsKey
from domain.viewer import Viewer
from tests.db_query import oracle
from tests.db_query.queries import answered, f, root
from tests.db_query.rows import Row, World
from tests.db_query.worlds import TRIED, VIEWERS, filters, worlds

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


def _name(world: World, row: Row, key: str) -> str | None:
    name: str | None = oracle.account_name(world, row) if key == "ACCOUNT" else row[_COLUMNS[key]]
    return name


def _rank(key: str, name: str | None) -> tuple[bool, int | str]:
    if name is None:
        return (False, 0)
    return (True, STATUS_RANK[ResourceStatus(name)] if key == "STATUS" else name)


def _expected(world: World, rows: list[Row], keys: list[str]) -> list[dict[str, Any]]:
    groups: dict[tuple[str | None, ...], list[Row]] = defaultdict(list)
    if not keys:
        groups[()] = []
    for row in rows:
        groups[tuple(_name(world, row, key) for key in keys)].append(row)
    told = []
    for names, members in sorted(
        groups.items(), key=lambda one: [_rank(*pair) for pair in zip(keys, one[0], strict=True)]
    ):
        sums: dict[str, Fraction] = defaultdict(Fraction)
        for row in members:
            if row["price_text"] is not None and row["currency"] is not None:
                sums[row["currency"]] += Fraction(row["price_text"])
        shown = dict.fromkeys(_FIELDS.values()) | {_FIELDS[key]: name for key, name in zip(keys, names, strict=True)}
        told.append(
            shown
            | {
                "count": len(members),
                "gpuCount": sum(row["gpu_count"] or 0 for row in members),
                "unpricedCount": sum(row["price_text"] is None or row["currency"] is None for row in members),
                "hourly": [{"currency": each, "amount": float(sums[each])} for each in sorted(sums)],
            }
        )
    return told


class TestTotals:
    """Counts and money."""

    @given(
        world=worlds(),
        conditions=filters(),
        keys=st.lists(st.sampled_from(list(TotalsKey)).map(str), max_size=3, unique=True),
        accounts=VIEWERS,
    )
    @TRIED
    async def test_groups(
        self, world: World, conditions: dict[str, Any], keys: list[str], accounts: frozenset[str] | None
    ) -> None:
        """One row a group, ordered by keys, with exact sums a currency."""
        expected = _expected(world, oracle.matching(world, conditions, accounts), keys)
        asked = root("resourceTotals", *_SELECTION, filter=conditions, groupBy=keys)
        async with world.recorded() as engine:
            assert expected == await answered(engine, asked, Viewer("somebody", frozenset(), accounts))

    async def test_money_does_not_drift(self) -> None:
        """Ten times a tenth is one."""
        world = World()
        scope = world.scope(world.account("lab"))
        for _ in range(10):
            world.resource(scope, price_text="0.1", currency="USD")
        async with world.recorded() as engine:
            told = await answered(engine, root("resourceTotals", f("hourly", "amount")))
        assert [{"hourly": [{"amount": 1.0}]}] == told

    async def test_unknown_prices_are_counted(self) -> None:
        """Each of them, however many are alike; zero is a price."""
        world = World()
        scope = world.scope(world.account("lab"))
        for price, currency in ((None, None), (None, None), ("2.0", None), ("0.0", "USD")):
            world.resource(scope, price_text=price, currency=currency)
        async with world.recorded() as engine:
            told = await answered(engine, root("resourceTotals", "unpricedCount", f("hourly", "amount")))
        assert [{"unpricedCount": 3, "hourly": [{"amount": 0.0}]}] == told

    async def test_what_is_not_configured_is_left_out(self) -> None:
        """Neither an account nor a region that is no longer configured counts."""
        world = World()
        world.resource(world.scope(world.account("gone", configured=False)))
        lab = world.account("lab")
        world.resource(world.scope(lab, region="old", configured=False))
        world.resource(world.scope(lab, region="new"))
        async with world.recorded() as engine:
            assert [{"count": 1}] == await answered(engine, root("resourceTotals", "count"))

    async def test_nothing_at_all(self) -> None:
        """Without groups there is one row also of nothing; with groups there is none."""
        async with World().recorded() as engine:
            assert [{"count": 0, "gpuCount": 0, "hourly": []}] == await answered(
                engine, root("resourceTotals", "count gpuCount", f("hourly", "amount"))
            )
            assert await answered(engine, root("resourceTotals", "count", groupBy=["STATUS"])) == []
