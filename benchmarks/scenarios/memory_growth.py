"""Whether memory grows with the number of requests: 2,000,000 requests, resident memory in the first and in the last quarter.

`python -m benchmarks.scenarios.memory_growth`. Single resources, pages of 100 and REST in turn, over 20,000 resources on
PostgreSQL (`--sqlite`: on a file). Exits with 1 if the two differ by more than 5 %, memory reached 200 MB, or the time was too
short for all requests.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from typing import Final

from benchmarks.load import LoadFailed, run_load
from benchmarks.operations import BenchRequest
from benchmarks.processes import memory_bytes
from benchmarks.servers import BenchServer, run_gateway_alone

REQUESTS: Final = 2_000_000
MOST_GROWTH: Final = 1.05
MOST_BYTES: Final = 200_000_000
_RESOURCES: Final = 20_000
_SLICE_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class MemorySample:
    """Resident memory after a number of requests."""

    requests: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class MemoryGrowth:
    """Medians of resident memory in the first and in the last quarter of the requests, and the greatest value of all."""

    first: float
    last: float
    most: int

    @classmethod
    def of(cls, samples: Sequence[MemorySample]) -> MemoryGrowth:
        """Compare samples in the order in which they were taken. Raises ValueError if a quarter has none."""
        total = samples[-1].requests if samples else 0
        first = [sample.memory_bytes for sample in samples if sample.requests <= total / 4]
        last = [sample.memory_bytes for sample in samples if sample.requests > total * 3 / 4]
        if not first or not last:
            raise ValueError("growth needs a sample in the first and in the last quarter: there are too few samples")
        return cls(statistics.median(first), statistics.median(last), max(sample.memory_bytes for sample in samples))

    @property
    def is_bounded(self) -> bool:
        """Whether growth and memory are within their bounds."""
        return self.last <= self.first * MOST_GROWTH and self.most < MOST_BYTES

    @property
    def line(self) -> str:
        """The figures in one line."""
        change = (self.last / self.first - 1) * 100
        return (
            f"RSS {self.first / 1e6:.1f} MB in the first quarter, {self.last / 1e6:.1f} MB in the last ({change:+.1f} %), "
            f"{self.most / 1e6:.1f} MB at most"
        )


def sample_memory(server: BenchServer, ids: Sequence[str], requests: int, deadline: float) -> list[MemorySample]:
    """Send this many requests, or until the monotonic clock reaches `deadline`. Raises LoadFailed if a request failed."""
    few = ids[:: max(1, len(ids) // 4_000)]
    singles, whole = (
        [build(resource_id) for resource_id in few] for build in (server.builder.one, server.builder.rest)
    )
    page = [server.builder.page(None)]
    # What each kind of request needs the first time is not growth.
    for kind in (singles, page, whole):
        run_load(server.target, kind, _SLICE_SECONDS)
    kinds: list[list[BenchRequest]] = [singles] * 8 + [page, whole]
    samples: list[MemorySample] = []
    sent = 0
    for kind in cycle(kinds):
        result = run_load(server.target, kind, _SLICE_SECONDS)
        if result.failed:
            raise LoadFailed(f"{result.failed} requests failed")
        sent += result.requests
        samples.append(MemorySample(sent, memory_bytes(server.target.process)))
        print(
            f"  {sent:,} requests, RSS {samples[-1].memory_bytes / 1e6:.1f} MB, p50 {result.p50_ms:.2f} ms", flush=True
        )
        if sent >= requests or time.monotonic() > deadline:
            return samples
    raise AssertionError("unreachable")


def main() -> int:
    """Run the scenario."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenarios.memory_growth", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="how many requests are sent")
    parser.add_argument("--minutes", type=float, default=30, help="the time limit")
    parser.add_argument("--sqlite", action="store_true", help="use a SQLite file instead of PostgreSQL")
    options = parser.parse_args()
    with run_gateway_alone(_RESOURCES, datetime.now(UTC), sqlite=options.sqlite) as (server, ids):
        samples = sample_memory(server, ids, options.requests, time.monotonic() + options.minutes * 60)
    sent = samples[-1].requests
    growth = MemoryGrowth.of(samples)
    good = sent >= options.requests and growth.is_bounded
    shortfall = "" if sent >= options.requests else f"; only {sent:,} of them in {options.minutes:g} minutes"
    print(f"{'ok' if good else 'FAILED'}: {growth.line} of {sent:,} requests{shortfall}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
