"""A read from selections to answers, over a real database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.enums import Permission, ResourceKind, StaleReason
from domain.errors import BadUserInput, Forbidden
from domain.records.model import ScopeKey
from domain.viewer import Viewer
from reconcile.requests import RefreshResult
from tests.db_query.support.queries import f, root
from tests.db_query.support.rows import NOW, RowWorld, ago, uuid_of
from tests.resolvers.reader_bench import open_bench, sweep_updates

_OLD = {"swept_at": ago(100), "tried_at": ago(100)}
_STATE = f("freshness", "state reason")


def _world(**values: Any) -> RowWorld:
    """A machine with a volume in one account. Its machines were swept 100 s ago and its volumes 10 s ago."""
    world = RowWorld()
    account = world.add_account("lab")
    machines = world.add_scope(account, **_OLD | values)
    volumes = world.add_scope(account, "VOLUMES")
    world.add_link(world.add_resource(machines, 0, name="old"), world.add_resource(volumes, 1, name="disk"))
    return world


def _machine(*fields: Any, **arguments: Any) -> Any:
    return root("resource", *fields, resourceId=uuid_of(0), **arguments)


class TestReaderRequests:
    """The requests that a read makes to the refresher."""

    async def test_recorded_fields_request_nothing(self) -> None:
        """No vendor is called for recorded fields, however old they are, and the answer states their ages."""
        fields = "resourceId vendorId createdAt lastSyncedAt"
        async with open_bench(_world()) as bench:
            answer = await bench.answer(
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
        assert bench.refresher.batches == []
        resource = answer.values["resource"]
        assert isinstance(resource, dict)
        assert {"state": "STALE", "reason": "NOT_DEMANDED"} == resource["freshness"]
        assert ago(100) == resource["lastSyncedAt"]

    async def test_fresh_live_fields_request_nothing(self) -> None:
        """A live field whose scope was swept recently enough is answered immediately."""
        async with open_bench(_world()) as bench:
            answer = await bench.answer(_machine("name", freshness={"maxAgeSeconds": 100}))
        assert bench.refresher.batches == []
        assert {"name": "old"} == answer.values["resource"]
        assert (1, 0, 0, 102.0) == (
            answer.summary.fresh,
            answer.summary.stale,
            answer.summary.vendor_calls,
            answer.summary.oldest_age_seconds,
        )

    async def test_a_stale_resource_is_refreshed_and_read_again(self) -> None:
        """The request contains its id, and the answer contains the refreshed value."""
        async with open_bench(_world()) as bench:
            bench.refresher.updates_for = sweep_updates(name="new")
            bench.refresher.result = RefreshResult(calls=3, shared=True)
            answer = await bench.answer(_machine("name", _STATE))
            (request,) = bench.refresher.requests
        assert {"name": "new", "freshness": {"state": "FRESH", "reason": None}} == answer.values["resource"]
        assert (ScopeKey("lab", ResourceKind.MACHINES, None), (uuid_of(0),), ()) == (
            request.scope,
            request.resources,
            request.missing,
        )
        assert (ago(30), False, 10) == (
            request.not_before.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            request.forced,
            request.max_wait_seconds,
        )
        assert (3, True) == (answer.summary.vendor_calls, answer.summary.shared)

    async def test_arrival_by_the_clock_of_the_loop(self) -> None:
        """The refresher receives the time of the arrival, two seconds before the evaluation."""
        async with open_bench(_world()) as bench:
            before = asyncio.get_running_loop().time()
            await bench.answer(_machine("name"))
            assert before <= bench.refresher.arrivals[0] + 2 <= asyncio.get_running_loop().time()

    async def test_force(self) -> None:
        """A forced request needs a flight sent after the arrival, whatever the age, and has the max wait of the reader."""
        async with open_bench(_world(swept_at=ago(0.5), tried_at=ago(0.5))) as bench:
            await bench.answer(_machine("status", freshness={"forceRefresh": True, "maxWaitSeconds": 2.5}))
            (request,) = bench.refresher.requests
        assert (NOW, True, 2.5) == (request.not_before, request.forced, request.max_wait_seconds)

    async def test_defaults_of_the_account(self) -> None:
        """Without arguments, max age and max wait are the defaults of the account."""
        world = RowWorld()
        world.add_resource(world.add_scope(world.add_account("slow", cooldown_seconds=5.0)), 0)
        async with open_bench(world) as bench:
            await bench.answer(_machine("status"))
            (request,) = bench.refresher.requests
        assert ((NOW - request.not_before).total_seconds(), request.max_wait_seconds) == (5, 40)

    async def test_links_request_their_owner(self) -> None:
        """Links request the scope of their owner. A live field of a linked resource also requests that resource's scope."""
        machine, volume = ("MACHINES", (uuid_of(0),)), ("VOLUMES", (uuid_of(1),))
        for owner, field, expected in (
            (ResourceKind.VOLUMES, "linkType", [machine, ("VOLUMES", ())]),
            (ResourceKind.MACHINES, "linkType", [machine]),
            (ResourceKind.MACHINES, "name", [machine, volume]),
        ):
            async with open_bench(_world(), owner) as bench:
                await bench.answer(_machine(f("linkedResources", field), freshness={"forceRefresh": True}))
                requests = [(request.scope.kind.value, request.resources) for request in bench.refresher.requests]
            assert expected == sorted(requests)

    async def test_a_list_requests_every_possible_scope(self) -> None:
        """Empty scopes are included. Conditions on recorded fields exclude scopes; those on live fields make a demand."""
        world = _world()
        world.add_scope(world.add_account("empty"), **_OLD)
        world.add_scope(world.add_account("gone", configured=False), **_OLD)
        for field, accounts in (
            (root("resources", f("nodes", "status")), ["empty", "lab"]),
            (root("resources", "totalCount", filter={"status": ["RUNNING"]}), ["empty", "lab"]),
            (root("resources", "totalCount", filter={"nameContains": "x", "account": ["empty"]}), ["empty"]),
            (root("resources", "totalCount", orderBy={"field": "NAME"}), ["empty", "lab"]),
            (root("resourceTotals", "count", groupBy=["STATUS"]), ["empty", "lab"]),
            (root("resourceTotals", f("hourly", "amount"), filter={"vendor": ["sandbox"]}), ["empty", "lab"]),
            (root("resources", f("nodes", "status"), filter={"resourceType": ["FILESYSTEM"]}), []),
        ):
            async with open_bench(world) as bench:
                await bench.answer(field)
                requests = [request for batch in bench.refresher.batches for request in batch]
            assert accounts == sorted(request.scope.account for request in requests if not request.resources)

    async def test_changes_request_the_resources_of_the_page(self) -> None:
        """Selecting live fields of the resources below changes is a demand for these resources."""
        world = _world()
        world.add_change(world.resources[0], "name", None, "x")
        async with open_bench(world) as bench:
            await bench.answer(root("changes", f("nodes", "field", f("resource", "status"))))
            assert [(uuid_of(0),)] == [request.resources for request in bench.refresher.requests]

    async def test_the_row_after_the_page_requests_nothing(self) -> None:
        """It is read only for `hasNextPage`. It is neither demanded nor counted."""
        world = _world()
        world.scopes[1] |= _OLD
        for resource in world.resources:
            world.add_change(resource, "name", None, "x")
        page = (f("nodes", f("resource", "status")), f("pageInfo", "hasNextPage"))
        async with open_bench(world) as bench:
            answer = await bench.answer(root("changes", *page, first=1))
            assert [(uuid_of(0),)] == [request.resources for request in bench.refresher.requests]
        assert (answer.summary.fresh + answer.summary.stale) == 1

    async def test_a_missing_resource_requests_its_probe(self) -> None:
        """A recent sweep of its scope is not enough. After a failed probe nothing is requested, and it stays unconfirmed."""
        world = _world(swept_at=ago(5), tried_at=ago(5))
        world.resources[0] |= {"missing_since": ago(5), "absent_no": 5}
        async with open_bench(world) as bench:
            bench.refresher.updates_for = lambda _: {"resources": {"probed_at": ago(-1), "probe_problem": "TIMED_OUT"}}
            first = await bench.fetch_value(_machine("name", _STATE))
            await bench.fetch_value(_machine("name"))
            (request,) = bench.refresher.requests
        assert ((uuid_of(0),), (uuid_of(0),)) == (request.resources, request.missing)
        assert {"state": "UNCONFIRMED", "reason": "ABSENT"} == first["freshness"]

    async def test_root_fields_are_refreshed_together(self) -> None:
        """An operation has one batch of requests."""
        async with open_bench(_world()) as bench:
            bench.refresher.updates_for = sweep_updates(name="new", gpu_count=7)
            answer = await bench.answer(
                _machine("name", key="one"),
                root("resources", f("nodes", "name"), key="list"),
                _machine(f("account", "name"), key="recorded"),
                root("resources", f("nodes", "name"), key="bad", first=0),
            )
        assert len(bench.refresher.batches) == 1
        assert {"name": "new"} == answer.values["one"]
        assert {"nodes": [{"name": "new"}, {"name": "new"}]} == answer.values["list"]
        assert {"account": {"name": "lab"}} == answer.values["recorded"]
        assert isinstance(answer.values["bad"], BadUserInput)
        assert ["one", "list", "recorded", "bad"] == list(answer.values)


class TestRefusals:
    """Refusals of a whole operation, and of one root field."""

    @pytest.mark.parametrize("freshness", [{"forceRefresh": True}, {"maxAgeSeconds": 1}, {"maxAgeSeconds": 0}])
    async def test_forbidden_before_anything_runs(self, freshness: dict[str, object]) -> None:
        """One root field without permission refuses the whole operation, and no vendor is called."""
        viewer = Viewer("reader", frozenset({Permission.READ}))
        async with open_bench(_world()) as bench:
            with pytest.raises(Forbidden):
                await bench.answer(_machine("name", key="fine"), _machine("name", freshness=freshness), viewer=viewer)
        assert bench.refresher.batches == []

    async def test_invalid_arguments_concern_one_root_field(self) -> None:
        """The error is the answer of that root field, and the other one is answered."""
        async with open_bench(_world()) as bench:
            answer = await bench.answer(
                _machine("name", key="bad", freshness={"forceRefresh": True, "maxAgeSeconds": 9}),
                _machine("vendorId", key="good"),
            )
        error = answer.values["bad"]
        assert isinstance(error, BadUserInput)
        assert (error.argument, {"vendorId": "v-0"}) == ("freshness", answer.values["good"])


class TestStaleReasons:
    """Reasons for stale answers."""

    @pytest.mark.parametrize(
        ("result", "problem", "expected"),
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
    async def test_precedence(self, result: RefreshResult, problem: str | None, expected: str) -> None:
        """The refresh of the resource comes first, then that of its scope, a recorded problem, and the deadline."""
        async with open_bench(_world(problem=problem)) as bench:
            bench.refresher.result = result
            resource = await bench.fetch_value(_machine("name", _STATE))
        assert {"name": "old", "freshness": {"state": "STALE", "reason": expected}} == resource

    async def test_a_recent_failure(self) -> None:
        """A failed sweep that was sent recently enough settles the demand. Its problem is the reason."""
        async with open_bench(_world(tried_at=ago(1), state="FAILED", problem="AUTH_REJECTED")) as bench:
            resource = await bench.fetch_value(_machine("name", _STATE))
        assert bench.refresher.batches == []
        assert {"state": "STALE", "reason": "AUTH_REJECTED"} == resource["freshness"]

    async def test_not_configured(self) -> None:
        """A demand for a scope that is no longer configured requests nothing."""
        async with open_bench(_world(configured=False)) as bench:
            resource = await bench.fetch_value(_machine("name", _STATE, freshness={"forceRefresh": True}))
        assert bench.refresher.batches == []
        assert {"state": "STALE", "reason": "NOT_CONFIGURED"} == resource["freshness"]

    async def test_linked_resource_that_is_not_demanded(self) -> None:
        """Selecting only the age of a linked resource is not a demand for it."""
        world = _world()
        world.scopes[1] |= _OLD
        async with open_bench(world) as bench:
            bench.refresher.updates_for = lambda _: {}
            resource = await bench.fetch_value(_machine("name", f("linkedResources", _STATE)))
        assert [{"freshness": {"state": "STALE", "reason": "NOT_DEMANDED"}}] == resource["linkedResources"]
