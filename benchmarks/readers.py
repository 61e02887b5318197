"""Readers who ask on a schedule, and how long their answers took."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Taken:
    """What reads took, in seconds from the moment at which they were due."""

    seconds: list[float] = field(default_factory=list)

    def percentile(self, which: int) -> float:
        """1 to 99."""
        return statistics.quantiles(self.seconds, n=100)[which - 1]

    def told(self) -> str:
        """One line."""
        p50, p99 = self.percentile(50) * 1000, self.percentile(99) * 1000
        return (
            f"{len(self.seconds)} reads, p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {max(self.seconds) * 1000:.0f} ms"
        )


async def on_schedule(readers: int, reads: int, every: float, ask: Callable[[int, int], Awaitable[None]]) -> Taken:
    """Have so many readers ask so often, each `every` seconds, spread evenly; `ask` is told the reader and its turn.

    A reader asks when it is due, whether or not its last answer has come: a slow gateway gets no fewer questions.
    """
    taken = Taken()
    begun = time.perf_counter() + 0.1

    async def one(due: float, reader: int, turn: int) -> None:
        await ask(reader, turn)
        taken.seconds.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        for due, reader, turn in _schedule(readers, reads, every):
            await asyncio.sleep(max(0.0, begun + due - time.perf_counter()))
            group.create_task(one(begun + due, reader, turn))
    return taken


async def back_to_back(readers: int, reads: int, within: float, ask: Callable[[int, int], Awaitable[None]]) -> Taken:
    """Have so many readers ask so often, each as soon as it has its answer; they begin one after the other `within` seconds."""
    taken = Taken()

    async def one(reader: int) -> None:
        await asyncio.sleep(within * reader / readers)
        for turn in range(reads):
            due = time.perf_counter()
            await ask(reader, turn)
            taken.seconds.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        for reader in range(readers):
            group.create_task(one(reader))
    return taken


def _schedule(readers: int, reads: int, every: float) -> Sequence[tuple[float, int, int]]:
    return sorted(
        (every * (turn + reader / readers), reader, turn) for reader in range(readers) for turn in range(reads)
    )
