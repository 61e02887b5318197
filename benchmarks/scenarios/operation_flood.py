"""Whether operations that come once slow down those that come often: 200,000 distinct texts next to a hot operation.

`python -m benchmarks.scenarios.operation_flood`. A quarter of the texts each differ by an alias, by a literal, by the name of the
operation, and by a field that does not exist. Exits with 1 if resident memory reached 250 MB, or the median of the hot operation
is more than twice what it was before: during the flood, at its beginning and once every cache is full, or after it.
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

from benchmarks.load import LoadFailed, run_flood, run_load
from benchmarks.operations import BenchRequest
from benchmarks.processes import memory_bytes
from benchmarks.servers import BenchServer, read_metric, run_gateway_alone

TEXTS: Final = 200_000
MOST_BYTES: Final = 250_000_000
MOST_SLOWER: Final = 2.0
_RESOURCES: Final = 20_000
_HOT_SECONDS: Final = 5
_SLICE_SECONDS: Final = 10
_CONNECTIONS: Final = 4
# Numbers that were sent and not answered when a slice ended are skipped.
_IN_FLIGHT: Final = 100


@dataclass(frozen=True, slots=True)
class FloodResult:
    """The number of texts, medians of the hot operation in milliseconds, the most memory, and the fill of the fullest cache."""

    texts: int
    before_ms: float
    during_ms: float
    after_ms: float
    memory_bytes: int
    fill: float

    @property
    def is_bounded(self) -> bool:
        """Whether memory, caches and the hot operation are within their bounds."""
        bounded = self.memory_bytes < MOST_BYTES and self.fill <= 1
        return bounded and max(self.during_ms, self.after_ms) <= self.before_ms * MOST_SLOWER

    @property
    def line(self) -> str:
        """The figures in one line."""
        return (
            f"{self.texts:,} distinct texts, RSS {self.memory_bytes / 1e6:.1f} MB at most; the hot operation's p50 "
            f"{self.before_ms:.2f} ms before, {self.during_ms:.2f} during, {self.after_ms:.2f} after; "
            f"the fullest cache at {self.fill:.0%} of its bound"
        )


def flood_templates(resource_id: str) -> list[BenchRequest]:
    """Return requests that differ by `@`. Validation refuses the last one."""
    one = f'resource(resourceId: \\"{resource_id}\\")'
    texts = (
        f"{{ {one} {{ name a@: status }} }}",
        '{ resources(first: 2, filter: {vendorId: [\\"m-@\\"]}) { nodes { name } } }',
        f"query Named@ {{ {one} {{ name }} }}",
        f"{{ {one} {{ name field@ }} }}",
    )
    return [BenchRequest("/graphql", f'{{"query":"{text}"}}'.encode()) for text in texts]


def measure_flood(server: BenchServer, ids: Sequence[str], texts: int, deadline: float) -> FloodResult:
    """Send this many texts, or until the monotonic clock reaches `deadline`.

    Raises LoadFailed if a request of the hot operation failed.
    """
    hot, templates = [server.builder.one(resource_id) for resource_id in ids[:1_000]], flood_templates(ids[0])
    before = _measure_hot(server, hot)
    sent, number, most, during = 0, 0, 0, 0.0
    while sent < texts and time.monotonic() < deadline:
        result = run_flood(server.target, templates, number, _SLICE_SECONDS, _CONNECTIONS)
        sent += result.requests
        number += result.requests + _IN_FLIGHT
        most = max(most, memory_bytes(server.target.process))
        print(f"  {sent:,} texts, RSS {most / 1e6:.1f} MB", flush=True)
        if not during:
            during, number = _measure_during(server, hot, templates, number), number + texts
    during = max(during, _measure_during(server, hot, templates, number))
    fill = max(read_metric(server, "supplygraph_cache_fill"))
    return FloodResult(sent, before, during, _measure_hot(server, hot), most, fill)


def _measure_hot(server: BenchServer, hot: Sequence[BenchRequest]) -> float:
    run_load(server.target, hot, 1)
    result = run_load(server.target, hot, _HOT_SECONDS)
    if result.failed or not result.requests:
        raise LoadFailed(f"{result.failed} of {result.requests} requests failed")
    return result.p50_ms


def _measure_during(
    server: BenchServer, hot: Sequence[BenchRequest], templates: Sequence[BenchRequest], number: int
) -> float:
    """Measure the hot operation while the flood goes on in another thread."""
    arguments = (server.target, templates, number, _HOT_SECONDS + 2, _CONNECTIONS)
    flood = threading.Thread(target=run_flood, args=arguments)
    flood.start()
    try:
        return _measure_hot(server, hot)
    finally:
        flood.join()


def main() -> int:
    """Run the scenario."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenarios.operation_flood", description=__doc__)
    parser.add_argument("--texts", type=int, default=TEXTS, help="how many distinct texts are sent")
    parser.add_argument("--minutes", type=float, default=30, help="the time limit")
    parser.add_argument("--sqlite", action="store_true", help="use a SQLite file instead of PostgreSQL")
    options = parser.parse_args()
    with run_gateway_alone(_RESOURCES, datetime.now(UTC), sqlite=options.sqlite) as (server, ids):
        result = measure_flood(server, ids, options.texts, time.monotonic() + options.minutes * 60)
    good = result.is_bounded and result.texts >= options.texts
    print(f"{'ok' if good else 'FAILED'}: {result.line}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
