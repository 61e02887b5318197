"""A cloud that fails next to one that does not: recorded values stay, ages are true, and the other cloud's values are fresh."""

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
from tests.proofs.support.gateway_server import PATIENCE_SECONDS, ServedGateway, sandbox_account, serve_accounts
from tests.proofs.support.stoppable_loop import running_loop, wait_until

GOOD, BAD = "good", "bad"
AGE = 3600
MAX_WAIT = 0.5
QUERY = """query ($account: [String!], $wait: Float!) {
  resources(filter: {account: $account}, first: 100, freshness: {maxWaitSeconds: $wait}) {
    nodes { resourceId account { name } status lastSyncedAt freshness { state reason ageSeconds } }
    coverage { complete gaps { kind reason sweptAt account { name state } } }
  }
}"""
Answer = dict[str, Any]


@dataclass(frozen=True)
class CloudPair:
    """A gateway over two clouds, one of which fails."""

    gateway: ServedGateway
    bad: SandboxServer

    async def read(self, *accounts: str, wait: float = PATIENCE_SECONDS) -> Answer:
        """Return the answer to one operation over these accounts, or over both."""
        return await self.gateway.graph(QUERY, {"account": list(accounts) or None, "wait": wait})

    def is_sweeping(self, account: str) -> list[bool]:
        """Return for each kind whether a sweep of the account is running."""
        sweeps = self.gateway.gateway.reconciler._sweeps
        return [sweeps.underway(ScopeKey(account, kind, None)).running for kind in ResourceKind]


def assessments(answer: Answer, name: str) -> set[tuple[str, str | None]]:
    """Return the states and reasons of an account's resources."""
    nodes = answer["data"]["resources"]["nodes"]
    reports = [node["freshness"] for node in nodes if node["account"]["name"] == name]
    return {(report["state"], report["reason"]) for report in reports}


@pytest.fixture
async def clouds() -> AsyncIterator[tuple[SandboxServer, SandboxServer]]:
    """Run two clouds on two ports."""
    good = World.default(ManualClock(), 7, {GOOD: "key-of-good"}, lively=False)
    bad = World.default(ManualClock(), 8, {BAD: "key-of-bad"}, lively=False)
    async with SandboxServer(good) as one, SandboxServer(bad) as other:
        yield one, other


@pytest.fixture
async def pair(tmp_path: Path, clouds: tuple[SandboxServer, SandboxServer]) -> AsyncIterator[CloudPair]:
    """Both clouds were listed an hour ago."""
    one, other = clouds
    accounts = (sandbox_account(GOOD, one.url, "key-of-good"), sandbox_account(BAD, other.url, "key-of-bad"))
    async with serve_accounts(tmp_path, *accounts) as gateway:
        await gateway.sweep_all()
        gateway.clock.advance(AGE)
        yield CloudPair(gateway, other)
        other.faults.switch_off_all()


async def assert_answered(pair: CloudPair, answer: Answer, reason: str) -> None:
    """Check that GraphQL and REST answer the bad cloud's recorded values with age and reason, and the good one's fresh."""
    assert {("FRESH", None)} == assessments(answer, GOOD)
    assert {("STALE", reason)} == assessments(answer, BAD)
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


async def test_a_vendor_that_refuses_connections(pair: CloudPair) -> None:
    """Its recorded values stay; each resource, the list and the summary say why they are old."""
    await pair.bad.refuse()
    # The second reader gets the reason of the first one's flight, whose error is held.
    await pair.read(BAD)
    await assert_answered(pair, await pair.read(), "VENDOR_DOWN")


async def test_a_vendor_that_stalls_after_the_headers(pair: CloudPair) -> None:
    """The reader has its answer after its max wait and no later, with what the other vendor has said; the flight goes on."""
    pair.bad.faults.switch_on(FaultKind.STALL)
    with running_loop().stopped() as loop:
        reader = asyncio.create_task(pair.read(wait=MAX_WAIT))
        lists = (ApiOperation.LIST_MACHINES, ApiOperation.LIST_VOLUMES)
        await wait_until(lambda: all(pair.bad.journal.count(BAD, operation) == 2 for operation in lists))
        await wait_until(lambda: not any(pair.is_sweeping(GOOD)))
        loop.advance(MAX_WAIT - 0.01)
        await asyncio.sleep(0)
        assert not reader.done()
        loop.advance(0.02)
        await assert_answered(pair, await reader, "DEADLINE")
        assert all(pair.is_sweeping(BAD))


async def test_a_vendor_that_was_never_listed(tmp_path: Path, clouds: tuple[SandboxServer, SandboxServer]) -> None:
    """An empty list says that it is empty because a cloud failed."""
    one, other = clouds
    await other.refuse()
    accounts = (sandbox_account(GOOD, one.url, "key-of-good"), sandbox_account(BAD, other.url, "key-of-bad"))
    async with serve_accounts(tmp_path, *accounts) as gateway:
        pair = CloudPair(gateway, other)
        await pair.read()
        answer = await pair.read()
        assert ({("FRESH", None)}, set()) == (assessments(answer, GOOD), assessments(answer, BAD))
        coverage = answer["data"]["resources"]["coverage"]
        assert coverage["complete"] is False
        gaps = {(gap["account"]["name"], gap["kind"], gap["reason"], gap["sweptAt"]) for gap in coverage["gaps"]}
        assert {(BAD, "MACHINES", "VENDOR_DOWN", None), (BAD, "VOLUMES", "VENDOR_DOWN", None)} == gaps
        alone = (await pair.read(BAD))["data"]["resources"]
        assert ([], False) == (alone["nodes"], alone["coverage"]["complete"])


async def test_a_vendor_that_comes_back_is_believed_again(pair: CloudPair) -> None:
    """After the hold of its error, the next reader gets fresh values."""
    await pair.bad.refuse()
    await pair.read(BAD)
    await pair.bad.accept()
    pair.gateway.clock.advance(90)
    assert {("FRESH", None)} == assessments(await pair.read(BAD), BAD)
