"""Answers explain themselves: the call they come from, who shared it, what failed since; checked by the cloud's own counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.enums import Permission, ResourceKind
from domain.records.model import ScopeKey
from sandbox.faults import FaultKind
from sandbox.http.server import SandboxServer
from sandbox.operations import ApiOperation
from sandbox.world import World
from supplygraph.auth.tokens import make
from tests.clock import ManualClock
from tests.proofs.support.gateway_server import ServedGateway, sandbox_account, serve_accounts
from tests.proofs.support.stoppable_loop import wait_until

EXPLAIN = """explain {
  vendor operation page httpStatus latencySeconds requestId sentAt source readers nextAllowedAt
  failedAttempts { source sentAt reason }
}"""
LIST = f"""query ($age: Int, $type: [ResourceType!]) {{
  resources(first: 1000, filter: {{resourceType: $type}}, freshness: {{maxAgeSeconds: $age}}) {{
    nodes {{ resourceId vendorId status freshness {{ state observedAt source missingSince {EXPLAIN} }} }}
  }}
}}"""
RECORDED = f"{{ resources(first: 1000) {{ nodes {{ vendorId freshness {{ observedAt {EXPLAIN} }} }} }} }}"
ONE = f"""query ($id: UUID!, $force: Boolean!) {{
  resource(resourceId: $id, freshness: {{forceRefresh: $force}}) {{
    status freshness {{ state observedAt source {EXPLAIN} }}
  }}
}}"""
ACCOUNT = """{ accounts {
  state budget { remaining resetsAt } calls { made saved }
  scopes { kind state breaker missingCount nextAllowedAt reason }
} }"""
MACHINES = {"type": ["VM", "CONTAINER", "BARE_METAL"]}


@dataclass(frozen=True)
class ExplainedFleet:
    """A gateway over one account with 250 machines, which its cloud lists in three pages."""

    gateway: ServedGateway
    cloud: SandboxServer

    async def machines(self, age: int | None = None) -> list[dict[str, Any]]:
        """Return every machine, with this max age in seconds."""
        data = await self.gateway.data(LIST, {**MACHINES, "age": age})
        nodes: list[dict[str, Any]] = data["resources"]["nodes"]
        return nodes

    def request_ids(self, operation: ApiOperation) -> list[str]:
        """Return the request ids that the cloud gave to its calls, in order."""
        return [f"req-{call.started}" for call in self.cloud.journal.calls("lab", operation)]

    async def sweep_holds(self, readers: int) -> None:
        """Wait until the cloud has the listing of the machines, and this many readers wait for it."""
        await wait_until(lambda: self.cloud.journal.count("lab", ApiOperation.LIST_MACHINES) == 1)
        flight = self.gateway.gateway.reconciler._sweeps.running(ScopeKey("lab", ResourceKind.MACHINES, None))
        await wait_until(lambda: flight.readers == readers)

    async def account(self) -> dict[str, Any]:
        """Return the account as an operator sees it."""
        account: dict[str, Any] = (await self.gateway.data(ACCOUNT))["accounts"][0]
        return account


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[ExplainedFleet]:
    """Everything was listed an hour ago."""
    world = World.default(ManualClock(), 7, {"lab": "key-of-lab"}, machines=250, volumes=5, lively=False)
    async with (
        SandboxServer(world) as cloud,
        serve_accounts(tmp_path, sandbox_account("lab", cloud.url, "key-of-lab")) as gateway,
    ):
        await gateway.sweep_all()
        gateway.clock.advance(3600)
        yield ExplainedFleet(gateway, cloud)
        cloud.faults.switch_off_all()


async def test_a_page_of_a_sweep(fleet: ExplainedFleet) -> None:
    """Each machine names its own page by the request id that the cloud gave that call."""
    fleet.cloud.journal.forget()
    began = time.perf_counter()
    nodes = await fleet.machines()
    seconds = time.perf_counter() - began

    explanations = [node["freshness"]["explain"] for node in nodes]
    pages = dict(enumerate(fleet.request_ids(ApiOperation.LIST_MACHINES), 1))
    assert [1, 2, 3] == list(pages)
    assert set(pages.items()) == {(each["page"], each["requestId"]) for each in explanations}
    assert [100, 100, 50] == [sum(each["page"] == page for each in explanations) for page in pages]
    freshness = nodes[0]["freshness"]
    assert ("sandbox", "list_machines", 200, "SWEEP", 1, [], None) == tuple(
        freshness["explain"][name]
        for name in ("vendor", "operation", "httpStatus", "source", "readers", "failedAttempts", "nextAllowedAt")
    )
    assert freshness["observedAt"] == freshness["explain"]["sentAt"]
    assert 0 < freshness["explain"]["latencySeconds"] < seconds, "a page takes longer than the whole read"


async def test_a_probe(fleet: ExplainedFleet) -> None:
    """A reader who forces one machine during a slow sweep gets the result of a probe; its neighbours come from the last sweep."""
    machine = (await fleet.machines())[0]
    fleet.gateway.clock.advance(600)
    fleet.cloud.journal.forget()
    held = fleet.cloud.faults.switch_on(FaultKind.HOLD, operation=ApiOperation.LIST_MACHINES)
    sweeping = asyncio.create_task(fleet.machines())
    await fleet.sweep_holds(1)
    fleet.gateway.clock.advance(1)
    data = await fleet.gateway.data(ONE, {"id": machine["resourceId"], "force": True})
    explanation = data["resource"]["freshness"]["explain"]
    nodes = (await fleet.gateway.data(RECORDED))["resources"]["nodes"]
    fleet.cloud.faults.switch_off(held.fault_id)
    await sweeping

    (request_id,) = fleet.request_ids(ApiOperation.GET_MACHINE)
    assert ("get_machine", 1, request_id, "PROBE") == tuple(
        explanation[name] for name in ("operation", "page", "requestId", "source")
    )
    others = {node["freshness"]["explain"]["source"] for node in nodes if node["vendorId"] != machine["vendorId"]}
    assert {"SWEEP"} == others


async def test_a_shared_flight(fleet: ExplainedFleet) -> None:
    """Each of ten readers of one sweep sees their number, and the calls that they saved are counted."""
    before = (await fleet.account())["calls"]
    held = fleet.cloud.faults.switch_on(FaultKind.HOLD, operation=ApiOperation.LIST_MACHINES)
    fleet.cloud.journal.forget()
    readers = [asyncio.create_task(fleet.machines()) for _ in range(10)]
    await fleet.sweep_holds(10)
    fleet.cloud.faults.switch_off(held.fault_id)
    answers = await asyncio.gather(*readers)

    shared = {node["freshness"]["explain"]["readers"] for nodes in answers for node in nodes}
    after = (await fleet.account())["calls"]
    assert {10} == shared
    assert (3, 27) == (after["made"] - before["made"], after["saved"] - before["saved"])


async def test_failures_since(fleet: ExplainedFleet) -> None:
    """Values are explained by the call they come from, failures by their reasons; and when the next call is allowed."""
    observed_at = (await fleet.machines())[0]["freshness"]["observedAt"]
    fleet.cloud.faults.switch_on(FaultKind.UNAUTHORIZED, tenant="lab")
    for _ in range(2):
        fleet.gateway.clock.advance(600)
        nodes = await fleet.machines()
    stale = nodes[0]["freshness"]
    broken = await fleet.account()
    fleet.gateway.clock.advance(600)
    ended = await fleet.account()
    fleet.cloud.faults.switch_off_all()
    healed = (await fleet.machines())[0]["freshness"]["explain"]

    assert ("STALE", observed_at, observed_at) == (stale["state"], stale["observedAt"], stale["explain"]["sentAt"])
    assert [("SWEEP", "AUTH_REJECTED")] * 2 == [
        (attempt["source"], attempt["reason"]) for attempt in stale["explain"]["failedAttempts"]
    ]
    sent = [attempt["sentAt"] for attempt in stale["explain"]["failedAttempts"]]
    assert sorted(sent) == sent
    machines = next(scope for scope in broken["scopes"] if scope["kind"] == "MACHINES")
    assert "OPEN" == machines["breaker"]
    assert machines["nextAllowedAt"] == stale["explain"]["nextAllowedAt"]
    assert {"HALF_OPEN"} == {scope["breaker"] for scope in ended["scopes"] if scope["kind"] == "MACHINES"}
    assert ([], None) == (healed["failedAttempts"], healed["nextAllowedAt"])
    assert {"CLOSED"} == {
        scope["breaker"] for scope in (await fleet.account())["scopes"] if scope["kind"] == "MACHINES"
    }


async def test_a_missing_machine(fleet: ExplainedFleet) -> None:
    """It is explained by the sweep that saw it last and the probe that did not; the scope counts it as missing."""
    before = await fleet.machines()
    lost = fleet.cloud.world.machines("lab")[0].machine_id
    page = next(node["freshness"]["explain"]["page"] for node in before if node["vendorId"] == lost)
    fleet.cloud.faults.switch_on(FaultKind.NOT_FOUND, operation=ApiOperation.GET_MACHINE)
    fleet.cloud.world.vanish_machine("lab", lost)
    fleet.gateway.clock.advance(600)
    await fleet.machines()
    fleet.gateway.clock.advance(600)
    missing = next(node["freshness"] for node in await fleet.machines() if node["vendorId"] == lost)

    assert "UNCONFIRMED" == missing["state"]
    assert (missing["observedAt"], page) == (missing["explain"]["sentAt"], missing["explain"]["page"])
    assert missing["missingSince"] > missing["observedAt"]
    attempts = {(attempt["source"], attempt["reason"]) for attempt in missing["explain"]["failedAttempts"]}
    assert {("PROBE", "MALFORMED_ANSWER")} == attempts
    assert [1, 0] == [scope["missingCount"] for scope in (await fleet.account())["scopes"]]


async def test_operational_fields_are_for_operators(fleet: ExplainedFleet) -> None:
    """Every reader may see explanations and missing counts; budgets, calls and breakers need `admin`."""
    token = make("reader", [Permission.READ], None, fleet.gateway.clock.now())
    await fleet.gateway.gateway.tokens.add(token.record)
    headers = {"Authorization": f"Bearer {token.text}"}

    async def ask(query: str) -> dict[str, Any]:
        response = await fleet.gateway.client.post("/graphql", json={"query": query}, headers=headers)
        answer: dict[str, Any] = response.json()
        return answer

    explained = await ask(RECORDED.replace("resources(first: 1000)", "resources(first: 1)"))
    counted = await ask("{ accounts { scopes { missingCount } } }")
    assert "errors" not in explained
    assert [{"scopes": [{"missingCount": 0}, {"missingCount": 0}]}] == counted["data"]["accounts"]
    for field in ("budget { remaining }", "calls { made }", "scopes { breaker }"):
        refused = await ask(f"{{ accounts {{ {field} }} }}")
        assert ["FORBIDDEN"] == [error["extensions"]["code"] for error in refused["errors"]]


async def test_an_explanation_demands_nothing_and_is_not_a_change(fleet: ExplainedFleet) -> None:
    """Explaining a recorded field calls no cloud, and a failed attempt is not in the history."""
    await fleet.machines()
    fleet.cloud.faults.switch_on(FaultKind.SERVER_ERROR, tenant="lab")
    fleet.gateway.clock.advance(600)
    await fleet.machines()
    fleet.cloud.journal.forget()
    nodes = (await fleet.gateway.data(RECORDED))["resources"]["nodes"]
    changes = (await fleet.gateway.data("{ changes(first: 1000) { nodes { field } } }"))["changes"]["nodes"]

    assert 0 == fleet.cloud.journal.count("lab")
    assert 255 == len(nodes)
    assert {"resource"} <= {change["field"] for change in changes} <= {"resource", "linkedResources"}
