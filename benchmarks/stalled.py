"""What readers wait while a vendor stalls for 10 seconds: 50 readers, 2,000 reads, a max wait of 0.3 s, over real HTTP.

`python -m benchmarks.stalled`. The vendor answers every call 10 seconds late, for as long as the reads go on. Each reader reads
once a second; with `--every 0`, again as soon as it has its answer. The simulated cloud and the gateway run in processes of their
own. Exits with 1 where the 99th percentile is 0.4 s or more, an answer was not marked, or what the vendor said late was lost.
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

from benchmarks.cloud import names
from benchmarks.readers import back_to_back, on_schedule
from benchmarks.team import Cloud, Gateway, asked, cloud, gateway

READERS, READS, TENANTS = 50, 40, 5
STALL_SECONDS: Final = 10.0
MAX_WAIT_SECONDS: Final = 0.3
MOST_SECONDS: Final = 0.4
# Shorter than the stall: an answer that comes so late is too old for whoever reads it.
COOLDOWN_SECONDS: Final = 5.0
_QUERY: Final = """query ($filter: ResourceFilter, $wait: Float, $first: Int) {
  resources(filter: $filter, first: $first, freshness: {maxWaitSeconds: $wait}) {
    nodes { vendorId name status freshness { state reason } }
  }
}"""


async def read(over: Cloud, served: Gateway, page: int, every: float) -> bool:
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

        asking = (
            on_schedule(READERS, READS, every, ask) if every else back_to_back(READERS, READS, MAX_WAIT_SECONDS, ask)
        )
        taken = await asking
        seconds = time.perf_counter() - began
        begun = over.sweeps()
        over.go_on(fault)
        late = await the_late_result(client, machine_id)
    print(f"{taken.told()}; in {seconds:.1f} s, each call stalled for {STALL_SECONDS:g} s")
    print(f"resources shown, by mark: {dict(marks)}; listings begun: {sum(begun.values())} in {len(begun)} scopes")
    return judged(taken.percentile(99), marks, late, max(begun.values()) / math.ceil(seconds / STALL_SECONDS))


async def the_late_result(client: httpx.AsyncClient, machine_id: str) -> dict[str, Any]:
    """What the record says, without waiting for anybody, of the machine that was changed before the stall."""
    answer = await asked(client, _QUERY, filter={"vendorId": [machine_id]}, wait=0, first=1)
    told: dict[str, Any] = answer["data"]["resources"]["nodes"][0]
    return told


def judged(p99: float, marks: Counter[str], late: dict[str, Any], most_sweeps: float) -> bool:
    """Print the verdicts; whether all of them are good."""
    verdicts = {
        f"the 99th percentile is under {MOST_SECONDS:g} s": p99 < MOST_SECONDS,
        "every answer was marked": set(marks) == {"STALE DEADLINE"},
        "the late result was kept": (late["status"], late["freshness"]["state"]) == ("STOPPED", "STALE"),
        "one listing a scope at a time": most_sweeps <= 1,
    }
    for word, good in verdicts.items():
        print(f"{'ok' if good else 'FAILED'}: {word}")
    return all(verdicts.values())


def main() -> int:
    """Run it whole."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stalled", description=__doc__)
    parser.add_argument("--page", type=int, default=20, help="how many resources a reader asks for")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between the reads of one reader")
    asked_for = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        cloud(TENANTS, 500, 500) as over,
        gateway(Path(folder), over, TENANTS, {"cooldown_seconds": COOLDOWN_SECONDS}) as served,
    ):
        return 0 if asyncio.run(read(over, served, asked_for.page, asked_for.every)) else 1


if __name__ == "__main__":
    sys.exit(main())
