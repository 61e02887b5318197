"""The feed of changes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import BadUserInput
from domain.viewer import Viewer
from tests.db_query.queries import EVERYONE, Queries, answered, f, root
from tests.db_query.rows import World, ago, uuid_of


def _world() -> World:
    """Two accounts, a tombstone among their machines, and seven changes in turn."""
    world = World()
    for number, (name, values) in enumerate((("east", {}), ("west", {}), ("west", {"status": "DELETED"}))):
        known = next((one for one in world.accounts if one["name"] == name), None)
        scope = world.scope(world.account(name)) if known is None else world.scopes[-1]
        world.resource(scope, number, **values)
    for number in range(7):
        world.change(world.resources[number % 3], "status", "PENDING", f"n{number}")
    return world


async def _page(engine: AsyncEngine, viewer: Viewer = EVERYONE, **arguments: object) -> dict[str, Any]:
    asked = f(
        "changes",
        f("nodes", "after", f("resource", "resourceId")),
        f("edges", "cursor"),
        f("pageInfo", "hasNextPage hasPreviousPage startCursor endCursor"),
        **arguments,  # type: ignore[arg-type]  # none of them is the key
    ).under("Query")
    told = await answered(engine, asked, viewer)
    assert isinstance(told, dict)
    return told


class TestChanges:
    """What a poller sees."""

    async def test_in_the_order_of_recording(self) -> None:
        """All resources' changes, each with its resource, tombstones' too; page by page nothing is lost."""
        async with _world().recorded() as engine:
            walked: list[Any] = []
            after, more = None, True
            while more:
                told = await _page(engine, first=3, after=after)
                walked.extend(told["nodes"])
                after, more = told["pageInfo"]["endCursor"], told["pageInfo"]["hasNextPage"]
        assert [
            {"after": f"n{number}", "resource": {"resourceId": str(uuid_of(number % 3))}} for number in range(7)
        ] == walked

    async def test_the_cursor_is_kept_while_nothing_is_new(self) -> None:
        """An empty page ends where it began, so that polling goes on from there."""
        world = _world()
        async with world.recorded() as engine:
            last = (await _page(engine))["pageInfo"]["endCursor"]
            told = await _page(engine, after=last)
        expected = {"hasNextPage": False, "hasPreviousPage": True, "startCursor": None, "endCursor": last}
        assert {"nodes": [], "edges": [], "pageInfo": expected} == told

    async def test_nothing_yet(self) -> None:
        """Before the first change there is no cursor to keep."""
        async with World().recorded() as engine:
            told = await _page(engine)
        assert told["pageInfo"]["endCursor"] is None

    @pytest.mark.parametrize("name", ["changes", "resources"])
    async def test_what_no_row_tells(self, name: str) -> None:
        """Whether a page was asked for from its beginning, or nothing at all, is told of none, one or many rows alike."""
        for world in (World(), _world()):
            async with world.recorded() as engine:
                assert {"pageInfo": {}} == await answered(engine, root(name, f("pageInfo")))
                first = await answered(engine, root(name, f("pageInfo", "hasPreviousPage")))
                assert {"pageInfo": {"hasPreviousPage": False}} == first

    async def test_filter_and_viewer(self) -> None:
        """Only what the filter matches now, of accounts that the viewer sees."""
        viewer = Viewer("west", frozenset(), frozenset({"west"}))
        async with _world().recorded() as engine:
            assert ["n1", "n2", "n4", "n5"] == [node["after"] for node in (await _page(engine, viewer))["nodes"]]
            running = await _page(engine, viewer, filter={"status": ["RUNNING"]})
            assert ["n1", "n4"] == [node["after"] for node in running["nodes"]]

    async def test_a_change_as_json(self) -> None:
        """`before` and `after` are JSON, of whatever was recorded."""
        world = _world()
        world.history.clear()
        world.change(world.resources[0], "spec", None, {"gpuCount": 8, "vendor": {"@": [1, None]}}, observed_at=ago(7))
        asked = root("changes", f("edges", f("node", "field before after observedAt source")))
        async with world.recorded() as engine:
            told = await answered(engine, asked)
        assert {
            "field": "spec",
            "before": None,
            "after": {"gpuCount": 8, "vendor": {"@": [1, None]}},
            "observedAt": ago(7),
            "source": "SWEEP",
        } == told["edges"][0]["node"]

    async def test_a_cursor_of_another_list(self) -> None:
        """A list's cursor says nothing about the changes, nor a history's."""
        async with _world().recorded() as engine:
            listed = await answered(engine, root("resources", f("pageInfo", "endCursor")))
            history = root("resource", f("history", f("pageInfo", "endCursor")), resourceId=str(uuid_of(0)))
            cursors = [
                listed["pageInfo"]["endCursor"],
                (await answered(engine, history))["history"]["pageInfo"]["endCursor"],
            ]
            for cursor in cursors:
                with pytest.raises(BadUserInput, match="'after'"):
                    Queries(engine).compile([root("changes", f("nodes", "field"), after=cursor)], EVERYONE)
