"""The way of a read, from selections to answers, over a real database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.enums import Permission, ResourceKind, StaleReason
from domain.errors import BadUserInput, Forbidden
from domain.records.model import ScopeKey
from domain.viewer import Viewer
from reconcile.requests import RefreshResult
from tests.db_query.queries import f, root
from tests.db_query.rows import NOW, World, ago, uuid_of
from tests.resolvers.reading import bench, swept

_OLD = {"swept_at": ago(100), "tried_at": ago(100)}
_STATE = f("freshness", "state reason")


def _world(**values: Any) -> World:
    """One account, its machines swept 100 s ago, its volumes 10 s ago; a machine with a volume."""
    world = World()
    account = world.account("lab")
    machines = world.scope(account, **_OLD | values)
    volumes = world.scope(account, "VOLUMES")
    world.link(world.resource(machines, 0, name="old"), world.resource(volumes, 1, name="disk"))
    return world


def _machine(*fields: Any, **arguments: Any) -> Any:
    return root("resource", *fields, resourceId=uuid_of(0), **arguments)


class TestDemanding:
    """What is asked of the vendors."""

    async def test_recorded_fields_ask_nothing(self) -> None:
        """Every recorded field of everything, however old: no vendor is asked, and ages are told as they are."""
        fields = "resourceId vendorId createdAt lastSyncedAt"
        async with bench(_world()) as at:
            answer = await at.answer(
                _machine(
                    fields, _STATE, f("account", "state"), f("offerHistory", "role"), f("history", f("nodes", "field"))
                ),
                root(
                    "resources",
                    f("nodes", fields),
                    "totalCount",
                    f("coverage", "complete"),
                    filter={"account": ["lab"]},
                ),
                root("resourceTotals", "count vendor", groupBy=["VENDOR", "RESOURCE_TYPE"]),
                root("changes", f("nodes", "field")),
                root("accounts", "state"),
            )
        assert at.refresher.asked == []
        told = answer.values["resource"]
        assert isinstance(told, dict)
        assert {"state": "STALE", "reason": "NOT_DEMANDED"} == told["freshness"]
        assert ago(100) == told["lastSyncedAt"]

    async def test_fresh_enough_asks_nothing(self) -> None:
        """A live field whose scope was asked in time is answered at once."""
        async with bench(_world()) as at:
            answer = await at.answer(_machine("name", freshness={"maxAgeSeconds": 100}))
        assert at.refresher.asked == []
        assert {"name": "old"} == answer.values["resource"]
        assert (1, 0, 0, 102.0) == (
            answer.summary.fresh,
            answer.summary.stale,
            answer.summary.vendor_calls,
            answer.summary.oldest_age_seconds,
        )

    async def test_a_stale_resource_is_asked_for_and_read_again(self) -> None:
        """The want names it; what the flight told is answered, fresh."""
        async with bench(_world()) as at:
            at.refresher.tells, at.refresher.settlement = swept(name="new"), RefreshResult(calls=3, shared=True)
            answer = await at.answer(_machine("name", _STATE))
            (want,) = at.refresher.wants
        assert {"name": "new", "freshness": {"state": "FRESH", "reason": None}} == answer.values["resource"]
        assert (ScopeKey("lab", ResourceKind.MACHINES, None), (uuid_of(0),), ()) == (
            want.scope,
            want.resources,
            want.missing,
        )
        assert (ago(30), False, 10) == (
            want.not_before.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            want.forced,
            want.max_wait_seconds,
        )
        assert (3, True) == (answer.summary.vendor_calls, answer.summary.shared)

    async def test_arrival_on_the_loop_s_clock(self) -> None:
        """The refresher receives the time when the request arrived, two seconds before it is looked at."""
        async with bench(_world()) as at:
            before = asyncio.get_running_loop().time()
            await at.answer(_machine("name"))
            assert before <= at.refresher.arrivals[0] + 2 <= asyncio.get_running_loop().time()

    async def test_force(self) -> None:
        """Whatever its age, the scope is wanted from the arrival on; the wait is the reader's own."""
        async with bench(_world(swept_at=ago(0.5), tried_at=ago(0.5))) as at:
            await at.answer(_machine("status", freshness={"forceRefresh": True, "maxWaitSeconds": 2.5}))
            (want,) = at.refresher.wants
        assert (NOW, True, 2.5) == (want.not_before, want.forced, want.max_wait_seconds)

    async def test_the_account_s_own_defaults(self) -> None:
        """Max age and max wait are the account's where the reader tells none."""
        world = World()
        world.resource(world.scope(world.account("slow", cooldown_seconds=5.0)), 0)
        async with bench(world) as at:
            await at.answer(_machine("status"))
            (want,) = at.refresher.wants
        assert ((NOW - want.not_before).total_seconds(), want.max_wait_seconds) == (5, 40)

    async def test_links_ask_their_owner(self) -> None:
        """Links alone ask for the owner's scope; a live field of the other end asks for that end's scope as well."""
        machine, volume = ("MACHINES", (uuid_of(0),)), ("VOLUMES", (uuid_of(1),))
        for owner, field, expected in (
            (ResourceKind.VOLUMES, "linkType", [machine, ("VOLUMES", ())]),
            (ResourceKind.MACHINES, "linkType", [machine]),
            (ResourceKind.MACHINES, "name", [machine, volume]),
        ):
            async with bench(_world(), owner) as at:
                await at.answer(_machine(f("linkedResources", field), freshness={"forceRefresh": True}))
                assert expected == sorted((want.scope.kind.value, want.resources) for want in at.refresher.wants)

    async def test_a_list_asks_every_possible_scope(self) -> None:
        """Those without any resource too; recorded conditions narrow, live ones make the demand."""
        world = _world()
        world.scope(world.account("empty"), **_OLD)
        world.scope(world.account("gone", configured=False), **_OLD)
        for asked, accounts in (
            (root("resources", f("nodes", "status")), ["empty", "lab"]),
            (root("resources", "totalCount", filter={"status": ["RUNNING"]}), ["empty", "lab"]),
            (root("resources", "totalCount", filter={"nameContains": "x", "account": ["empty"]}), ["empty"]),
            (root("resources", "totalCount", orderBy={"field": "NAME"}), ["empty", "lab"]),
            (root("resourceTotals", "count", groupBy=["STATUS"]), ["empty", "lab"]),
            (root("resourceTotals", f("hourly", "amount"), filter={"vendor": ["sandbox"]}), ["empty", "lab"]),
            (root("resources", f("nodes", "status"), filter={"resourceType": ["FILESYSTEM"]}), []),
        ):
            async with bench(world) as at:
                await at.answer(asked)
                wants = [want for call in at.refresher.asked for want in call]
            assert accounts == sorted(want.scope.account for want in wants if not want.resources)

    async def test_changes_ask_for_what_is_in_the_page(self) -> None:
        """The resources of the page, where their live fields are selected."""
        world = _world()
        world.change(world.resources[0], "name", None, "x")
        async with bench(world) as at:
            await at.answer(root("changes", f("nodes", "field", f("resource", "status"))))
            assert [(uuid_of(0),)] == [want.resources for want in at.refresher.wants]

    async def test_what_only_tells_that_more_follows_asks_nothing(self) -> None:
        """The row behind the page is neither demanded nor counted."""
        world = _world()
        world.scopes[1] |= _OLD
        for resource in world.resources:
            world.change(resource, "name", None, "x")
        page = (f("nodes", f("resource", "status")), f("pageInfo", "hasNextPage"))
        async with bench(world) as at:
            answer = await at.answer(root("changes", *page, first=1))
            assert [(uuid_of(0),)] == [want.resources for want in at.refresher.wants]
        assert (answer.summary.fresh + answer.summary.stale) == 1

    async def test_a_marked_resource_waits_for_its_probe(self) -> None:
        """Its scope was asked in time, yet its own probe is wanted; once probed it is not. It stays unconfirmed."""
        world = _world(swept_at=ago(5), tried_at=ago(5))
        world.resources[0] |= {"missing_since": ago(5), "absent_no": 5}
        async with bench(world) as at:
            at.refresher.tells = lambda _: {"resources": {"probed_at": ago(-1), "probe_problem": "TIMED_OUT"}}
            first = await at.one(_machine("name", _STATE))
            await at.one(_machine("name"))
            (want,) = at.refresher.wants
        assert ((uuid_of(0),), (uuid_of(0),)) == (want.resources, want.missing)
        assert {"state": "UNCONFIRMED", "reason": "ABSENT"} == first["freshness"]

    async def test_root_fields_are_settled_together(self) -> None:
        """One settlement for an operation; what demands nothing is not read again."""
        async with bench(_world()) as at:
            at.refresher.tells = swept(name="new", gpu_count=7)
            answer = await at.answer(
                _machine("name", key="one"),
                root("resources", f("nodes", "name"), key="list"),
                _machine(f("account", "name"), key="recorded"),
                root("resources", f("nodes", "name"), key="bad", first=0),
            )
        assert len(at.refresher.asked) == 1
        assert {"name": "new"} == answer.values["one"]
        assert {"nodes": [{"name": "new"}, {"name": "new"}]} == answer.values["list"]
        assert {"account": {"name": "lab"}} == answer.values["recorded"]
        assert isinstance(answer.values["bad"], BadUserInput)
        assert ["one", "list", "recorded", "bad"] == list(answer.values)


class TestRefusing:
    """What is refused, and what runs beside it."""

    @pytest.mark.parametrize("freshness", [{"forceRefresh": True}, {"maxAgeSeconds": 1}, {"maxAgeSeconds": 0}])
    async def test_forbidden_before_anything_runs(self, freshness: dict[str, object]) -> None:
        """One root field without permission refuses the operation, and no vendor is asked."""
        viewer = Viewer("reader", frozenset({Permission.READ}))
        async with bench(_world()) as at:
            with pytest.raises(Forbidden):
                await at.answer(_machine("name", key="fine"), _machine("name", freshness=freshness), viewer=viewer)
        assert at.refresher.asked == []

    async def test_contradiction_is_its_root_field_s(self) -> None:
        """A bad argument is told in its place; the other root field is answered."""
        async with bench(_world()) as at:
            answer = await at.answer(
                _machine("name", key="bad", freshness={"forceRefresh": True, "maxAgeSeconds": 9}),
                _machine("vendorId", key="good"),
            )
        error = answer.values["bad"]
        assert isinstance(error, BadUserInput)
        assert (error.argument, {"vendorId": "v-0"}) == ("freshness", answer.values["good"])


class TestReasons:
    """Why an answer is stale."""

    @pytest.mark.parametrize(
        ("settlement", "problem", "expected"),
        [
            (RefreshResult(resources={uuid_of(0): StaleReason.RATE_LIMITED}), "AUTH_REJECTED", "RATE_LIMITED"),
            (
                RefreshResult(scopes={ScopeKey("lab", ResourceKind.MACHINES, None): StaleReason.DEADLINE}),
                "AUTH_REJECTED",
                "DEADLINE",
            ),
            (RefreshResult(), "PARTIAL_SWEEP", "PARTIAL_SWEEP"),
            (RefreshResult(), None, "DEADLINE"),
        ],
    )
    async def test_in_turn(self, settlement: RefreshResult, problem: str | None, expected: str) -> None:
        """What came of this resource, of its scope, what the record knows, else that time ran out."""
        async with bench(_world(problem=problem)) as at:
            at.refresher.settlement = settlement
            told = await at.one(_machine("name", _STATE))
        assert {"name": "old", "freshness": {"state": "STALE", "reason": expected}} == told

    async def test_a_held_failure(self) -> None:
        """A failed sweep sent in time settles the demand; its problem is the reason."""
        async with bench(_world(tried_at=ago(1), state="FAILED", problem="AUTH_REJECTED")) as at:
            told = await at.one(_machine("name", _STATE))
        assert at.refresher.asked == []
        assert {"state": "STALE", "reason": "AUTH_REJECTED"} == told["freshness"]

    async def test_not_configured(self) -> None:
        """It waits for nobody."""
        async with bench(_world(configured=False)) as at:
            told = await at.one(_machine("name", _STATE, freshness={"forceRefresh": True}))
        assert at.refresher.asked == []
        assert {"state": "STALE", "reason": "NOT_CONFIGURED"} == told["freshness"]

    async def test_beside_what_was_demanded(self) -> None:
        """A linked resource whose age alone was selected was not demanded."""
        world = _world()
        world.scopes[1] |= _OLD
        async with bench(world) as at:
            at.refresher.tells = lambda _: {}
            told = await at.one(_machine("name", f("linkedResources", _STATE)))
        assert [{"freshness": {"state": "STALE", "reason": "NOT_DEMANDED"}}] == told["linkedResources"]
