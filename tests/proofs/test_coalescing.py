"""Readers share flights: what 50 of them cost, counted by the simulated cloud and not by us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import FaultKind, FaultRule
from sandbox.http.server import SandboxServer
from sandbox.operations import Operation
from sandbox.world import World
from tests.clock import ManualClock
from tests.proofs.served import Served, account, served

KEYS = {"east": "key-of-east", "west": "key-of-west"}
LISTS = (Operation.LIST_MACHINES, Operation.LIST_VOLUMES)
SCOPES = [(tenant, operation) for tenant in KEYS for operation in LISTS]
LIVE = "{ resources(first: 1000) { nodes { resourceId status freshness { state } linkedResources { status } } } }"
RECORDED = "{ resources(first: 1000) { totalCount nodes { resourceId vendor createdAt freshness { state } } } }"
FORCED = "{ resources(first: 1000, freshness: {forceRefresh: true}) { nodes { vendorId status } } }"


@dataclass(frozen=True)
class Bench:
    """A gateway over one simulated cloud with 300 resources in four scopes."""

    gateway: Served
    cloud: SandboxServer

    def sweeps(self) -> dict[tuple[str, Operation], int]:
        """How many listings the cloud saw begin, a scope."""
        return {scope: self.cloud.journal.sweeps(*scope) for scope in SCOPES}

    def hold(self) -> list[FaultRule]:
        """Hold every listing's first answer back, its state taken already."""
        return [self.cloud.faults.switch_on(FaultKind.HOLD, tenant=one, operation=other) for one, other in SCOPES]

    def release(self, held: list[FaultRule]) -> None:
        """Let them go."""
        for fault in held:
            self.cloud.faults.switch_off(fault.fault_id)

    async def readers(self, query: str, count: int) -> list[asyncio.Task[dict[str, Any]]]:
        """Readers whose requests are on their way."""
        tasks = [asyncio.create_task(self.gateway.graph(query)) for _ in range(count)]
        await asyncio.sleep(0)
        return tasks


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Everything was listed a minute ago."""
    world = World.default(ManualClock(), 7, KEYS, machines=200, volumes=100, lively=False)
    async with SandboxServer(world) as cloud:
        accounts = [account(name, cloud.url, key) for name, key in KEYS.items()]
        async with served(tmp_path, *accounts, force_gap_seconds=0) as gateway:
            await gateway.swept()
            gateway.clock.advance(60)
            cloud.journal.forget()
            yield Bench(gateway, cloud)


async def test_fifty_readers_of_300_stale_resources_cost_one_sweep_a_scope(bench: Bench) -> None:
    """A third of them hang up while the clouds are slow; the others are answered, all of it fresh."""
    held = bench.hold()
    readers = await bench.readers(LIVE, 50)
    await bench.cloud.journal.until(lambda journal: all(journal.sweeps(*scope) for scope in SCOPES))
    for reader in readers[::3]:
        reader.cancel()
    for seconds, scope in enumerate(SCOPES):
        bench.cloud.faults.switch_on(FaultKind.SLOW, tenant=scope[0], operation=scope[1], seconds=0.02 * seconds)
    bench.release(held)
    answers = await asyncio.gather(*readers, return_exceptions=True)
    kept = [one for one in answers if isinstance(one, dict)]
    assert (33, dict.fromkeys(SCOPES, 1)) == (len(kept), bench.sweeps())
    nodes = kept[0]["data"]["resources"]["nodes"]
    assert (300, {"FRESH"}) == (len(nodes), {node["freshness"]["state"] for node in nodes})
    assert [] == kept[0]["extensions"]["freshness"]["gaps"]


async def test_fifty_readers_of_recorded_fields_cost_nothing(bench: Bench) -> None:
    """The same stale resources; nobody selects what a vendor owns."""
    answers = await asyncio.gather(*await bench.readers(RECORDED, 50))
    assert {300} == {one["data"]["resources"]["totalCount"] for one in answers}
    assert 0 == bench.cloud.journal.count()
    assert {"NOT_DEMANDED"} == {
        node["freshness"]["reason"]
        for node in (await bench.gateway.data("{ resources { nodes { freshness { reason } } } }"))["resources"]["nodes"]
    }


async def test_forced_readers_see_what_changed_after_the_running_snapshot_and_share(bench: Bench) -> None:
    """Twenty arrive while a sweep runs whose state was taken before the change: one more sweep serves them all."""
    world = bench.cloud.world
    machine = next(one for one in world.machines("east") if one.status == "running")
    held = bench.hold()
    first = await bench.readers(FORCED, 1)
    await bench.cloud.journal.until(lambda journal: all(journal.sweeps(*scope) for scope in SCOPES))
    world.stop("east", machine.machine_id)
    bench.gateway.clock.advance(0.001)
    late = await bench.readers(FORCED, 20)
    await _arrived(bench.gateway, 20)
    bench.release(held)
    await asyncio.gather(*first)
    seen = []
    for answer in await asyncio.gather(*late):
        nodes = answer["data"]["resources"]["nodes"]
        seen.append(next(node["status"] for node in nodes if node["vendorId"] == machine.machine_id))
    assert ["STOPPING"] * 20 == seen
    assert dict.fromkeys(SCOPES, 2) == bench.sweeps()


async def _arrived(gateway: Served, count: int) -> None:
    """Wait until so many readers wait for the sweep that is queued."""
    lanes = gateway.gateway.reconciler._sweeps._lanes

    def waiting() -> list[int]:
        return [0 if lane.queued is None else lane.queued.readers for lane in lanes.values()]

    async with asyncio.timeout(20):
        while waiting() != [count] * len(SCOPES):  # noqa: ASYNC110 - the gateway tells nobody who waits
            await asyncio.sleep(0.005)
