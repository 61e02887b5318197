"""Answers explain themselves: which call told them, who shared it, what failed since; counted beside by the cloud itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.enums import Permission, ResourceKind
from domain.records.model import ScopeKey
from sandbox.faults import FaultKind
from sandbox.http.server import SandboxServer
from sandbox.operations import Operation
from sandbox.world import World
from supplygraph.auth.tokens import make
from tests.clock import ManualClock
from tests.proofs.served import Served, account, served

EXPLAIN = """explain {
  vendor operation page httpStatus latencySeconds requestId sentAt source readers nextAllowedAt
  failedAttempts { source sentAt reason }
}"""
LIST = f"""query ($age: Int, $type: [ResourceType!]) {{
  resources(first: 1000, filter: {{resourceType: $type}}, freshness: {{maxAgeSeconds: $age, maxWaitSeconds: 20}}) {{
    nodes {{ resourceId vendorId status freshness {{ state observedAt source missingSince {EXPLAIN} }} }}
  }}
}}"""
RECORDED = f"{{ resources(first: 1000) {{ nodes {{ vendorId freshness {{ observedAt {EXPLAIN} }} }} }} }}"
ONE = f"""query ($id: UUID!, $force: Boolean!) {{
  resource(resourceId: $id, freshness: {{forceRefresh: $force, maxWaitSeconds: 20}}) {{
    status freshness {{ state observedAt source {EXPLAIN} }}
  }}
}}"""
ACCOUNT = """{ accounts {
  state budget { remaining resetsAt } calls { made saved }
  scopes { kind state breaker missingCount nextAllowedAt reason }
} }"""
MACHINES = {"type": ["VM", "CONTAINER", "BARE_METAL"]}


@dataclass(frozen=True)
class Bench:
    """A gateway over one account with 250 machines, which its cloud lists in three pages."""

    gateway: Served
    cloud: SandboxServer

    async def machines(self, age: int | None = None) -> list[dict[str, Any]]:
        """Every machine, fresh within so many seconds."""
        told = await self.gateway.data(LIST, {**MACHINES, "age": age})
        nodes: list[dict[str, Any]] = told["resources"]["nodes"]
        return nodes

    def request_ids(self, operation: Operation) -> list[str]:
        """What the cloud called the calls that it got, in order."""
        return [f"req-{call.started}" for call in self.cloud.journal.calls("lab", operation)]

    async def joined(self, readers: int) -> None:
        """Wait until so many wait for the running sweep of the machines."""
        flight = self.gateway.gateway.reconciler._sweeps.running(ScopeKey("lab", ResourceKind.MACHINES, None))
        async with asyncio.timeout(20):
            while flight.readers != readers:  # noqa: ASYNC110 - the gateway tells nobody who waits
                await asyncio.sleep(0.005)

    async def account(self) -> dict[str, Any]:
        """The account, as an operator sees it."""
        told: dict[str, Any] = (await self.gateway.data(ACCOUNT))["accounts"][0]
        return told


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Everything was listed an hour ago."""
    world = World.default(ManualClock(), 7, {"lab": "key-of-lab"}, machines=250, volumes=5, lively=False)
    async with SandboxServer(world) as cloud, served(tmp_path, account("lab", cloud.url, "key-of-lab")) as gateway:
        await gateway.swept()
        gateway.clock.advance(3600)
        yield Bench(gateway, cloud)
        cloud.faults.switch_off_all()


async def test_a_page_of_a_sweep(bench: Bench) -> None:
    """Each machine names its own page, by the id that the cloud itself gave that call."""
    bench.cloud.journal.forget()
    nodes = await bench.machines()

    told = {node["vendorId"]: node["freshness"]["explain"] for node in nodes}
    pages = dict(enumerate(bench.request_ids(Operation.LIST_MACHINES), 1))
    assert [1, 2, 3] == list(pages)
    assert set(pages.items()) == {(one["page"], one["requestId"]) for one in told.values()}
    assert [100, 100, 50] == [sum(one["page"] == page for one in told.values()) for page in pages]
    one = nodes[0]["freshness"]
    assert ("sandbox", "list_machines", 200, "SWEEP", 1, [], None) == tuple(
        one["explain"][name]
        for name in ("vendor", "operation", "httpStatus", "source", "readers", "failedAttempts", "nextAllowedAt")
    )
    assert one["observedAt"] == one["explain"]["sentAt"]
    assert 0 < one["explain"]["latencySeconds"] < 20


async def test_a_probe(bench: Bench) -> None:
    """Who forces one machine while a sweep is slow is told by a probe of it; its neighbours are told by the sweep before."""
    one = (await bench.machines())[0]
    bench.gateway.clock.advance(600)
    bench.cloud.journal.forget()
    held = bench.cloud.faults.switch_on(FaultKind.HOLD, operation=Operation.LIST_MACHINES)
    sweeping = asyncio.create_task(bench.machines())
    await bench.cloud.journal.until(lambda calls: calls.count("lab", Operation.LIST_MACHINES) == 1)
    bench.gateway.clock.advance(1)
    told = (await bench.gateway.data(ONE, {"id": one["resourceId"], "force": True}))["resource"]["freshness"]
    nodes = (await bench.gateway.data(RECORDED))["resources"]["nodes"]
    bench.cloud.faults.switch_off(held.fault_id)
    await sweeping

    (request_id,) = bench.request_ids(Operation.GET_MACHINE)
    assert ("get_machine", 1, request_id, "PROBE") == tuple(
        told["explain"][name] for name in ("operation", "page", "requestId", "source")
    )
    others = {node["freshness"]["explain"]["source"] for node in nodes if node["vendorId"] != one["vendorId"]}
    assert {"SWEEP"} == others


async def test_who_shared_a_flight(bench: Bench) -> None:
    """Ten readers of one sweep: each is told so, and what they were spared is counted."""
    before = (await bench.account())["calls"]
    held = bench.cloud.faults.switch_on(FaultKind.HOLD, operation=Operation.LIST_MACHINES)
    bench.cloud.journal.forget()
    readers = [asyncio.create_task(bench.machines()) for _ in range(10)]
    await bench.cloud.journal.until(lambda calls: calls.count("lab", Operation.LIST_MACHINES) == 1)
    await bench.joined(10)
    bench.cloud.faults.switch_off(held.fault_id)
    answers = await asyncio.gather(*readers)

    shared = {node["freshness"]["explain"]["readers"] for nodes in answers for node in nodes}
    after = (await bench.account())["calls"]
    assert {10} == shared
    assert (3, 27) == (after["made"] - before["made"], after["saved"] - before["saved"])


async def test_what_failed_since(bench: Bench) -> None:
    """The values are explained by the call that told them, the failures by their reasons; when it may be asked again."""
    told_at = (await bench.machines())[0]["freshness"]["observedAt"]
    bench.cloud.faults.switch_on(FaultKind.UNAUTHORIZED, tenant="lab")
    for _ in range(2):
        bench.gateway.clock.advance(600)
        nodes = await bench.machines()
    told = nodes[0]["freshness"]
    broken = await bench.account()
    bench.gateway.clock.advance(600)
    ended = await bench.account()
    bench.cloud.faults.switch_off_all()
    healed = (await bench.machines())[0]["freshness"]["explain"]

    assert ("STALE", told_at, told_at) == (told["state"], told["observedAt"], told["explain"]["sentAt"])
    assert [("SWEEP", "AUTH_REJECTED")] * 2 == [
        (one["source"], one["reason"]) for one in told["explain"]["failedAttempts"]
    ]
    sent = [one["sentAt"] for one in told["explain"]["failedAttempts"]]
    assert sorted(sent) == sent
    machines = next(scope for scope in broken["scopes"] if scope["kind"] == "MACHINES")
    assert "OPEN" == machines["breaker"]
    assert machines["nextAllowedAt"] == told["explain"]["nextAllowedAt"]
    assert {"HALF_OPEN"} == {scope["breaker"] for scope in ended["scopes"] if scope["kind"] == "MACHINES"}
    assert ([], None) == (healed["failedAttempts"], healed["nextAllowedAt"])
    assert {"CLOSED"} == {
        scope["breaker"] for scope in (await bench.account())["scopes"] if scope["kind"] == "MACHINES"
    }


async def test_a_missing_machine(bench: Bench) -> None:
    """It is explained by the sweep that saw it last, and by the probe that did not; the scope counts its mark."""
    before = await bench.machines()
    lost = bench.cloud.world.machines("lab")[0].machine_id
    page = next(node["freshness"]["explain"]["page"] for node in before if node["vendorId"] == lost)
    bench.cloud.faults.switch_on(FaultKind.NOT_FOUND, operation=Operation.GET_MACHINE)
    bench.cloud.world.vanish_machine("lab", lost)
    bench.gateway.clock.advance(600)
    await bench.machines()
    bench.gateway.clock.advance(600)
    told = next(node["freshness"] for node in await bench.machines() if node["vendorId"] == lost)

    assert "UNCONFIRMED" == told["state"]
    assert (told["observedAt"], page) == (told["explain"]["sentAt"], told["explain"]["page"])
    assert told["missingSince"] > told["observedAt"]
    tries = {(one["source"], one["reason"]) for one in told["explain"]["failedAttempts"]}
    assert {("PROBE", "MALFORMED_ANSWER")} == tries
    assert [1, 0] == [scope["marks"] for scope in (await bench.account())["scopes"]]


async def test_what_runs_the_gateway_is_for_operators(bench: Bench) -> None:
    """An ordinary reader may see explanations and marks; budgets, calls and breakers need `admin`."""
    token = make("reader", [Permission.READ], None, bench.gateway.clock.now())
    await bench.gateway.gateway.tokens.add(token.record)
    headers = {"Authorization": f"Bearer {token.text}"}

    async def ask(query: str) -> dict[str, Any]:
        answer = await bench.gateway.client.post("/graphql", json={"query": query}, headers=headers)
        told: dict[str, Any] = answer.json()
        return told

    open_to_all = await ask(RECORDED.replace("resources(first: 1000)", "resources(first: 1)"))
    marks = await ask("{ accounts { scopes { marks } } }")
    assert "errors" not in open_to_all
    assert [{"scopes": [{"marks": 0}, {"marks": 0}]}] == marks["data"]["accounts"]
    for field in ("budget { remaining }", "calls { made }", "scopes { breaker }"):
        refused = await ask(f"{{ accounts {{ {field} }} }}")
        assert ["FORBIDDEN"] == [error["extensions"]["code"] for error in refused["errors"]]


async def test_explaining_demands_nothing_and_is_no_change(bench: Bench) -> None:
    """The explanation of a recorded field asks no cloud; a failed try is nowhere in the history."""
    await bench.machines()
    bench.cloud.faults.switch_on(FaultKind.SERVER_ERROR, tenant="lab")
    bench.gateway.clock.advance(600)
    await bench.machines()
    bench.cloud.journal.forget()
    nodes = (await bench.gateway.data(RECORDED))["resources"]["nodes"]
    changes = (await bench.gateway.data("{ changes(first: 1000) { nodes { field } } }"))["changes"]["nodes"]

    assert 0 == bench.cloud.journal.count("lab")
    assert 255 == len(nodes)
    assert {"resource"} <= {change["field"] for change in changes} <= {"resource", "linkedResources"}
