"""Readers share sweeps: a fleet of 1,000 resources that is read all the time, and how often the cloud was called for it."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.doubles.children import child
from tests.proofs.support.gateway_server import PATIENCE_SECONDS, ServedGateway, sandbox_account, serve_accounts

TENANTS = [f"team-{number}" for number in range(1, 6)]
KINDS = ("machines", "volumes")
READERS, SECONDS, A_SECOND = 50, 120, 4
MOST_SWEEPS = 5
LIST = """query ($filter: ResourceFilter, $first: Int) {
  resources(filter: $filter, first: $first) { totalCount nodes { resourceId name status freshness { state } } }
}"""


@dataclass(frozen=True)
class ReadFleet:
    """A gateway over a cloud that runs in a process of its own and counts calls."""

    gateway: ServedGateway
    control: httpx.AsyncClient

    async def sweeps(self) -> dict[tuple[str, str], int]:
        """Return how many listings began in each scope."""
        calls = (await self.control.get("/calls")).raise_for_status().json()["calls"]
        return dict(
            Counter((call["tenant"], call["operation"].removeprefix("list_")) for call in calls if call["page"] == 1)
        )

    async def read(self, filter_: dict[str, Any], first: int) -> tuple[int, set[str]]:
        """Return the total count, and the states of freshness of the resources on the page."""
        resources = (await self.gateway.data(LIST, {"filter": filter_, "first": first}))["resources"]
        return resources["totalCount"], {node["freshness"]["state"] for node in resources["nodes"]}


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    """Run a cloud with 1,000 resources of five tenants; return its address."""
    with child([sys.executable, "-u", "-m", "benchmarks.scenarios.cloud"], r"serving at (\S+)") as ready:
        yield ready[1]


@pytest.fixture
async def fleet(tmp_path: Path, cloud: str) -> AsyncIterator[ReadFleet]:
    """Everything was listed a minute ago; the cloud counts from now on."""
    accounts = [sandbox_account(name, cloud, f"key-of-{name}") for name in TENANTS]
    async with (
        serve_accounts(tmp_path, *accounts, cooldown_seconds=30) as gateway,
        httpx.AsyncClient(base_url=f"{cloud}/_control", trust_env=False, timeout=PATIENCE_SECONDS) as control,
    ):
        await gateway.sweep_all()
        gateway.clock.advance(60)
        (await control.delete("/calls")).raise_for_status()
        yield ReadFleet(gateway, control)


def page_of(reader: int) -> tuple[dict[str, Any], int]:
    """Return the filter and page size of a reader: everything, what runs, or one account."""
    whole: list[tuple[dict[str, Any], int]] = [({}, 10), ({"status": ["RUNNING"]}, 10)]
    return [*whole, *(({"account": [name]}, 10) for name in TENANTS)][reader % (len(TENANTS) + 2)]


async def test_two_minutes_of_reading_cost_at_most_five_sweeps_a_scope(fleet: ReadFleet) -> None:
    """Readers arrive every second, and all of them get fresh answers with a cooldown of 30 seconds."""
    counts: Counter[int] = Counter()
    states: set[str] = set()
    for second in range(SECONDS):
        readers = [(second * A_SECOND + number) % READERS for number in range(A_SECOND)]
        for count, shown in await asyncio.gather(*(fleet.read(*page_of(reader)) for reader in readers)):
            counts[count] += 1
            states |= shown
        fleet.gateway.clock.advance(1)
    sweeps = await fleet.sweeps()
    assert set(product(TENANTS, KINDS)) == set(sweeps)
    assert MOST_SWEEPS >= max(sweeps.values()), sweeps
    assert SECONDS // 60 <= min(sweeps.values()), "answers are called fresh without a call"
    assert ({"FRESH"}, SECONDS * A_SECOND) == (states, counts.total())
    assert {200, 1000} < set(counts), "no reader saw the whole fleet"


async def test_all_readers_of_one_moment_cost_one_sweep_a_scope(fleet: ReadFleet) -> None:
    """Fifty arrive together at a fleet that is stale as a whole."""
    answers = await asyncio.gather(*(fleet.read(*page_of(reader)) for reader in range(READERS)))
    assert {"FRESH"} == set().union(*(shown for _, shown in answers))
    assert dict.fromkeys(product(TENANTS, KINDS), 1) == await fleet.sweeps()
