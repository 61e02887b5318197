"""A cloud that fails beside one that does not: the record stays, ages are true, and the other is answered fresh."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import FaultKind
from sandbox.http.server import SandboxServer
from sandbox.world import World
from tests.clock import ManualClock
from tests.proofs.served import Served, account, served

GOOD, BAD = "good", "bad"
AGE = 3600
QUERY = """query ($account: [String!], $wait: Float!) {
  resources(filter: {account: $account}, first: 100, freshness: {maxWaitSeconds: $wait}) {
    nodes { resourceId account { name } status lastSyncedAt freshness { state reason ageSeconds } }
    coverage { complete gaps { kind reason sweptAt account { name state } } }
  }
}"""


@dataclass(frozen=True)
class Pair:
    """A gateway over two clouds, one of which a test spoils."""

    gateway: Served
    bad: SandboxServer

    async def read(self, *accounts: str, wait: float = 0.5) -> dict[str, Any]:
        """One operation over these accounts."""
        return await self.gateway.graph(QUERY, {"account": list(accounts) or None, "wait": wait})

    def judged(self, answer: dict[str, Any], name: str) -> set[tuple[str, str | None]]:
        """What is said of an account's resources."""
        nodes = answer["data"]["resources"]["nodes"]
        told = [node["freshness"] for node in nodes if node["account"]["name"] == name]
        return {(one["state"], one["reason"]) for one in told}


@pytest.fixture
async def clouds() -> AsyncIterator[tuple[SandboxServer, SandboxServer]]:
    """Two clouds on two ports."""
    good = World.default(ManualClock(), 7, {GOOD: "key-of-good"}, lively=False)
    bad = World.default(ManualClock(), 8, {BAD: "key-of-bad"}, lively=False)
    async with SandboxServer(good) as one, SandboxServer(bad) as other:
        yield one, other


@pytest.fixture
async def pair(tmp_path: Path, clouds: tuple[SandboxServer, SandboxServer]) -> AsyncIterator[Pair]:
    """Both were listed an hour ago."""
    one, other = clouds
    accounts = (account(GOOD, one.url, "key-of-good"), account(BAD, other.url, "key-of-bad"))
    async with served(tmp_path, *accounts) as gateway:
        await gateway.swept()
        gateway.clock.advance(AGE)
        yield Pair(gateway, other)
        other.faults.switch_off_all()


async def assert_kept(pair: Pair, reason: str) -> None:
    """GraphQL and REST answer the bad cloud's record with its age and reason, the good one's fresh."""
    answer = await pair.read()
    assert {("FRESH", None)} == pair.judged(answer, GOOD)
    assert {("STALE", reason)} == pair.judged(answer, BAD)
    nodes = [node for node in answer["data"]["resources"]["nodes"] if node["account"]["name"] == BAD]
    assert (18, {float(AGE)}) == (len(nodes), {node["freshness"]["ageSeconds"] for node in nodes})
    gaps = answer["extensions"]["freshness"]["gaps"]
    assert {(BAD, reason)} == {(gap["account"], gap["reason"]) for gap in gaps}
    rest = await pair.gateway.client.get(f"/resources/{nodes[0]['resourceId']}", headers={"Prefer": "wait=0"})
    assert (200, str(AGE), nodes[0]["lastSyncedAt"]) == (
        rest.status_code,
        rest.headers["Age"],
        rest.json()["last_synced_at"],
    )
    assert rest.headers["Cache-Status"].startswith("supplygraph; hit; ttl=-3570; detail=")


async def test_a_vendor_that_refuses_connections(pair: Pair) -> None:
    """Everything known of it stays; the reason is told on each resource, on the list and in the summary."""
    await pair.bad.refuse()
    # Three tries with pauses between them: the flight outlasts half a second's wait, and is waited for here.
    await pair.read(BAD, wait=20)
    await assert_kept(pair, "VENDOR_DOWN")


async def test_a_vendor_that_stalls_after_the_headers(pair: Pair) -> None:
    """The reader has its answer within its max wait; the flight goes on."""
    pair.bad.faults.switch_on(FaultKind.STALL)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await assert_kept(pair, "DEADLINE")
    assert loop.time() - started < 10, "the flight's own 15 seconds were waited for"


async def test_a_vendor_that_was_never_listed(tmp_path: Path, clouds: tuple[SandboxServer, SandboxServer]) -> None:
    """An empty list says that it is empty because a cloud failed."""
    one, other = clouds
    await other.refuse()
    accounts = (account(GOOD, one.url, "key-of-good"), account(BAD, other.url, "key-of-bad"))
    async with served(tmp_path, *accounts) as gateway:
        pair = Pair(gateway, other)
        await pair.read(wait=20)
        answer = await pair.read(wait=20)
        assert ({("FRESH", None)}, set()) == (pair.judged(answer, GOOD), pair.judged(answer, BAD))
        coverage = answer["data"]["resources"]["coverage"]
        assert coverage["complete"] is False
        told = {(gap["account"]["name"], gap["kind"], gap["reason"], gap["sweptAt"]) for gap in coverage["gaps"]}
        assert {(BAD, "MACHINES", "VENDOR_DOWN", None), (BAD, "VOLUMES", "VENDOR_DOWN", None)} == told
        alone = (await pair.read(BAD, wait=20))["data"]["resources"]
        assert ([], False) == (alone["nodes"], alone["coverage"]["complete"])


async def test_a_vendor_that_comes_back_is_believed_again(pair: Pair) -> None:
    """After its hold the next reader gets it fresh."""
    await pair.bad.refuse()
    await pair.read(BAD, wait=20)
    await pair.bad.accept()
    pair.gateway.clock.advance(90)
    assert {("FRESH", None)} == pair.judged(await pair.read(BAD, wait=20), BAD)
