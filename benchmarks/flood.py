"""Whether operations that are never asked again cost those that are: 200,000 distinct texts beside a hot operation.

`python -m benchmarks.flood`. A quarter of the texts differ by an alias, by a literal, by the operation's name, by a field that
does not exist. Exits with 1 where resident memory reached 250 MB, or the hot operation's median is more than twice what it was
before: afterwards, and while the flood goes on, at its beginning and once more when every cache is full.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from benchmarks.asking import Request
from benchmarks.load import LoadFailed, flooded, loaded
from benchmarks.servers import Server, alone, metrics
from benchmarks.usage import memory_bytes

TEXTS: Final = 200_000
MOST_BYTES: Final = 250_000_000
MOST_SLOWER: Final = 2.0
_RESOURCES: Final = 20_000
_HOT_SECONDS: Final = 5
_SLICE_SECONDS: Final = 10
_CONNECTIONS: Final = 4
# Numbers sent and not answered when a slice ended are left out.
_IN_FLIGHT: Final = 100


@dataclass(frozen=True, slots=True)
class Flooded:
    """What came of it: how many texts, medians of the hot operation in milliseconds, the most memory, the fullest cache."""

    texts: int
    before_ms: float
    during_ms: float
    after_ms: float
    memory_bytes: int
    fill: float

    @property
    def holds(self) -> bool:
        """Little memory, caches within their bounds, and little cost to others."""
        bounded = self.memory_bytes < MOST_BYTES and self.fill <= 1
        return bounded and max(self.during_ms, self.after_ms) <= self.before_ms * MOST_SLOWER

    def told(self) -> str:
        """One line."""
        return (
            f"{self.texts:,} distinct texts, RSS {self.memory_bytes / 1e6:.1f} MB at most; the hot operation's p50 "
            f"{self.before_ms:.2f} ms before, {self.during_ms:.2f} during, {self.after_ms:.2f} after; "
            f"the fullest cache at {self.fill:.0%} of its bound"
        )


def templates(resource_id: str) -> list[Request]:
    """Texts that differ by `@`; the last kind is refused by validation."""
    one = f'resource(resourceId: \\"{resource_id}\\")'
    texts = (
        f"{{ {one} {{ name a@: status }} }}",
        '{ resources(first: 2, filter: {vendorId: [\\"m-@\\"]}) { nodes { name } } }',
        f"query Named@ {{ {one} {{ name }} }}",
        f"{{ {one} {{ name field@ }} }}",
    )
    return [Request("/graphql", f'{{"query":"{text}"}}'.encode()) for text in texts]


def flood(server: Server, ids: Sequence[str], texts: int, end: float) -> Flooded:
    """Ask so many texts, or until the steady clock says `end`. Raises LoadFailed where the hot operation failed."""
    hot = [server.words.one(each) for each in ids[:1_000]]
    before = _hot(server, hot)
    sent, number, most, during = 0, 0, 0, 0.0
    while sent < texts and time.monotonic() < end:
        told = flooded(server.target, templates(ids[0]), number, _SLICE_SECONDS, _CONNECTIONS)
        sent += told.requests
        number += told.requests + _IN_FLIGHT
        most = max(most, memory_bytes(server.target.process))
        print(f"  {sent:,} texts, RSS {most / 1e6:.1f} MB", flush=True)
        if not during:
            during, number = _during(server, hot, templates(ids[0]), number), number + texts
    during = max(during, _during(server, hot, templates(ids[0]), number))
    return Flooded(sent, before, during, _hot(server, hot), most, max(metrics(server, "supplygraph_cache_fill")))


def _hot(server: Server, hot: Sequence[Request]) -> float:
    loaded(server.target, hot, 1)
    told = loaded(server.target, hot, _HOT_SECONDS)
    if told.failed or not told.requests:
        raise LoadFailed(f"{told.failed} of {told.requests} requests failed")
    return told.p50_ms


def _during(server: Server, hot: Sequence[Request], cold: Sequence[Request], number: int) -> float:
    beside = threading.Thread(target=flooded, args=(server.target, cold, number, _HOT_SECONDS + 2, _CONNECTIONS))
    beside.start()
    try:
        return _hot(server, hot)
    finally:
        beside.join()


def main() -> int:
    """Run it whole."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flood", description=__doc__)
    parser.add_argument("--texts", type=int, default=TEXTS)
    parser.add_argument("--minutes", type=float, default=30, help="the longest that it may take")
    parser.add_argument("--sqlite", action="store_true", help="over a file instead of PostgreSQL")
    given = parser.parse_args()
    with alone(_RESOURCES, datetime.now(UTC), sqlite=given.sqlite) as (server, ids):
        came = flood(server, ids, given.texts, time.monotonic() + given.minutes * 60)
    good = came.holds and came.texts >= given.texts
    print(f"{'ok' if good else 'FAILED'}: {came.told()}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
