"""Readers share flights: the cost of 50 readers, counted by the simulated cloud."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import FaultKind, FaultRule
from sandbox.http.server import SandboxServer
from sandbox.operations import ApiOperation
from sandbox.world import World
from tests.clock import ManualClock
from tests.proofs.support.gateway_server import ServedGateway, sandbox_account, serve_accounts
from tests.proofs.support.stoppable_loop import wait_until

KEYS = {"east": "key-of-east", "west": "key-of-west"}
LISTS = (ApiOperation.LIST_MACHINES, ApiOperation.LIST_VOLUMES)
SCOPES = [(tenant, operation) for tenant in KEYS for operation in LISTS]
LIVE = "{ resources(first: 1000) { nodes { resourceId status freshness { state } linkedResources { status } } } }"
RECORDED = "{ resources(first: 1000) { totalCount nodes { resourceId vendor createdAt freshness { state } } } }"
FORCED = "{ resources(first: 1000, freshness: {forceRefresh: true}) { nodes { vendorId status } } }"


@dataclass(frozen=True)
class CountingCloud:
    """A gateway over one simulated cloud with 300 resources in four scopes."""

    gateway: ServedGateway
    cloud: SandboxServer

    def sweeps(self) -> dict[tuple[str, ApiOperation], int]:
        """Return how many listings began in each scope."""
        return {scope: self.cloud.journal.sweeps(*scope) for scope in SCOPES}

    def hold(self) -> list[FaultRule]:
        """Hold the first answer of every listing back, with the state at its arrival."""
        return [
            self.cloud.faults.switch_on(FaultKind.HOLD, tenant=tenant, operation=operation)
            for tenant, operation in SCOPES
        ]

    def release(self, held: list[FaultRule]) -> None:
        """Send the answers that are held."""
        for fault in held:
            self.cloud.faults.switch_off(fault.fault_id)

    async def all_held(self) -> None:
        """Wait until the cloud holds a listing of every scope."""
        await wait_until(lambda: all(self.cloud.journal.sweeps(*scope) for scope in SCOPES))

    async def start_readers(self, query: str, count: int) -> list[asyncio.Task[dict[str, Any]]]:
        """Send the requests of this many readers."""
        tasks = [asyncio.create_task(self.gateway.graph(query)) for _ in range(count)]
        await asyncio.sleep(0)
        return tasks

    async def queue_holds(self, count: int) -> None:
        """Wait until this many readers wait for the queued sweep of each scope."""
        lanes = self.gateway.gateway.reconciler._sweeps._lanes

        def waiting() -> list[int]:
            return [0 if lane.queued is None else lane.queued.readers for lane in lanes.values()]

        await wait_until(lambda: waiting() == [count] * len(SCOPES))


@pytest.fixture
async def counting(tmp_path: Path) -> AsyncIterator[CountingCloud]:
    """Everything was listed a minute ago."""
    world = World.default(ManualClock(), 7, KEYS, machines=200, volumes=100, lively=False)
    async with SandboxServer(world) as cloud:
        accounts = [sandbox_account(name, cloud.url, key) for name, key in KEYS.items()]
        async with serve_accounts(tmp_path, *accounts, force_gap_seconds=0) as gateway:
            await gateway.sweep_all()
            gateway.clock.advance(60)
            cloud.journal.forget()
            yield CountingCloud(gateway, cloud)


async def test_fifty_readers_of_300_stale_resources_cost_one_sweep_a_scope(counting: CountingCloud) -> None:
    """A third of them hang up while the clouds are slow; the others get fresh answers."""
    held = counting.hold()
    readers = await counting.start_readers(LIVE, 50)
    await counting.all_held()
    for reader in readers[::3]:
        reader.cancel()
    for number, (tenant, operation) in enumerate(SCOPES):
        counting.cloud.faults.switch_on(FaultKind.SLOW, tenant=tenant, operation=operation, seconds=0.02 * number)
    counting.release(held)
    results = await asyncio.gather(*readers, return_exceptions=True)
    answers = [result for result in results if isinstance(result, dict)]
    assert (33, dict.fromkeys(SCOPES, 1)) == (len(answers), counting.sweeps())
    nodes = answers[0]["data"]["resources"]["nodes"]
    assert (300, {"FRESH"}) == (len(nodes), {node["freshness"]["state"] for node in nodes})
    assert [] == answers[0]["extensions"]["freshness"]["gaps"]


async def test_fifty_readers_of_recorded_fields_cost_nothing(counting: CountingCloud) -> None:
    """The resources are as stale, but no reader selects a live field."""
    answers = await asyncio.gather(*await counting.start_readers(RECORDED, 50))
    assert {300} == {answer["data"]["resources"]["totalCount"] for answer in answers}
    assert 0 == counting.cloud.journal.count()
    data = await counting.gateway.data("{ resources { nodes { freshness { reason } } } }")
    assert {"NOT_DEMANDED"} == {node["freshness"]["reason"] for node in data["resources"]["nodes"]}


async def test_forced_readers_share_a_sweep_sent_after_they_arrived(counting: CountingCloud) -> None:
    """Twenty arrive while a sweep runs whose state is older than a change: one more sweep serves all of them."""
    world = counting.cloud.world
    machine = next(each for each in world.machines("east") if each.status == "running")
    held = counting.hold()
    first = await counting.start_readers(FORCED, 1)
    await counting.all_held()
    world.stop("east", machine.machine_id)
    counting.gateway.clock.advance(0.001)
    late = await counting.start_readers(FORCED, 20)
    await counting.queue_holds(20)
    counting.release(held)
    await asyncio.gather(*first)
    statuses = []
    for answer in await asyncio.gather(*late):
        nodes = answer["data"]["resources"]["nodes"]
        statuses.append(next(node["status"] for node in nodes if node["vendorId"] == machine.machine_id))
    assert ["STOPPING"] * 20 == statuses
    assert dict.fromkeys(SCOPES, 2) == counting.sweeps()
