"""Whether a list is current, and the summary of an operation."""

from __future__ import annotations

from typing import Any

from domain.enums import ResourceKind, StaleReason
from domain.records.model import ScopeKey
from reconcile.requests import RefreshResult
from tests.db_query.support.queries import f, root
from tests.db_query.support.rows import RowWorld, ago, uuid_of
from tests.resolvers.reader_bench import open_bench, sweep_updates

_COVERAGE = f("coverage", "complete sweptAt", f("gaps", "kind region sweptAt reason", f("account", "name state")))
_NEVER: dict[str, Any] = {"swept_no": 0, "swept_at": None, "tried_no": 0, "tried_at": None, "state": "NEVER_SWEPT"}


def _gap(account: str, state: str, swept_at: str | None, reason: str) -> dict[str, object]:
    scope = {"kind": "MACHINES", "region": None, "sweptAt": swept_at, "reason": reason}
    return scope | {"account": {"name": account, "state": state}}


def _world() -> RowWorld:
    """Account `good` was swept 10 s ago, `down` 100 s ago and is failing since, `new` was never swept."""
    world = RowWorld()
    world.add_resource(world.add_scope(world.add_account("good")), 0)
    world.add_scope(world.add_account("down"), swept_at=ago(100), state="FAILED", problem="VENDOR_DOWN")
    world.add_scope(world.add_account("new"), **_NEVER)
    return world


class TestListCoverage:
    """Whether a list is complete, and the gaps if it is not."""

    async def test_not_demanded(self) -> None:
        """The default max age applies. The reason is the problem of the scope, or that nothing was demanded."""
        async with open_bench(_world()) as bench:
            page = await bench.fetch_value(root("resources", "totalCount", _COVERAGE))
        gaps = [_gap("down", "DOWN", ago(100), "VENDOR_DOWN"), _gap("new", "NEVER_SYNCED", None, "NOT_DEMANDED")]
        assert {"complete": False, "sweptAt": None, "gaps": gaps} == page["coverage"]

    async def test_demanded(self) -> None:
        """A gap states why the demand for its scope was not settled. The resources of other scopes are fresh."""
        async with open_bench(_world()) as bench:
            bench.refresher.result = RefreshResult(
                scopes={ScopeKey("new", ResourceKind.MACHINES, None): StaleReason.TIMED_OUT}
            )
            answer = await bench.answer(root("resources", f("nodes", f("freshness", "state"), "status"), _COVERAGE))
        page = answer.values["resources"]
        assert isinstance(page, dict)
        gaps = [_gap("down", "DOWN", ago(100), "VENDOR_DOWN"), _gap("new", "NEVER_SYNCED", None, "TIMED_OUT")]
        assert gaps == page["coverage"]["gaps"]
        assert [{"freshness": {"state": "FRESH"}, "status": "RUNNING"}] == page["nodes"]
        assert [
            {"account": "down", "kind": "MACHINES", "region": None, "reason": "VENDOR_DOWN"},
            {"account": "new", "kind": "MACHINES", "region": None, "reason": "TIMED_OUT"},
        ] == answer.summary.to_extensions()["gaps"]

    async def test_complete(self) -> None:
        """A list is complete once every scope was listed, and as old as the oldest listing, even without matches."""
        async with open_bench(_world()) as bench:
            bench.refresher.updates_for = sweep_updates(status_rank=2)
            page = await bench.fetch_value(
                root("resources", f("nodes", "name"), _COVERAGE, filter={"gpuType": ["none"]})
            )
        assert bench.refresher.requests
        assert {"complete": True, "sweptAt": ago(-1), "gaps": []} == page["coverage"]

    async def test_filtered(self) -> None:
        """Scopes that cannot hold a match do not count. If no scope can, the list is complete and has no age."""
        async with open_bench(_world()) as bench:
            page = await bench.fetch_value(root("resources", _COVERAGE, filter={"account": ["good"]}))
            empty_page = await bench.fetch_value(root("resources", _COVERAGE, filter={"account": []}))
        assert {"complete": True, "sweptAt": ago(10), "gaps": []} == page["coverage"]
        assert {"complete": True, "sweptAt": None, "gaps": []} == empty_page["coverage"]

    async def test_not_configured(self) -> None:
        """A removed scope is a gap as long as it has living resources. It is never a gap of totals."""
        world = RowWorld()
        gone = world.add_account("gone", configured=False)
        world.add_resource(world.add_scope(gone), 0)
        world.add_resource(world.add_scope(gone, region="old"), 1, status="DELETED")
        async with open_bench(world) as bench:
            page = await bench.fetch_value(root("resources", "totalCount", _COVERAGE))
            (total,) = await bench.fetch_value(root("resourceTotals", "count", f("coverage", "complete")))
        assert [_gap("gone", "REMOVED", ago(10), "NOT_CONFIGURED")] == page["coverage"]["gaps"]
        assert {"count": 0, "coverage": {"complete": True}} == total

    async def test_a_listing_in_the_future(self) -> None:
        """It does not give an age, so the scope counts as never swept."""
        world = RowWorld()
        world.add_scope(world.add_account("odd"), swept_at=ago(-100))
        async with open_bench(world) as bench:
            page = await bench.fetch_value(root("resources", _COVERAGE))
        assert {"complete": False, "sweptAt": None} == {key: page["coverage"][key] for key in ("complete", "sweptAt")}
        assert page["coverage"]["gaps"][0]["sweptAt"] is None


class TestFreshnessSummary:
    """`extensions.freshness`."""

    async def test_each_resource_is_counted_once(self) -> None:
        """A resource in several root fields counts with its worst state. The oldest age is that of all resources."""
        world = _world()
        scope = world.scopes[0]
        world.add_resource(scope, 1, missing_since=ago(10), absent_no=5, probed_at=ago(3))
        async with open_bench(world) as bench:
            answer = await bench.answer(
                root("resource", "name", resourceId=uuid_of(0), freshness={"maxAgeSeconds": 60}, key="fresh"),
                root(
                    "resource",
                    f("freshness", "state"),
                    resourceId=uuid_of(0),
                    freshness={"maxAgeSeconds": 9},
                    key="stale",
                ),
                root("resource", "name", resourceId=uuid_of(1)),
            )
        expected = {"fresh": 0, "stale": 1, "unconfirmed": 1, "oldestAgeSeconds": 1002.0, "vendorCalls": 0, "gaps": []}
        assert expected == answer.summary.to_extensions()
        assert bench.refresher.batches == []

    async def test_assessments(self) -> None:
        """The answer provides the assessment of each resource, with the instant against which its age was compared."""
        async with open_bench(_world()) as bench:
            answer = await bench.answer(root("resource", "name", resourceId=uuid_of(0)))
        dated = answer.assessments[uuid_of(0)]
        assert ("FRESH", ago(30)) == (
            dated.assessment.state.value,
            dated.not_before.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        )

    async def test_links_whose_owner_was_not_listed(self) -> None:
        """The resource is fresh, but its links may be old, so the scope of the links owner is a gap."""
        world = RowWorld()
        lab = world.add_account("lab")
        world.add_resource(world.add_scope(lab), 0)
        world.add_scope(lab, "VOLUMES", swept_at=ago(100), problem="TIMED_OUT")
        async with open_bench(world, ResourceKind.VOLUMES) as bench:
            answer = await bench.answer(root("resource", f("linkedResources", "linkType"), resourceId=uuid_of(0)))
        assert (1, [("VOLUMES", "TIMED_OUT")]) == (
            answer.summary.fresh,
            [(gap.scope.key.kind.value, gap.reason.value) for gap in answer.summary.gaps],
        )

    async def test_operation_without_resources(self) -> None:
        """It has no age, and all counts are 0."""
        async with open_bench(_world()) as bench:
            answer = await bench.answer(root("accounts", "name"))
        counts = dict.fromkeys(("fresh", "stale", "unconfirmed", "vendorCalls"), 0)
        expected: dict[str, object] = {**counts, "oldestAgeSeconds": None, "gaps": []}
        assert expected == answer.summary.to_extensions()
