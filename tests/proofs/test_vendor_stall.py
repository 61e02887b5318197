"""A cloud that stalls while many read: no reader waits longer than the max wait, answers are marked, late results are recorded.

The time of the event loop is stopped, so a wait passes when the test moves it, and not because the machine is busy.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.enums import ResourceKind
from domain.records.model import ScopeKey
from sandbox.faults import FaultKind
from sandbox.http.server import SandboxServer
from sandbox.operations import ApiOperation
from sandbox.world import World
from tests.clock import ManualClock
from tests.proofs.support.gateway_server import ServedGateway, sandbox_account, serve_accounts
from tests.proofs.support.stoppable_loop import StoppableLoop, running_loop, wait_until

KEYS = {"east": "key-of-east", "west": "key-of-west"}
SCOPES = [
    (tenant, operation) for tenant in KEYS for operation in (ApiOperation.LIST_MACHINES, ApiOperation.LIST_VOLUMES)
]
READERS, ROUNDS, AGE = 50, 3, 60
MAX_WAIT, LONG_WAIT, FLIGHT = 0.3, 60.0, 20.0
"""Seconds. A flight ends before a long wait does."""
LIST = """query ($wait: Float) {
  resources(first: 50, freshness: {maxWaitSeconds: $wait}) {
    totalCount nodes { vendorId status freshness { state reason ageSeconds } }
  }
}"""
Nodes = list[dict[str, Any]]


@dataclass(frozen=True)
class StalledCloud:
    """A gateway over a cloud that holds every listing back, with the state at its arrival."""

    gateway: ServedGateway
    cloud: SandboxServer
    machine_id: str
    loop: StoppableLoop

    async def read(self, wait: float) -> Nodes:
        """Return the resources that one reader sees."""
        nodes: Nodes = (await self.gateway.data(LIST, {"wait": wait}))["resources"]["nodes"]
        return nodes

    def start_readers(self, wait: float, count: int = READERS) -> list[asyncio.Task[Nodes]]:
        """Send the requests of this many readers."""
        return [asyncio.create_task(self.read(wait)) for _ in range(count)]

    def count_waiting(self) -> list[int]:
        """Return how many readers have joined the running sweep of each scope."""
        sweeps = self.gateway.gateway.reconciler._sweeps
        keys = [ScopeKey(tenant, kind, None) for tenant in KEYS for kind in ResourceKind]
        return [sweeps.running(key).readers if sweeps.underway(key).running else 0 for key in keys]

    async def all_held(self) -> None:
        """Wait until the cloud holds a listing of every scope."""
        await wait_until(lambda: all(self.cloud.journal.sweeps(*scope) for scope in SCOPES))

    def status(self, nodes: Nodes) -> str:
        """Return the status of the machine that was stopped just before the stall."""
        return str(next(node["status"] for node in nodes if node["vendorId"] == self.machine_id))

    def sweeps(self) -> dict[tuple[str, ApiOperation], int]:
        """Return how many listings began in each scope."""
        return {scope: self.cloud.journal.sweeps(*scope) for scope in SCOPES}


@pytest.fixture
async def stalled(tmp_path: Path) -> AsyncIterator[StalledCloud]:
    """Everything was listed a minute ago; since then a machine was stopped, and now the cloud stalls."""
    world = World.default(ManualClock(), 7, KEYS, machines=24, volumes=12, lively=False)
    async with SandboxServer(world) as cloud:
        accounts = [sandbox_account(name, cloud.url, key) for name, key in KEYS.items()]
        async with serve_accounts(tmp_path, *accounts, flight_seconds=FLIGHT) as gateway:
            with running_loop().stopped() as loop:
                await gateway.sweep_all()
                gateway.clock.advance(AGE)
                machine = next(each for each in world.machines("east") if each.status == "running")
                world.set_status("east", machine.machine_id, "stopped")
                cloud.journal.forget()
                cloud.faults.switch_on(FaultKind.HOLD)
                yield StalledCloud(gateway, cloud, machine.machine_id, loop)
            cloud.faults.switch_off_all()


def assessments(answers: list[Nodes]) -> set[tuple[str, str | None, float]]:
    """Return the states, reasons and ages of all resources in the answers."""
    reports = [node["freshness"] for nodes in answers for node in nodes]
    return {(report["state"], report["reason"], report["ageSeconds"]) for report in reports}


async def test_readers_during_the_stall_wait_for_the_max_wait_and_no_longer(stalled: StalledCloud) -> None:
    """They get the recorded values with their true age and DEADLINE; the cloud was called once per scope for all of them."""
    answers: list[Nodes] = []
    for number in range(1, ROUNDS + 1):
        readers = stalled.start_readers(MAX_WAIT)
        joined = [READERS * number] * len(SCOPES)
        await wait_until(lambda joined=joined: stalled.count_waiting() == joined)  # type: ignore[misc]
        stalled.loop.advance(MAX_WAIT - 0.01)
        await asyncio.sleep(0)
        assert not any(reader.done() for reader in readers)
        stalled.loop.advance(0.02)
        answers += await asyncio.gather(*readers)
    assert READERS * ROUNDS == len(answers)
    assert {36} == {len(nodes) for nodes in answers}
    assert {("STALE", "DEADLINE", float(AGE))} == assessments(answers)
    assert {"RUNNING"} == {stalled.status(nodes) for nodes in answers}
    assert dict.fromkeys(SCOPES, 1) == stalled.sweeps()


async def test_the_late_result_is_recorded(stalled: StalledCloud) -> None:
    """No reader waits for it when it arrives; the next reader sees it, and no further listing is sent."""
    await stalled.read(0)
    await stalled.all_held()
    stalled.gateway.clock.advance(10)
    stalled.cloud.faults.switch_off_all()
    nodes = await stalled.read(LONG_WAIT)
    assert ("STOPPED", {("FRESH", None, 10.0)}) == (stalled.status(nodes), assessments([nodes]))
    assert dict.fromkeys(SCOPES, 1) == stalled.sweeps()


async def test_after_a_flight_that_timed_out_the_reason_is_shared_until_it_may_be_repeated(
    stalled: StalledCloud,
) -> None:
    """While its error is held, no reader waits and no vendor is called; after that, a new listing is believed."""
    (first,) = stalled.start_readers(LONG_WAIT, 1)
    await stalled.all_held()
    stalled.loop.advance(FLIGHT)
    answers = [await first]
    for _ in range(ROUNDS):
        # Time stands still, so these readers are answered only because they need not wait.
        answers += await asyncio.gather(*stalled.start_readers(LONG_WAIT))
    assert {("STALE", "TIMED_OUT", float(AGE))} == assessments(answers)
    assert dict.fromkeys(SCOPES, 1) == stalled.sweeps()
    stalled.cloud.faults.switch_off_all()
    stalled.gateway.clock.advance(60)
    nodes = await stalled.read(LONG_WAIT)
    assert ("STOPPED", {("FRESH", None, 0.0)}) == (stalled.status(nodes), assessments([nodes]))
