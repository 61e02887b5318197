"""What readers wait while a vendor stalls for 10 seconds: 50 readers, 2,000 reads, a max wait of 0.3 s, over real HTTP.

`python -m benchmarks.stalled`. The simulated cloud and the gateway run in processes of their own. Exits with 1 where the 99th
percentile is 0.4 s or more, an answer was not marked, or what the vendor said in the end was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.cloud import names
from benchmarks.readers import on_schedule
from benchmarks.team import Cloud, Gateway, asked, cloud, gateway

READERS, READS, TENANTS = 50, 40, 5
STALL_SECONDS: Final = 10.0
# 40 reads of each reader within the stall, the last of them answered before it ends.
EVERY_SECONDS: Final = 0.24
MAX_WAIT_SECONDS: Final = 0.3
MOST_SECONDS: Final = 0.4
COOLDOWN_SECONDS: Final = 15.0
_QUERY: Final = """query ($filter: ResourceFilter, $wait: Float, $first: Int) {
  resources(filter: $filter, first: $first, freshness: {maxWaitSeconds: $wait}) {
    nodes { vendorId name status freshness { state reason } }
  }
}"""


async def read(over: Cloud, served: Gateway, page: int) -> bool:
    """Stall the vendor, have it read, and print what was waited; whether it was little enough."""
    async with served.client(2 * READERS) as client:
        await asked(client, _QUERY, filter={}, wait=60, first=1000)
        tenant = names(TENANTS)[0]
        machine_id = next(name for name, status in over.machines(tenant).items() if status == "running")
        over.change(tenant, machine_id, status="stopped")
        await asyncio.sleep(COOLDOWN_SECONDS + 1)
        over.forget()
        fault = over.stall(STALL_SECONDS)
        marks: Counter[str] = Counter()
        began = time.perf_counter()

        async def ask(_reader: int, _turn: int) -> None:
            answer = await asked(client, _QUERY, filter={}, wait=MAX_WAIT_SECONDS, first=page)
            nodes = answer["data"]["resources"]["nodes"]
            marks.update({f"{node['freshness']['state']} {node['freshness']['reason']}" for node in nodes})

        taken = await on_schedule(READERS, READS, EVERY_SECONDS, ask)
        seconds = time.perf_counter() - began
        over.go_on(fault)
        late = await the_late_result(client, machine_id, began)
    print(f"{taken.told()}; in {seconds:.1f} s of a stall of {STALL_SECONDS:g} s")
    print(
        f"answers by mark: {dict(marks)}; listings begun: {sum(over.sweeps().values())} in {len(over.sweeps())} scopes"
    )
    return judged(taken.percentile(99), marks, late, over)


async def the_late_result(client: httpx.AsyncClient, machine_id: str, began: float) -> dict[str, Any]:
    """What the record says of the machine that was changed, once the stall is over."""
    await asyncio.sleep(max(0.0, began + STALL_SECONDS + 1 - time.perf_counter()))
    filtered = {"vendorId": [machine_id]}
    answer = await asked(client, _QUERY, filter=filtered, wait=0, first=1)
    told: dict[str, Any] = answer["data"]["resources"]["nodes"][0]
    return told


def judged(p99: float, marks: Counter[str], late: dict[str, Any], over: Cloud) -> bool:
    """Print the verdicts; whether all of them are good."""
    sweeps = over.sweeps()
    verdicts = {
        f"the 99th percentile is under {MOST_SECONDS:g} s": p99 < MOST_SECONDS,
        "every answer was marked": set(marks) == {"STALE DEADLINE"} and marks.total() == READERS * READS,
        "the late result was kept, by one listing a scope": late["status"] == "STOPPED" and set(sweeps.values()) == {1},
    }
    for word, good in verdicts.items():
        print(f"{'ok' if good else 'FAILED'}: {word}")
    return all(verdicts.values())


def main() -> int:
    """Run it whole."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stalled", description=__doc__)
    parser.add_argument("--page", type=int, default=20, help="how many resources a reader asks for")
    page = parser.parse_args().page
    with (
        tempfile.TemporaryDirectory() as folder,
        cloud(TENANTS, 500, 500) as over,
        gateway(Path(folder), over, TENANTS, {"cooldown_seconds": COOLDOWN_SECONDS}) as served,
    ):
        return 0 if asyncio.run(read(over, served, page)) else 1


if __name__ == "__main__":
    sys.exit(main())
