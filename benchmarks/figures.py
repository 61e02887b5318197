"""Figures of one run, and their medians and spreads over several runs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """One run under load: times in milliseconds, CPU in microseconds per request, memory in bytes."""

    per_second: float
    p50_ms: float
    p99_ms: float
    server_cpu_us: float
    database_cpu_us: float
    memory_bytes: int
    bytes_per_answer: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The median, the least and the greatest of several values."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarize at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class BenchSummary:
    """All runs of one server and subject. `tail` is the 99th percentile over the median of the same run."""

    runs: int
    per_second: Spread
    p50_ms: Spread
    p99_ms: Spread
    tail: Spread
    server_cpu_us: Spread
    database_cpu_us: Spread
    memory_bytes: Spread

    @classmethod
    def of(cls, runs: Sequence[Run]) -> BenchSummary:
        """Summarize at least one run."""

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
        """Return the summary as JSON values."""
        return asdict(self)


Table = Mapping[str, Mapping[str, BenchSummary]]
"""Summaries by subject, then by server."""


def rate_ratio(table: Table, subject: str, server: str, other: str, other_subject: str | None = None) -> float | None:
    """Return how many times as many requests a second `server` answers as `other`; None if either was not run.

    `other_subject` is the subject of `other` if it is not the same.
    """
    left = table.get(subject, {}).get(server)
    right = table.get(other_subject or subject, {}).get(other)
    return None if left is None or right is None else left.per_second.median / right.per_second.median


def cpu_ratio(table: Table, subject: str, server: str, other: str) -> float | None:
    """Return how many times as much CPU a request costs `server` as it costs `other`; None if either was not run."""
    left, right = (table.get(subject, {}).get(name) for name in (server, other))
    if left is None or right is None or not right.server_cpu_us.median:
        return None
    return left.server_cpu_us.median / right.server_cpu_us.median


def fastest(table: Table, subject: str, names: Sequence[str]) -> str | None:
    """Return which of the named servers answers the most requests a second; None if none of them was run."""
    run = [name for name in names if name in table.get(subject, {})]
    return max(run, key=lambda name: table[subject][name].per_second.median, default=None)
