"""Lists against the oracle: filters, orders, pages, counts, links."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.viewer import Viewer
from tests.db_query import oracle
from tests.db_query.queries import answered, f, root
from tests.db_query.rows import World
from tests.db_query.worlds import ORDERS, TRIED, VIEWERS, filters, worlds

_SELECTION = (
    f("nodes", "resourceId"),
    f("edges", "cursor", f("node", "vendorId")),
    "totalCount",
    f("pageInfo", "hasNextPage"),
)
_DIRECTIONS = ("ASC", "DESC")


def _viewer(accounts: frozenset[str] | None) -> Viewer:
    return Viewer("somebody", frozenset(), accounts)


async def _walk(engine: AsyncEngine, field: str, direction: str, first: int, viewer: Viewer) -> list[str]:
    """Page by page to the end."""
    found: list[str] = []
    after: str | None = None
    while True:
        page = root(
            "resources",
            f("nodes", "resourceId"),
            f("pageInfo", "hasNextPage hasPreviousPage endCursor"),
            filter={"includeDeleted": True},
            orderBy={"field": field, "direction": direction},
            first=first,
            after=after,
        )
        told: dict[str, Any] = await answered(engine, page, viewer)
        found.extend(node["resourceId"] for node in told["nodes"])
        assert (after is not None) is told["pageInfo"]["hasPreviousPage"]
        after = told["pageInfo"]["endCursor"]
        if not told["pageInfo"]["hasNextPage"]:
            return found


class TestAgainstTheOracle:
    """What SQL answers is what plain Python answers over the same rows."""

    @given(world=worlds(), asked=st.lists(filters(), min_size=8, max_size=8), accounts=VIEWERS)
    @TRIED
    async def test_filters(self, world: World, asked: list[dict[str, Any]], accounts: frozenset[str] | None) -> None:
        """A filter matches the same resources, in the default order, and counts them."""
        async with world.recorded() as engine:
            for conditions in asked:
                expected = oracle.ordered(oracle.matching(world, conditions, accounts), "CREATED_AT", "DESC")
                told = await answered(
                    engine, root("resources", *_SELECTION, filter=conditions, first=3), _viewer(accounts)
                )
                assert [row["resource_id"] for row in expected[:3]] == [node["resourceId"] for node in told["nodes"]]
                assert [row["vendor_id"] for row in expected[:3]] == [
                    edge["node"]["vendorId"] for edge in told["edges"]
                ]
                assert len(expected) == told["totalCount"]
                assert (len(expected) > 3) is told["pageInfo"]["hasNextPage"]

    @given(world=worlds(), first=st.integers(1, 4), accounts=VIEWERS)
    @TRIED
    async def test_a_walk_in_pages_is_the_whole_list(
        self, world: World, first: int, accounts: frozenset[str] | None
    ) -> None:
        """Every order in both directions, with nulls and ties, page by page: nothing twice, nothing left out."""
        conditions = {"includeDeleted": True}
        async with world.recorded() as engine:
            for field in ORDERS:
                for direction in _DIRECTIONS:
                    expected = oracle.ordered(oracle.matching(world, conditions, accounts), field, direction)
                    walked = await _walk(engine, field, direction, first, _viewer(accounts))
                    assert [row["resource_id"] for row in expected] == walked

    @given(world=worlds(), accounts=VIEWERS, ended=st.booleans())
    @TRIED
    async def test_links(self, world: World, accounts: frozenset[str] | None, ended: bool) -> None:
        """Each resource shows its own links alone, in their order, to ends that the viewer sees; also the ends theirs."""
        selection = f(
            "nodes",
            "resourceId",
            f(
                "linkedResources",
                "resourceId",
                f("resource", "resourceId", f("linkedResources", "resourceId")),
                includeEnded=ended,
            ),
        )
        asked = root("resources", selection, filter={"includeDeleted": True, "includeDuplicates": True}, first=50)
        by_id = {row["resource_id"]: row for row in world.resources}
        async with world.recorded() as engine:
            told = await answered(engine, asked, _viewer(accounts))
        for node in told["nodes"]:
            links = node["linkedResources"]
            expected = oracle.links_of(world, by_id[node["resourceId"]], accounts, ended=ended)
            assert expected == [link["resourceId"] for link in links]
            assert expected == [link["resource"]["resourceId"] for link in links]
            for link in links:
                beyond = oracle.links_of(world, by_id[link["resourceId"]], accounts, ended=False)
                assert beyond == [each["resourceId"] for each in link["resource"]["linkedResources"]]
