"""Lists, compared with the oracle: filters, orders, pages, counts, links."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.viewer import Viewer
from tests.db_query.support import oracle
from tests.db_query.support.queries import f, fetch, root
from tests.db_query.support.rows import RowWorld
from tests.db_query.support.strategies import FEW_EXAMPLES, ORDERS, VISIBLE_ACCOUNTS, filters, worlds

_SELECTION = (
    f("nodes", "resourceId"),
    f("edges", "cursor", f("node", "vendorId")),
    "totalCount",
    f("pageInfo", "hasNextPage"),
)
_DIRECTIONS = ("ASC", "DESC")


def _viewer(accounts: frozenset[str] | None) -> Viewer:
    return Viewer("somebody", frozenset(), accounts)


async def _fetch_all_pages(engine: AsyncEngine, field: str, direction: str, first: int, viewer: Viewer) -> list[str]:
    """Return the resource ids of all pages, in order."""
    ids: list[str] = []
    after: str | None = None
    while True:
        selected = root(
            "resources",
            f("nodes", "resourceId"),
            f("pageInfo", "hasNextPage hasPreviousPage endCursor"),
            filter={"includeDeleted": True},
            orderBy={"field": field, "direction": direction},
            first=first,
            after=after,
        )
        page: dict[str, Any] = await fetch(engine, selected, viewer)
        ids.extend(node["resourceId"] for node in page["nodes"])
        assert (after is not None) is page["pageInfo"]["hasPreviousPage"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return ids


class TestAgainstTheOracle:
    """SQL returns the same as plain Python over the same rows."""

    @given(world=worlds(), filter_batch=st.lists(filters(), min_size=8, max_size=8), accounts=VISIBLE_ACCOUNTS)
    @FEW_EXAMPLES
    async def test_filters(
        self, world: RowWorld, filter_batch: list[dict[str, Any]], accounts: frozenset[str] | None
    ) -> None:
        """A filter matches the same resources, in the default order, and counts them."""
        async with world.database() as engine:
            for conditions in filter_batch:
                expected = oracle.sort_rows(oracle.find_matches(world, conditions, accounts), "CREATED_AT", "DESC")
                page = await fetch(
                    engine, root("resources", *_SELECTION, filter=conditions, first=3), _viewer(accounts)
                )
                assert [row["resource_id"] for row in expected[:3]] == [node["resourceId"] for node in page["nodes"]]
                assert [row["vendor_id"] for row in expected[:3]] == [
                    edge["node"]["vendorId"] for edge in page["edges"]
                ]
                assert len(expected) == page["totalCount"]
                assert (len(expected) > 3) is page["pageInfo"]["hasNextPage"]

    @given(world=worlds(), first=st.integers(1, 4), accounts=VISIBLE_ACCOUNTS)
    @FEW_EXAMPLES
    async def test_all_pages_together_are_the_whole_list(
        self, world: RowWorld, first: int, accounts: frozenset[str] | None
    ) -> None:
        """In every order and direction, with nulls and ties, no resource is repeated or left out."""
        conditions = {"includeDeleted": True}
        async with world.database() as engine:
            for field in ORDERS:
                for direction in _DIRECTIONS:
                    expected = oracle.sort_rows(oracle.find_matches(world, conditions, accounts), field, direction)
                    ids = await _fetch_all_pages(engine, field, direction, first, _viewer(accounts))
                    assert [row["resource_id"] for row in expected] == ids

    @given(world=worlds(), accounts=VISIBLE_ACCOUNTS, include_ended=st.booleans())
    @FEW_EXAMPLES
    async def test_links(self, world: RowWorld, accounts: frozenset[str] | None, include_ended: bool) -> None:
        """A resource shows its own links, in order, to resources that the viewer sees. So do the linked resources."""
        selection = f(
            "nodes",
            "resourceId",
            f(
                "linkedResources",
                "resourceId",
                f("resource", "resourceId", f("linkedResources", "resourceId")),
                includeEnded=include_ended,
            ),
        )
        field = root("resources", selection, filter={"includeDeleted": True, "includeDuplicates": True}, first=50)
        by_id = {row["resource_id"]: row for row in world.resources}
        async with world.database() as engine:
            page = await fetch(engine, field, _viewer(accounts))
        for node in page["nodes"]:
            links = node["linkedResources"]
            expected = oracle.find_links(world, by_id[node["resourceId"]], accounts, include_ended=include_ended)
            assert expected == [link["resourceId"] for link in links]
            assert expected == [link["resource"]["resourceId"] for link in links]
            for link in links:
                second_hop = oracle.find_links(world, by_id[link["resourceId"]], accounts, include_ended=False)
                assert second_hop == [end["resourceId"] for end in link["resource"]["linkedResources"]]
