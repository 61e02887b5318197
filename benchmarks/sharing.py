"""What sharing saves: 50 readers of 1,000 resources, each reading once a second for two minutes, over real HTTP.

`python -m benchmarks.sharing`. The simulated cloud and the gateway run in processes of their own; the cloud counts. Exits with 1
where a scope was swept more than 5 times in the 120 seconds, or an answer was not fresh.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from benchmarks.cloud import names
from benchmarks.readers import on_schedule
from benchmarks.team import Cloud, Gateway, asked, cloud, gateway

READERS: Final = 50
TENANTS, MACHINES, VOLUMES = 5, 500, 500
MOST_SWEEPS: Final = 5
_STATES: Final = "resourceId freshness { state }"
_LIST: Final = f"""query ($filter: ResourceFilter, $first: Int) {{
  resources(filter: $filter, first: $first) {{ totalCount nodes {{ name status pricingTotalHourly {_STATES} }} }}
}}"""


@dataclass(frozen=True, slots=True)
class Question:
    """What a reader asks: a filter, a page size, and how many scopes it demands."""

    filter: dict[str, list[str]]
    first: int
    scopes: int


def questions(ids: list[str]) -> list[Question]:
    """What readers of a fleet ask in turn: a page of everything, an account, all that runs, one resource."""
    accounts = [Question({"account": [name]}, 50, 2) for name in names(TENANTS)]
    single = [Question({"resourceId": [one]}, 1, 1) for one in ids]
    return [
        Question({}, 20, 2 * TENANTS),
        *accounts,
        Question({"status": ["RUNNING"]}, 20, 2 * TENANTS),
        *single,
    ]


async def read(over: Cloud, served: Gateway, seconds: int) -> bool:
    """Read for so many seconds and print what it cost; whether it was little enough."""
    async with served.client(2 * READERS) as client:
        ids = await everything(client)
        print(f"{len(ids)} resources in {TENANTS} accounts, {2 * TENANTS} scopes")
        asks = questions(ids[:: len(ids) // 5])
        demanded, states = 0, Counter[str]()

        async def ask(reader: int, turn: int) -> None:
            nonlocal demanded
            question = asks[(reader + turn) % len(asks)]
            answer = await asked(client, _LIST, filter=question.filter, first=question.first)
            demanded += question.scopes
            states.update(node["freshness"]["state"] for node in answer["data"]["resources"]["nodes"])

        over.forget()
        taken = await on_schedule(READERS, seconds, 1.0, ask)
    return judged(over, len(taken.seconds), demanded, states, taken.told())


async def everything(client: httpx.AsyncClient) -> list[str]:
    """Read all of it once, which has every scope swept; the UUIDs."""
    answer = await asked(client, _LIST, filter={}, first=1000)
    return [node["resourceId"] for node in answer["data"]["resources"]["nodes"]]


def judged(over: Cloud, reads: int, demanded: int, states: Counter[str], taken: str) -> bool:
    """Print the figures; whether they hold."""
    sweeps, calls = over.sweeps(), over.calls()
    for scope, count in sorted(sweeps.items()):
        print(f"  {scope:20} {count} sweeps")
    print(taken)
    print(f"resources shown: {dict(states)}")
    print(f"calls made {calls}; saved against one sweep a read {reads - calls}, ", end="")
    print(f"against one of each scope that a read demands {demanded - calls}")
    most = max(sweeps.values(), default=0)
    good = len(sweeps) == 2 * TENANTS and most <= MOST_SWEEPS and set(states) == {"FRESH"}
    print(f"{'ok' if good else 'FAILED'}: at most {most} sweeps a scope, {MOST_SWEEPS} allowed")
    return good


def main() -> int:
    """Run it whole."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sharing", description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    seconds = parser.parse_args().seconds
    with (
        tempfile.TemporaryDirectory() as folder,
        cloud(TENANTS, MACHINES, VOLUMES) as over,
        gateway(Path(folder), over, TENANTS, {"cooldown_seconds": 30}) as served,
    ):
        return 0 if asyncio.run(read(over, served, seconds)) else 1


if __name__ == "__main__":
    sys.exit(main())
