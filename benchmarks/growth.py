"""Whether memory grows with what was asked: 2,000,000 requests, resident memory in the first quarter and in the last.

`python -m benchmarks.growth`. Single resources, pages of 100 and REST in turn, over 20,000 resources on PostgreSQL (`--sqlite`:
on a file). Exits with 1 where the two differ by more than 5 %, or memory reached 200 MB, or the time was too short for all of it.
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

from benchmarks.asking import Request
from benchmarks.load import LoadFailed, loaded
from benchmarks.servers import Server, alone
from benchmarks.usage import memory_bytes

REQUESTS: Final = 2_000_000
MOST_GROWTH: Final = 1.05
MOST_BYTES: Final = 200_000_000
_RESOURCES: Final = 20_000
_SLICE_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident memory after so many requests."""

    requests: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Growth:
    """Medians of resident memory in the first and the last quarter of the requests, and the most of all."""

    first: float
    last: float
    most: int

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Growth:
        """Of samples in the order in which they were taken. Raises ValueError where a quarter has none."""
        whole = samples[-1].requests if samples else 0
        first = [each.memory_bytes for each in samples if each.requests <= whole / 4]
        last = [each.memory_bytes for each in samples if each.requests > whole * 3 / 4]
        if not first or not last:
            raise ValueError("too few samples to tell growth")
        return cls(statistics.median(first), statistics.median(last), max(each.memory_bytes for each in samples))

    @property
    def holds(self) -> bool:
        """Little enough, and no more at the end."""
        return self.last <= self.first * MOST_GROWTH and self.most < MOST_BYTES

    def told(self) -> str:
        """One line."""
        change = (self.last / self.first - 1) * 100
        return (
            f"RSS {self.first / 1e6:.1f} MB in the first quarter, {self.last / 1e6:.1f} MB in the last ({change:+.1f} %), "
            f"{self.most / 1e6:.1f} MB at most"
        )


def grown(server: Server, ids: Sequence[str], requests: int, end: float) -> list[Sample]:
    """Ask so often, or until the steady clock says `end`. Raises LoadFailed where a request failed."""
    few = ids[:: max(1, len(ids) // 4_000)]
    singles, whole = ([ask(each) for each in few] for ask in (server.words.one, server.words.rest))
    page = [server.words.page(None)]
    # What each kind needs to be answered at all is not growth.
    for kind in (singles, page, whole):
        loaded(server.target, kind, _SLICE_SECONDS)
    kinds: list[list[Request]] = [singles] * 8 + [page, whole]
    samples: list[Sample] = []
    asked = 0
    for kind in cycle(kinds):
        told = loaded(server.target, kind, _SLICE_SECONDS)
        if told.failed:
            raise LoadFailed(f"{told.failed} requests failed")
        asked += told.requests
        samples.append(Sample(asked, memory_bytes(server.target.process)))
        print(
            f"  {asked:,} requests, RSS {samples[-1].memory_bytes / 1e6:.1f} MB, p50 {told.p50_ms:.2f} ms", flush=True
        )
        if asked >= requests or time.monotonic() > end:
            return samples
    raise AssertionError("unreachable")


def main() -> int:
    """Run it whole."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--minutes", type=float, default=30, help="the longest that it may take")
    parser.add_argument("--sqlite", action="store_true", help="over a file instead of PostgreSQL")
    given = parser.parse_args()
    with alone(_RESOURCES, datetime.now(UTC), sqlite=given.sqlite) as (server, ids):
        samples = grown(server, ids, given.requests, time.monotonic() + given.minutes * 60)
    whole = samples[-1].requests >= given.requests
    growth = Growth.of(samples)
    good = whole and growth.holds
    short = "" if whole else f"; only {samples[-1].requests:,} of them in {given.minutes:g} minutes"
    print(f"{'ok' if good else 'FAILED'}: {growth.told()} of {samples[-1].requests:,} requests{short}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
