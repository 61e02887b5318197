"""What is seen at a find_fresh is what a closer look would find."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.enums import ResourceKind
from domain.selection import Selected
from domain.viewer import Viewer
from resolvers.freshness import evaluation
from resolvers.freshness.evaluation import FreshRoot, find_fresh
from resolvers.freshness.summary import OperationAnswer
from tests.db_query.queries import f, root
from tests.db_query.rows import World, ago, uuid_of
from tests.db_query.worlds import TRIED, VIEWERS, filters, worlds
from tests.resolvers.reading import READER, Bench, bench

_INSTANTS: Final = (ago(5), ago(10), ago(10), ago(100), ago(-1), ago(-60))
_STATE: Final = f("freshness", "state reason observedAt ageSeconds source")
_FIELDS: Final = (
    f("name"),
    f("vendorId"),
    f("lastSyncedAt"),
    _STATE,
    f("account", "name state"),
    f("linkedResources", "linkType", f("resource", "resourceId", _STATE)),
    f("linkedResources", "resourceId", _STATE, key="ends"),
    f("linkedResources", "name", f("resource", "vendorId lastSyncedAt"), includeEnded=True, key="every"),
)
_COVERAGE: Final = f("coverage", "complete sweptAt", f("gaps", "kind region reason", f("account", "name")))


@st.composite
def _aged(draw: st.DrawFn) -> World:
    """A world in which some is fresh, and some is not, for one reason or another."""
    world = draw(worlds())
    calm = draw(st.integers(0, 3))
    if calm:
        for row in world.resources:
            row["missing_since"] = None
    for row in world.accounts:
        row["cooldown_seconds"] = draw(st.sampled_from((30.0, 30.0, 7.0, 200.0)))
        row["configured"] = draw(st.sampled_from((True,) * 6 + (False,)))
    for row in draw(
        st.lists(st.sampled_from(world.scopes), max_size=3 - calm, unique_by=lambda each: each["scope_id"])
    ):
        row["configured"] = draw(st.sampled_from((True, True, True, False)))
        row["swept_at"] = draw(st.sampled_from((*_INSTANTS, None)))
        row["tried_at"] = draw(st.sampled_from((row["swept_at"], *_INSTANTS, None)))
        row["problem"] = draw(st.sampled_from((None, "TIMED_OUT")))
    for row in draw(st.lists(st.sampled_from(world.resources), max_size=3 - calm)) if world.resources else ():
        row["seen_no"] = draw(st.sampled_from((3, 5, 6)))
        row["seen_at"] = draw(st.sampled_from(_INSTANTS))
        row["probed_at"] = draw(st.sampled_from((None, None, *_INSTANTS)))
        row["probe_problem"] = draw(st.sampled_from((None, "TIMED_OUT")))
    return world


_DEMANDS: Final = st.sampled_from(
    (
        None,
        None,
        {"maxAgeSeconds": 1000},
        {"maxAgeSeconds": 1000, "maxWaitSeconds": 0},
        {"maxAgeSeconds": 10},
        {"maxAgeSeconds": 3},
        {"maxAgeSeconds": 0},
        {"forceRefresh": True},
    )
)


@st.composite
def _asked(draw: st.DrawFn, key: str) -> Selected:
    arguments: dict[str, Any] = {"freshness": draw(_DEMANDS)}
    fields = draw(st.lists(st.sampled_from(_FIELDS), min_size=1, max_size=3, unique_by=lambda each: each.key))
    name = draw(st.sampled_from(("resource", "resources", "resources", "resourceTotals", "changes", "accounts")))
    if name == "resource":
        return root(name, *fields, key=key, resourceId=uuid_of(draw(st.integers(0, 9))), **arguments)
    if name == "accounts":
        return root(name, "name state", key=key)
    arguments["filter"] = draw(st.none() | filters())
    if name == "resourceTotals":
        return root(name, "count", _COVERAGE, key=key, groupBy=draw(st.sampled_from(([], ["STATUS"]))), **arguments)
    if name == "changes":
        return root(name, f("nodes", f("resource", *fields)), key=key, **arguments)
    order = draw(st.sampled_from(("CREATED_AT", "NAME")))
    return root(
        name, f("nodes", *fields), _COVERAGE, key=key, orderBy={"field": order, "direction": "ASC"}, **arguments
    )


_OPERATIONS: Final = st.lists(
    st.tuples(_asked("one")) | st.tuples(_asked("one"), _asked("two")), min_size=3, max_size=4
)


@contextmanager
def _looking(way: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "find_fresh", way)
        yield


async def _told(at: Bench, asked: tuple[Selected, ...], viewer: Viewer) -> tuple[object, set[str]]:
    """All that comes of an operation: texts, summary, who was asked for what, and which accounts have a reader."""
    at.refresher.asked.clear()
    at.refresher.readers_of.clear()
    answer: OperationAnswer = await at.answer(*asked, viewer=viewer)
    judged = {resource_id: (one.assessment, one.not_before) for resource_id, one in answer.assessments.items()}
    told = list(answer.texts.items()), answer.summary, judged, list(at.refresher.asked)
    return told, set(at.refresher.readers_of)


async def _compare(
    world: World,
    operations: Sequence[tuple[Selected, ...]],
    viewer: Viewer = READER,
    owner: ResourceKind = ResourceKind.MACHINES,
    looked: Callable[..., FreshRoot | None] = find_fresh,
) -> None:
    """Every operation shows the same with a find_fresh and without."""
    async with bench(world, owner) as at:
        for asked in operations:
            with _looking(lambda *_: None):
                closer, readers_of = await _told(at, asked, viewer)
            with _looking(looked):
                quick, read = await _told(at, asked, viewer)
            assert closer == quick
            assert readers_of == read


def test_a_glance_shows_what_a_closer_look_shows() -> None:
    """Over worlds with failed, removed, never listed and future scopes, tombstones, marks, probes and links of two accounts."""
    seen = {True: 0, False: 0}

    def counted(*asked: Any) -> FreshRoot | None:
        found = find_fresh(*asked)
        seen[found is not None] += 1
        return found

    @TRIED
    @given(_aged(), _OPERATIONS, VIEWERS, st.sampled_from(ResourceKind))
    def compared(
        world: World, operations: list[tuple[Selected, ...]], accounts: frozenset[str] | None, owner: ResourceKind
    ) -> None:
        asyncio.run(_compare(world, operations, replace(READER, accounts=accounts), owner, counted))

    compared()
    assert min(seen.values()) > 0


@pytest.mark.parametrize("holding", [True, False])
@pytest.mark.parametrize("name", ["swept_at", "tried_at"])
@pytest.mark.parametrize("instant", [None, ago(100), ago(31), ago(30), ago(-1), ago(-3)])
async def test_one_scope_is_unlike_the_others(name: str, instant: str | None, holding: bool) -> None:
    """However it is: what holds nothing is looked at as closely as what holds something."""
    world = World()
    account = world.account("lab")
    machines, volumes = world.scope(account), world.scope(account, "VOLUMES")
    volumes[name] = instant
    if holding:
        world.link(world.resource(machines, 0), world.resource(volumes, 1))
    filtered: list[dict[str, Any]] = [{}, {"status": ["RUNNING"]}, {"resourceType": ["VM"], "gpuType": []}]
    operations = [
        (root(list_name, "totalCount" if list_name == "resources" else "count", _COVERAGE, filter=conditions),)
        for list_name in ("resources", "resourceTotals")
        for conditions in filtered
    ]
    every = f("nodes", "status", *_FIELDS[-3:])
    looser = root("resources", "totalCount", filter=filtered[1], freshness={"maxAgeSeconds": 35})
    await _compare(
        world, [*operations, (looser,), (root("resources", every),), (root("changes", f("nodes", "field")),)]
    )


async def test_an_account_of_which_only_recorded_fields_are_shown_has_no_reader() -> None:
    """An age is told of the same machine in the other account, and nothing live: that account need not be kept fresh."""
    world = World()
    one, other = (
        world.resource(world.scope(world.account(name)), number) for number, name in enumerate(("one", "other"))
    )
    world.link(one, other, "SAME_MACHINE")
    asked = f("name"), f("linkedResources", f("resource", "lastSyncedAt"))
    async with bench(world) as at:
        await at.answer(root("resource", *asked, resourceId=uuid_of(0)))
    assert (["one"], []) == (at.refresher.readers_of, at.refresher.asked)
