"""How many sweeps readers share: 50 readers of 1,000 resources, each reading once a second for two minutes, over HTTP.

`python -m benchmarks.scenarios.sweep_sharing`. The simulated cloud, which counts the calls, and the gateway run in processes of
their own. Exits with 1 if a scope was swept more than 5 times in the 120 seconds, or an answer was not fresh.
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

from benchmarks.scenarios.cloud import tenant_names
from benchmarks.scenarios.readers import read_on_schedule
from benchmarks.scenarios.team import CloudControl, TeamGateway, query_graph, run_cloud, run_team_gateway

READERS: Final = 50
TENANTS, MACHINES, VOLUMES = 5, 500, 500
MOST_SWEEPS: Final = 5
_STATES: Final = "resourceId freshness { state }"
_LIST: Final = f"""query ($filter: ResourceFilter, $first: Int) {{
  resources(filter: $filter, first: $first) {{ totalCount nodes {{ name status pricingTotalHourly {_STATES} }} }}
}}"""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A query of a reader: a filter, a page size, and the number of scopes that it demands."""

    filter: dict[str, list[str]]
    first: int
    scopes: int


def list_queries(ids: list[str]) -> list[ListQuery]:
    """Return the queries that the readers send in turn: a page of everything, an account, what runs, one resource."""
    accounts = [ListQuery({"account": [name]}, 50, 2) for name in tenant_names(TENANTS)]
    single = [ListQuery({"resourceId": [resource_id]}, 1, 1) for resource_id in ids]
    return [
        ListQuery({}, 20, 2 * TENANTS),
        *accounts,
        ListQuery({"status": ["RUNNING"]}, 20, 2 * TENANTS),
        *single,
    ]


async def run_readers(cloud: CloudControl, gateway: TeamGateway, seconds: int) -> bool:
    """Read for this many seconds and print the costs; return whether they are within the bounds."""
    async with gateway.client(2 * READERS) as client:
        ids = await read_everything(client)
        print(f"{len(ids)} resources in {TENANTS} accounts, {2 * TENANTS} scopes")
        queries = list_queries(ids[:: len(ids) // 5])
        demanded, states = 0, Counter[str]()

        async def read(reader: int, turn: int) -> None:
            nonlocal demanded
            query = queries[(reader + turn) % len(queries)]
            answer = await query_graph(client, _LIST, filter=query.filter, first=query.first)
            demanded += query.scopes
            states.update(node["freshness"]["state"] for node in answer["data"]["resources"]["nodes"])

        cloud.reset_calls()
        times = await read_on_schedule(READERS, seconds, 1.0, read)
    print(times.line)
    return report(cloud, len(times.seconds), demanded, states)


async def read_everything(client: httpx.AsyncClient) -> list[str]:
    """Read all resources once, so that every scope is swept; return their UUIDs."""
    answer = await query_graph(client, _LIST, filter={}, first=1000)
    return [node["resourceId"] for node in answer["data"]["resources"]["nodes"]]


def report(cloud: CloudControl, reads: int, demanded: int, states: Counter[str]) -> bool:
    """Print the counts; return whether they are within the bounds. `demanded` is the sum of the scopes of all reads."""
    sweeps, calls = cloud.count_sweeps(), cloud.count_calls()
    for scope, count in sorted(sweeps.items()):
        print(f"  {scope:20} {count} sweeps")
    print(f"resources shown: {dict(states)}")
    print(f"{calls} calls; {reads - calls} fewer than one for each read, ", end="")
    print(f"{demanded - calls} fewer than one for each scope that a read demands")
    most = max(sweeps.values(), default=0)
    good = len(sweeps) == 2 * TENANTS and most <= MOST_SWEEPS and set(states) == {"FRESH"}
    print(f"{'ok' if good else 'FAILED'}: at most {most} sweeps a scope, {MOST_SWEEPS} allowed")
    return good


def main() -> int:
    """Run the scenario."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenarios.sweep_sharing", description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="how long the readers read")
    seconds = parser.parse_args().seconds
    with (
        tempfile.TemporaryDirectory() as folder,
        run_cloud(TENANTS, MACHINES, VOLUMES) as cloud,
        run_team_gateway(Path(folder), cloud, TENANTS, {"cooldown_seconds": 30}) as gateway,
    ):
        return 0 if asyncio.run(run_readers(cloud, gateway, seconds)) else 1


if __name__ == "__main__":
    sys.exit(main())
