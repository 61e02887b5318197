"""What occurred how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts by group and name. A step is one event that changes something."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    steps: int = 0

    def count(self, group: str, name: str) -> None:
        """Once more."""
        self.counts[group, name] += 1

    def step(self, name: str) -> None:
        """A step of this kind."""
        self.steps += 1
        self.counts["step", name] += 1

    def add(self, other: Tally) -> None:
        """Take in what another run counted."""
        self.counts.update(other.counts)
        self.steps += other.steps

    def table(self) -> Iterable[str]:
        """Lines: group, name, how often."""
        for (group, name), times in sorted(self.counts.items()):
            yield f"  {group:<18} {name:<52} {times:>10,}"

    def rare(self, least: int, expected: Iterable[tuple[str, str]] = ()) -> list[str]:
        """What occurred less often than that, what was expected and never occurred included."""
        counts = dict.fromkeys(expected, 0) | self.counts
        return [f"{group}: {name} ({times})" for (group, name), times in sorted(counts.items()) if times < least]
