"""What sharing saves: a fleet of 1,000 resources, read all the time, and how often the cloud was asked for it."""

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
from tests.proofs.served import Served, account, served

TENANTS = [f"team-{number}" for number in range(1, 6)]
KINDS = ("machines", "volumes")
READERS, SECONDS, A_SECOND = 50, 120, 4
MOST_SWEEPS = 5
LIST = """query ($filter: ResourceFilter, $first: Int) {
  resources(filter: $filter, first: $first) { totalCount nodes { resourceId name status freshness { state } } }
}"""


@dataclass(frozen=True)
class Fleet:
    """A gateway over a cloud that runs in a process of its own and counts."""

    gateway: Served
    control: httpx.AsyncClient

    async def sweeps(self) -> dict[tuple[str, str], int]:
        """How many listings the cloud saw begin, a scope."""
        calls = (await self.control.get("/calls")).raise_for_status().json()["calls"]
        return dict(
            Counter((call["tenant"], call["operation"].removeprefix("list_")) for call in calls if call["page"] == 1)
        )

    async def read(self, where: dict[str, Any], first: int) -> tuple[int, set[str]]:
        """How many resources there are, and the states of freshness of those shown."""
        told = (await self.gateway.data(LIST, {"filter": where, "first": first}))["resources"]
        return told["totalCount"], {node["freshness"]["state"] for node in told["nodes"]}


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    """1,000 resources of five tenants, in a process of its own; the address."""
    with child([sys.executable, "-u", "-m", "benchmarks.scenarios.cloud"], r"serving at (\S+)") as ready:
        yield ready[1]


@pytest.fixture
async def fleet(tmp_path: Path, cloud: str) -> AsyncIterator[Fleet]:
    """Everything was listed a minute ago; the cloud counts from now on."""
    accounts = [account(name, cloud, f"key-of-{name}") for name in TENANTS]
    async with (
        served(tmp_path, *accounts, cooldown_seconds=30) as gateway,
        httpx.AsyncClient(base_url=f"{cloud}/_control", trust_env=False) as control,
    ):
        await gateway.swept()
        gateway.clock.advance(60)
        (await control.delete("/calls")).raise_for_status()
        yield Fleet(gateway, control)


def asked(reader: int) -> tuple[dict[str, Any], int]:
    """What a reader asks for: a page of everything, what runs, or one account."""
    whole: list[tuple[dict[str, Any], int]] = [({}, 10), ({"status": ["RUNNING"]}, 10)]
    return [*whole, *(({"account": [name]}, 10) for name in TENANTS)][reader % (len(TENANTS) + 2)]


async def test_two_minutes_of_reading_cost_at_most_five_sweeps_a_scope(fleet: Fleet) -> None:
    """Readers come second by second; all of them are answered fresh, with a cooldown of 30 seconds."""
    seen: Counter[int] = Counter()
    states: set[str] = set()
    for second in range(SECONDS):
        readers = [(second * A_SECOND + place) % READERS for place in range(A_SECOND)]
        for count, shown in await asyncio.gather(*(fleet.read(*asked(reader)) for reader in readers)):
            seen[count] += 1
            states |= shown
        fleet.gateway.clock.advance(1)
    sweeps = await fleet.sweeps()
    assert set(product(TENANTS, KINDS)) == set(sweeps)
    assert MOST_SWEEPS >= max(sweeps.values()), sweeps
    assert SECONDS // 60 <= min(sweeps.values()), "what is told fresh was not asked for"
    assert ({"FRESH"}, SECONDS * A_SECOND) == (states, seen.total())
    assert {200, 1000} < set(seen), "not everybody saw the whole fleet"


async def test_all_readers_of_one_moment_cost_one_sweep_a_scope(fleet: Fleet) -> None:
    """Fifty arrive together at a fleet that is stale as a whole."""
    answers = await asyncio.gather(*(fleet.read(*asked(reader)) for reader in range(READERS)))
    assert {"FRESH"} == set().union(*(shown for _, shown in answers))
    assert dict.fromkeys(product(TENANTS, KINDS), 1) == await fleet.sweeps()
