"""Figures: one run's, and what several runs of the same come to."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the load: rates a second, times in milliseconds, CPU in microseconds a request, memory in bytes."""

    per_second: float
    p50_ms: float
    p99_ms: float
    server_cpu_us: float
    database_cpu_us: float
    memory_bytes: int
    bytes_per_answer: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several, and the least and the most of them."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Summary:
    """What a server's runs of one subject come to. `tail` is the 99th percentile over the median, each of the same run."""

    runs: int
    per_second: Spread
    p50_ms: Spread
    p99_ms: Spread
    tail: Spread
    server_cpu_us: Spread
    database_cpu_us: Spread
    memory_bytes: Spread

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Summary:
        """Of at least one run."""

        def spread(value: Callable[[Run], float]) -> Spread:
            return Spread.of([value(run) for run in runs])

        return cls(
            len(runs),
            spread(lambda run: run.per_second),
            spread(lambda run: run.p50_ms),
            spread(lambda run: run.p99_ms),
            spread(lambda run: run.p99_ms / run.p50_ms),
            spread(lambda run: run.server_cpu_us),
            spread(lambda run: run.database_cpu_us),
            spread(lambda run: run.memory_bytes),
        )

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


Table = Mapping[str, Mapping[str, Summary]]
"""Summaries by subject, then by server."""


def ratio(table: Table, subject: str, server: str, other: str) -> float | None:
    """How many times as many requests a second; None where either was not run."""
    servers = table.get(subject, {})
    if server not in servers or other not in servers:
        return None
    return servers[server].per_second.median / servers[other].per_second.median


def fastest(table: Table, subject: str, among: Sequence[str]) -> str | None:
    """The server with the most requests a second; None where none of them was run."""
    run = [name for name in among if name in table.get(subject, {})]
    return max(run, key=lambda name: table[subject][name].per_second.median, default=None)
