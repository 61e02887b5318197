"""The early exit of the evaluation gives the same answers as the full evaluation."""

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
from tests.db_query.support.queries import f, root
from tests.db_query.support.rows import RowWorld, ago, uuid_of
from tests.db_query.support.strategies import FEW_EXAMPLES, VISIBLE_ACCOUNTS, filters, worlds
from tests.resolvers.reader_bench import READER, ReaderBench, open_bench

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
def _aged_worlds(draw: st.DrawFn) -> RowWorld:
    """A world with fresh and stale resources, for different reasons."""
    world = draw(worlds())
    max_changes = 3 - draw(st.integers(0, 3))
    if max_changes < 3:
        for row in world.resources:
            row["missing_since"] = None
    for row in world.accounts:
        row["cooldown_seconds"] = draw(st.sampled_from((30.0, 30.0, 7.0, 200.0)))
        row["configured"] = draw(st.sampled_from((True,) * 6 + (False,)))
    for row in draw(
        st.lists(st.sampled_from(world.scopes), max_size=max_changes, unique_by=lambda scope: scope["scope_id"])
    ):
        row["configured"] = draw(st.sampled_from((True, True, True, False)))
        row["swept_at"] = draw(st.sampled_from((*_INSTANTS, None)))
        row["tried_at"] = draw(st.sampled_from((row["swept_at"], *_INSTANTS, None)))
        row["problem"] = draw(st.sampled_from((None, "TIMED_OUT")))
    for row in draw(st.lists(st.sampled_from(world.resources), max_size=max_changes)) if world.resources else ():
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
def _root_fields(draw: st.DrawFn, key: str) -> Selected:
    arguments: dict[str, Any] = {"freshness": draw(_DEMANDS)}
    fields = draw(st.lists(st.sampled_from(_FIELDS), min_size=1, max_size=3, unique_by=lambda choice: choice.key))
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
    st.tuples(_root_fields("one")) | st.tuples(_root_fields("one"), _root_fields("two")), min_size=3, max_size=4
)


@contextmanager
def _replace_find_fresh(function: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "find_fresh", function)
        yield


async def _observe(bench: ReaderBench, operation: tuple[Selected, ...], viewer: Viewer) -> tuple[object, set[str]]:
    """Return all results of an operation: texts, summary, assessments and requests, and the accounts that were read."""
    bench.refresher.batches.clear()
    bench.refresher.read_accounts.clear()
    answer: OperationAnswer = await bench.answer(*operation, viewer=viewer)
    assessments = {
        resource_id: (dated.assessment, dated.not_before) for resource_id, dated in answer.assessments.items()
    }
    results = list(answer.texts.items()), answer.summary, assessments, list(bench.refresher.batches)
    return results, set(bench.refresher.read_accounts)


async def _compare(
    world: RowWorld,
    operations: Sequence[tuple[Selected, ...]],
    viewer: Viewer = READER,
    owner: ResourceKind = ResourceKind.MACHINES,
    early_exit: Callable[..., FreshRoot | None] = find_fresh,
) -> None:
    """Assert that every operation has the same results with the early exit and without."""
    async with open_bench(world, owner) as bench:
        for operation in operations:
            with _replace_find_fresh(lambda *_: None):
                expected, expected_accounts = await _observe(bench, operation, viewer)
            with _replace_find_fresh(early_exit):
                results, accounts = await _observe(bench, operation, viewer)
            assert expected == results
            assert expected_accounts == accounts


def test_early_exit_agrees_with_full_evaluation() -> None:
    """The worlds have failed, removed, unlisted and future scopes, tombstones, missing and probed resources, and links."""
    exit_counts = {True: 0, False: 0}

    def count_exits(*arguments: Any) -> FreshRoot | None:
        fresh_root = find_fresh(*arguments)
        exit_counts[fresh_root is not None] += 1
        return fresh_root

    @FEW_EXAMPLES
    @given(_aged_worlds(), _OPERATIONS, VISIBLE_ACCOUNTS, st.sampled_from(ResourceKind))
    def compare(
        world: RowWorld, operations: list[tuple[Selected, ...]], accounts: frozenset[str] | None, owner: ResourceKind
    ) -> None:
        asyncio.run(_compare(world, operations, replace(READER, accounts=accounts), owner, count_exits))

    compare()
    assert min(exit_counts.values()) > 0


@pytest.mark.parametrize("holds_resources", [True, False])
@pytest.mark.parametrize("name", ["swept_at", "tried_at"])
@pytest.mark.parametrize("instant", [None, ago(100), ago(31), ago(30), ago(-1), ago(-3)])
async def test_one_scope_differs_from_the_others(name: str, instant: str | None, holds_resources: bool) -> None:
    """A scope without resources is evaluated like one with resources."""
    world = RowWorld()
    account = world.add_account("lab")
    machines, volumes = world.add_scope(account), world.add_scope(account, "VOLUMES")
    volumes[name] = instant
    if holds_resources:
        world.add_link(world.add_resource(machines, 0), world.add_resource(volumes, 1))
    filter_values: list[dict[str, Any]] = [{}, {"status": ["RUNNING"]}, {"resourceType": ["VM"], "gpuType": []}]
    operations = [
        (root(list_name, "totalCount" if list_name == "resources" else "count", _COVERAGE, filter=conditions),)
        for list_name in ("resources", "resourceTotals")
        for conditions in filter_values
    ]
    nodes = f("nodes", "status", *_FIELDS[-3:])
    lenient = root("resources", "totalCount", filter=filter_values[1], freshness={"maxAgeSeconds": 35})
    await _compare(
        world, [*operations, (lenient,), (root("resources", nodes),), (root("changes", f("nodes", "field")),)]
    )


async def test_recorded_fields_do_not_count_as_reading_an_account() -> None:
    """Of the linked resource only an age is selected, so its account need not be refreshed in the background."""
    world = RowWorld()
    machine, duplicate = (
        world.add_resource(world.add_scope(world.add_account(name)), number)
        for number, name in enumerate(("one", "other"))
    )
    world.add_link(machine, duplicate, "SAME_MACHINE")
    fields = f("name"), f("linkedResources", f("resource", "lastSyncedAt"))
    async with open_bench(world) as bench:
        await bench.answer(root("resource", *fields, resourceId=uuid_of(0)))
    assert (["one"], []) == (bench.refresher.read_accounts, bench.refresher.batches)
