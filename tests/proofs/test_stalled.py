"""A cloud that stalls while many read: nobody waits longer than asked, every answer is marked, the late result is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import FaultKind
from sandbox.http.server import SandboxServer
from sandbox.operations import Operation
from sandbox.world import World
from tests.clock import ManualClock
from tests.proofs.served import Served, account, served

KEYS = {"east": "key-of-east", "west": "key-of-west"}
SCOPES = [(tenant, operation) for tenant in KEYS for operation in (Operation.LIST_MACHINES, Operation.LIST_VOLUMES)]
READERS, ROUNDS, AGE, LONG = 50, 3, 60, 30.0
LIST = """query ($wait: Float) {
  resources(first: 50, freshness: {maxWaitSeconds: $wait}) {
    totalCount nodes { vendorId status freshness { state reason ageSeconds } }
  }
}"""


@dataclass(frozen=True)
class Bench:
    """A gateway over a cloud whose every listing is held back, its state taken already."""

    gateway: Served
    cloud: SandboxServer
    machine_id: str

    async def read(self, wait: float) -> list[dict[str, Any]]:
        """The resources as one reader is shown them."""
        nodes: list[dict[str, Any]] = (await self.gateway.data(LIST, {"wait": wait}))["resources"]["nodes"]
        return nodes

    async def crowd(self, wait: float) -> list[list[dict[str, Any]]]:
        """As many readers as there are, time after time."""
        answers = []
        for _ in range(ROUNDS):
            answers += await asyncio.gather(*(self.read(wait) for _ in range(READERS)))
        return answers

    def status(self, nodes: list[dict[str, Any]]) -> str:
        """The status of the machine that was stopped just before the stall."""
        return str(next(node["status"] for node in nodes if node["vendorId"] == self.machine_id))

    def sweeps(self) -> dict[tuple[str, Operation], int]:
        """How many listings the cloud saw begin, a scope."""
        return {scope: self.cloud.journal.sweeps(*scope) for scope in SCOPES}


@pytest.fixture
async def bench(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """Everything was listed a minute ago; since then a machine was stopped, and now the cloud stalls."""
    world = World.default(ManualClock(), 7, KEYS, machines=24, volumes=12, lively=False)
    freshness: dict[str, float] = getattr(request, "param", {})
    async with SandboxServer(world) as cloud:
        accounts = [account(name, cloud.url, key) for name, key in KEYS.items()]
        async with served(tmp_path, *accounts, **freshness) as gateway:
            await gateway.swept()
            gateway.clock.advance(AGE)
            machine = next(one for one in world.machines("east") if one.status == "running")
            world.set_status("east", machine.machine_id, "stopped")
            cloud.journal.forget()
            cloud.faults.switch_on(FaultKind.HOLD)
            yield Bench(gateway, cloud, machine.machine_id)
            cloud.faults.switch_off_all()


def marks(answers: list[list[dict[str, Any]]]) -> set[tuple[str, str | None, float]]:
    """The states, reasons and ages of all that was shown."""
    told = [node["freshness"] for nodes in answers for node in nodes]
    return {(one["state"], one["reason"], one["ageSeconds"]) for one in told}


async def test_whoever_reads_during_the_stall_is_answered_and_told_so(bench: Bench) -> None:
    """The record as it was, with its true age and DEADLINE; the cloud was asked once a scope for all of them."""
    answers = await bench.crowd(0.05)
    assert READERS * ROUNDS == len(answers)
    assert {36} == {len(nodes) for nodes in answers}
    assert {("STALE", "DEADLINE", float(AGE))} == marks(answers)
    assert {"RUNNING"} == {bench.status(nodes) for nodes in answers}
    assert dict.fromkeys(SCOPES, 1) == bench.sweeps()


async def test_the_late_result_is_kept(bench: Bench) -> None:
    """Nobody waits for it any more when it comes; the next reader is shown it, and no further listing is asked for."""
    await bench.read(0)
    await bench.cloud.journal.until(lambda journal: all(journal.sweeps(*scope) for scope in SCOPES))
    bench.gateway.clock.advance(10)
    bench.cloud.faults.switch_off_all()
    nodes = await bench.read(LONG)
    assert ("STOPPED", {("FRESH", None, 10.0)}) == (bench.status(nodes), marks([nodes]))
    assert dict.fromkeys(SCOPES, 1) == bench.sweeps()


@pytest.mark.parametrize("bench", [{"flight_seconds": 0.2}], indirect=True)
async def test_after_a_flight_that_timed_out_the_reason_is_shared_until_it_may_be_repeated(bench: Bench) -> None:
    """While its error is held, nobody waits and nothing is asked; after that, what the vendor says is believed."""
    await bench.read(LONG)
    answers = await bench.crowd(LONG)
    assert {("STALE", "TIMED_OUT", float(AGE))} == marks(answers)
    assert dict.fromkeys(SCOPES, 1) == bench.sweeps()
    bench.cloud.faults.switch_off_all()
    bench.gateway.clock.advance(60)
    nodes = await bench.read(LONG)
    assert ("STOPPED", {("FRESH", None, 0.0)}) == (bench.status(nodes), marks([nodes]))
