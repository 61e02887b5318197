"""How long readers wait while a vendor stalls for 10 seconds: 50 readers, 2,000 reads, a max wait of 0.3 s, over HTTP.

`python -m benchmarks.scenarios.vendor_stall`. The vendor answers every call 10 seconds late while the reads go on. Each reader
reads once a second; with `--every 0`, again as soon as it has its answer. The simulated cloud and the gateway run in processes of
their own. Exits with 1 if the 99th percentile is 0.4 s or more, an answer was not marked as stale, or the late result was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.scenarios.cloud import tenant_names
from benchmarks.scenarios.readers import read_back_to_back, read_on_schedule
from benchmarks.scenarios.team import CloudControl, TeamGateway, query_graph, run_cloud, run_team_gateway

READERS, READS, TENANTS = 50, 40, 5
STALL_SECONDS: Final = 10.0
MAX_WAIT_SECONDS: Final = 0.3
MOST_SECONDS: Final = 0.4
# Shorter than the stall, so that a late result is too old when it arrives.
COOLDOWN_SECONDS: Final = 5.0
_QUERY: Final = """query ($filter: ResourceFilter, $wait: Float, $first: Int) {
  resources(filter: $filter, first: $first, freshness: {maxWaitSeconds: $wait}) {
    nodes { vendorId name status freshness { state reason } }
  }
}"""


async def run_readers(cloud: CloudControl, gateway: TeamGateway, page: int, every: float) -> bool:
    """Stall the vendor, read, and print how long the readers waited; return whether all bounds hold."""
    async with gateway.client(2 * READERS) as client:
        await query_graph(client, _QUERY, filter={}, wait=60, first=1000)
        tenant = tenant_names(TENANTS)[0]
        statuses = cloud.machine_statuses(tenant)
        machine_id = next(name for name, status in statuses.items() if status == "running")
        cloud.change_machine(tenant, machine_id, status="stopped")
        await asyncio.sleep(COOLDOWN_SECONDS + 1)
        cloud.reset_calls()
        fault = cloud.stall(STALL_SECONDS)
        states: Counter[str] = Counter()
        began = time.perf_counter()

        async def read(_reader: int, _turn: int) -> None:
            answer = await query_graph(client, _QUERY, filter={}, wait=MAX_WAIT_SECONDS, first=page)
            nodes = answer["data"]["resources"]["nodes"]
            states.update({f"{node['freshness']['state']} {node['freshness']['reason']}" for node in nodes})

        times = await (
            read_on_schedule(READERS, READS, every, read)
            if every
            else read_back_to_back(READERS, READS, MAX_WAIT_SECONDS, read)
        )
        seconds = time.perf_counter() - began
        sweeps = cloud.count_sweeps()
        cloud.remove_fault(fault)
        late = await read_machine(client, machine_id)
    print(f"{times.line}; in {seconds:.1f} s, each call stalled for {STALL_SECONDS:g} s")
    print(f"resources shown, by freshness: {dict(states)}; {sum(sweeps.values())} listings in {len(sweeps)} scopes")
    return report(times.percentile(99), states, late, max(sweeps.values()) / math.ceil(seconds / STALL_SECONDS))


async def read_machine(client: httpx.AsyncClient, machine_id: str) -> dict[str, Any]:
    """Return the recorded state of the machine that was changed before the stall, without waiting for the vendor."""
    answer = await query_graph(client, _QUERY, filter={"vendorId": [machine_id]}, wait=0, first=1)
    node: dict[str, Any] = answer["data"]["resources"]["nodes"][0]
    return node


def report(p99: float, states: Counter[str], late: dict[str, Any], sweeps_per_stall: float) -> bool:
    """Print the verdicts; return whether all of them are good."""
    verdicts = {
        f"the 99th percentile is under {MOST_SECONDS:g} s": p99 < MOST_SECONDS,
        "every answer was marked as stale": set(states) == {"STALE DEADLINE"},
        "the late result was recorded": (late["status"], late["freshness"]["state"]) == ("STOPPED", "STALE"),
        "each scope had one listing at a time": sweeps_per_stall <= 1,
    }
    for statement, holds in verdicts.items():
        print(f"{'ok' if holds else 'FAILED'}: {statement}")
    return all(verdicts.values())


def main() -> int:
    """Run the scenario."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenarios.vendor_stall", description=__doc__)
    parser.add_argument("--page", type=int, default=20, help="the page size of a read")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two reads of one reader")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        run_cloud(TENANTS, 500, 500) as cloud,
        run_team_gateway(Path(folder), cloud, TENANTS, {"cooldown_seconds": COOLDOWN_SECONDS}) as gateway,
    ):
        return 0 if asyncio.run(run_readers(cloud, gateway, options.page, options.every)) else 1


if __name__ == "__main__":
    sys.exit(main())
