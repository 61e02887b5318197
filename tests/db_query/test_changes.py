"""The feed of changes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import BadUserInput
from domain.viewer import Viewer
from tests.db_query.support.queries import EVERYONE, Queries, f, fetch, root
from tests.db_query.support.rows import RowWorld, ago, uuid_of


def _world() -> RowWorld:
    """Two accounts with three machines, one of them a tombstone, and seven changes of them in turn."""
    world = RowWorld()
    for number, (name, values) in enumerate((("east", {}), ("west", {}), ("west", {"status": "DELETED"}))):
        is_new = name not in {account["name"] for account in world.accounts}
        scope = world.add_scope(world.add_account(name)) if is_new else world.scopes[-1]
        world.add_resource(scope, number, **values)
    for number in range(7):
        world.add_change(world.resources[number % 3], "status", "PENDING", f"n{number}")
    return world


async def _fetch_page(engine: AsyncEngine, viewer: Viewer = EVERYONE, **arguments: object) -> dict[str, Any]:
    field = f(
        "changes",
        f("nodes", "after", f("resource", "resourceId")),
        f("edges", "cursor"),
        f("pageInfo", "hasNextPage hasPreviousPage startCursor endCursor"),
        **arguments,  # type: ignore[arg-type]  # none of them is the key
    ).select_on("Query")
    page = await fetch(engine, field, viewer)
    assert isinstance(page, dict)
    return page


class TestChanges:
    """The feed as a polling client sees it."""

    async def test_changes_come_in_the_order_in_which_they_were_recorded(self) -> None:
        """The pages together contain every change with its resource, including changes of tombstones."""
        async with _world().database() as engine:
            nodes: list[Any] = []
            after, has_next = None, True
            while has_next:
                page = await _fetch_page(engine, first=3, after=after)
                nodes.extend(page["nodes"])
                after, has_next = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert [
            {"after": f"n{number}", "resource": {"resourceId": str(uuid_of(number % 3))}} for number in range(7)
        ] == nodes

    async def test_an_empty_page_repeats_the_cursor(self) -> None:
        """A client that polls continues with the same cursor until there is a new change."""
        world = _world()
        async with world.database() as engine:
            last = (await _fetch_page(engine))["pageInfo"]["endCursor"]
            page = await _fetch_page(engine, after=last)
        expected = {"hasNextPage": False, "hasPreviousPage": True, "startCursor": None, "endCursor": last}
        assert {"nodes": [], "edges": [], "pageInfo": expected} == page

    async def test_before_the_first_change_there_is_no_cursor(self) -> None:
        """The first page of an empty feed has no end."""
        async with RowWorld().database() as engine:
            page = await _fetch_page(engine)
        assert page["pageInfo"]["endCursor"] is None

    @pytest.mark.parametrize("name", ["changes", "resources"])
    async def test_page_info_that_depends_on_no_row(self, name: str) -> None:
        """An empty selection and `hasPreviousPage` have one value, whether the page has no rows or many."""
        for world in (RowWorld(), _world()):
            async with world.database() as engine:
                assert {"pageInfo": {}} == await fetch(engine, root(name, f("pageInfo")))
                first = await fetch(engine, root(name, f("pageInfo", "hasPreviousPage")))
                assert {"pageInfo": {"hasPreviousPage": False}} == first

    async def test_filter_and_viewer(self) -> None:
        """The feed contains changes of resources that match the filter now and that the viewer may see."""
        viewer = Viewer("west", frozenset(), frozenset({"west"}))
        async with _world().database() as engine:
            assert ["n1", "n2", "n4", "n5"] == [node["after"] for node in (await _fetch_page(engine, viewer))["nodes"]]
            running = await _fetch_page(engine, viewer, filter={"status": ["RUNNING"]})
            assert ["n1", "n4"] == [node["after"] for node in running["nodes"]]

    async def test_values_of_a_change_are_json(self) -> None:
        """`before` and `after` are the JSON that was recorded."""
        world = _world()
        world.history.clear()
        world.add_change(
            world.resources[0], "spec", None, {"gpuCount": 8, "vendor": {"@": [1, None]}}, observed_at=ago(7)
        )
        field = root("changes", f("edges", f("node", "field before after observedAt source")))
        async with world.database() as engine:
            page = await fetch(engine, field)
        assert {
            "field": "spec",
            "before": None,
            "after": {"gpuCount": 8, "vendor": {"@": [1, None]}},
            "observedAt": ago(7),
            "source": "SWEEP",
        } == page["edges"][0]["node"]

    async def test_cursors_of_other_lists_are_refused(self) -> None:
        """Neither the cursor of a list of resources nor that of a history is a position in the feed."""
        async with _world().database() as engine:
            resources = await fetch(engine, root("resources", f("pageInfo", "endCursor")))
            history = root("resource", f("history", f("pageInfo", "endCursor")), resourceId=str(uuid_of(0)))
            cursors = [
                resources["pageInfo"]["endCursor"],
                (await fetch(engine, history))["history"]["pageInfo"]["endCursor"],
            ]
            for cursor in cursors:
                with pytest.raises(BadUserInput, match="'after'"):
                    Queries(engine).compile([root("changes", f("nodes", "field"), after=cursor)], EVERYONE)
