"""Counts of what occurred in a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class EventCounts:
    """Counts by group and name. A step is one event that changes something."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    steps: int = 0

    def count(self, group: str, name: str) -> None:
        """Count one event."""
        self.counts[group, name] += 1

    def step(self, name: str) -> None:
        """Count one step of this kind."""
        self.steps += 1
        self.counts["step", name] += 1

    def add(self, other: EventCounts) -> None:
        """Add the counts of another run."""
        self.counts.update(other.counts)
        self.steps += other.steps

    def table(self) -> Iterable[str]:
        """Return one line for each name: group, name, count."""
        for (group, name), times in sorted(self.counts.items()):
            yield f"  {group:<18} {name:<52} {times:>10,}"

    def rare(self, least: int, expected: Iterable[tuple[str, str]] = ()) -> list[str]:
        """Return what occurred fewer than `least` times, including expected events that never occurred."""
        counts = dict.fromkeys(expected, 0) | self.counts
        return [f"{group}: {name} ({times})" for (group, name), times in sorted(counts.items()) if times < least]
