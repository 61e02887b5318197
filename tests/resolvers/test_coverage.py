"""Whether a list is current, and the summary of an operation."""

from __future__ import annotations

from typing import Any

from domain.enums import ResourceKind, StaleReason
from domain.records.model import ScopeKey
from reconcile.requests import RefreshResult
from tests.db_query.queries import f, root
from tests.db_query.rows import World, ago, uuid_of
from tests.resolvers.reading import bench, swept

_COVERAGE = f("coverage", "complete sweptAt", f("gaps", "kind region sweptAt reason", f("account", "name state")))
_NEVER: dict[str, Any] = {"swept_no": 0, "swept_at": None, "tried_no": 0, "tried_at": None, "state": "NEVER_SWEPT"}


def _gap(account: str, state: str, swept_at: str | None, reason: str) -> dict[str, object]:
    told = {"kind": "MACHINES", "region": None, "sweptAt": swept_at, "reason": reason}
    return told | {"account": {"name": account, "state": state}}


def _world() -> World:
    """`good` swept 10 s ago, `down` 100 s ago and failing since, `new` never."""
    world = World()
    world.resource(world.scope(world.account("good")), 0)
    world.scope(world.account("down"), swept_at=ago(100), state="FAILED", problem="VENDOR_DOWN")
    world.scope(world.account("new"), **_NEVER)
    return world


class TestCoverage:
    """An empty list must be able to say why it is empty."""

    async def test_not_demanded(self) -> None:
        """Judged by the default max age; the reason is the scope's problem, else that nobody asked."""
        async with bench(_world()) as at:
            told = await at.one(root("resources", "totalCount", _COVERAGE))
        gaps = [_gap("down", "DOWN", ago(100), "VENDOR_DOWN"), _gap("new", "NEVER_SYNCED", None, "NOT_DEMANDED")]
        assert {"complete": False, "sweptAt": None, "gaps": gaps} == told["coverage"]

    async def test_demanded(self) -> None:
        """What could not be settled is told with what came of it; the first vendor's answer is fresh beside it."""
        async with bench(_world()) as at:
            at.refresher.settlement = RefreshResult(
                scopes={ScopeKey("new", ResourceKind.MACHINES, None): StaleReason.TIMED_OUT}
            )
            answer = await at.answer(root("resources", f("nodes", f("freshness", "state"), "status"), _COVERAGE))
        told = answer.values["resources"]
        assert isinstance(told, dict)
        gaps = [_gap("down", "DOWN", ago(100), "VENDOR_DOWN"), _gap("new", "NEVER_SYNCED", None, "TIMED_OUT")]
        assert gaps == told["coverage"]["gaps"]
        assert [{"freshness": {"state": "FRESH"}, "status": "RUNNING"}] == told["nodes"]
        assert [
            {"account": "down", "kind": "MACHINES", "region": None, "reason": "VENDOR_DOWN"},
            {"account": "new", "kind": "MACHINES", "region": None, "reason": "TIMED_OUT"},
        ] == answer.summary.to_extensions()["gaps"]

    async def test_complete(self) -> None:
        """Once every scope was listed it is complete, as old as the oldest listing; also of a page without matches."""
        async with bench(_world()) as at:
            at.refresher.tells = swept(status_rank=2)
            told = await at.one(root("resources", f("nodes", "name"), _COVERAGE, filter={"gpuType": ["none"]}))
        assert at.refresher.wants
        assert {"complete": True, "sweptAt": ago(-1), "gaps": []} == told["coverage"]

    async def test_narrowed(self) -> None:
        """Scopes that cannot hold a match do not count; where none can, the list is complete and of no age."""
        async with bench(_world()) as at:
            told = await at.one(root("resources", _COVERAGE, filter={"account": ["good"]}))
            nothing = await at.one(root("resources", _COVERAGE, filter={"account": []}))
        assert {"complete": True, "sweptAt": ago(10), "gaps": []} == told["coverage"]
        assert {"complete": True, "sweptAt": None, "gaps": []} == nothing["coverage"]

    async def test_not_configured(self) -> None:
        """A removed scope is a gap while it has living resources; totals leave it out; without any it is none."""
        world = World()
        gone = world.account("gone", configured=False)
        world.resource(world.scope(gone), 0)
        world.resource(world.scope(gone, region="old"), 1, status="DELETED")
        async with bench(world) as at:
            told = await at.one(root("resources", "totalCount", _COVERAGE))
            (total,) = await at.one(root("resourceTotals", "count", f("coverage", "complete")))
        assert [_gap("gone", "REMOVED", ago(10), "NOT_CONFIGURED")] == told["coverage"]["gaps"]
        assert {"count": 0, "coverage": {"complete": True}} == total

    async def test_a_listing_of_the_future(self) -> None:
        """It tells no age: the scope counts as never swept."""
        world = World()
        world.scope(world.account("odd"), swept_at=ago(-100))
        async with bench(world) as at:
            told = await at.one(root("resources", _COVERAGE))
        assert {"complete": False, "sweptAt": None} == {key: told["coverage"][key] for key in ("complete", "sweptAt")}
        assert told["coverage"]["gaps"][0]["sweptAt"] is None


class TestSummary:
    """`extensions.freshness`."""

    async def test_each_resource_once(self) -> None:
        """By the worst that was said of it, whichever root fields show it; ages over all of them."""
        world = _world()
        scope = world.scopes[0]
        world.resource(scope, 1, missing_since=ago(10), absent_no=5, probed_at=ago(3))
        async with bench(world) as at:
            answer = await at.answer(
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
        assert at.refresher.asked == []

    async def test_judgements(self) -> None:
        """Each resource's judgement, and what it was judged against, stand beside the answer."""
        async with bench(_world()) as at:
            answer = await at.answer(root("resource", "name", resourceId=uuid_of(0)))
        judged = answer.assessments[uuid_of(0)]
        assert ("FRESH", ago(30)) == (
            judged.assessment.state.value,
            judged.not_before.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        )

    async def test_links_whose_owner_was_not_listed(self) -> None:
        """The resource itself is fresh, yet its links may be old: the owner's scope is a gap."""
        world = World()
        lab = world.account("lab")
        world.resource(world.scope(lab), 0)
        world.scope(lab, "VOLUMES", swept_at=ago(100), problem="TIMED_OUT")
        async with bench(world, ResourceKind.VOLUMES) as at:
            answer = await at.answer(root("resource", f("linkedResources", "linkType"), resourceId=uuid_of(0)))
        assert (1, [("VOLUMES", "TIMED_OUT")]) == (
            answer.summary.fresh,
            [(gap.scope.key.kind.value, gap.reason.value) for gap in answer.summary.gaps],
        )

    async def test_nothing_aged(self) -> None:
        """No ages, no counts."""
        async with bench(_world()) as at:
            answer = await at.answer(root("accounts", "name"))
        counts = dict.fromkeys(("fresh", "stale", "unconfirmed", "vendorCalls"), 0)
        expected: dict[str, object] = {**counts, "oldestAgeSeconds": None, "gaps": []}
        assert expected == answer.summary.to_extensions()
