"""Readers that send requests on a schedule, and the times that their answers took."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class ReadTimes:
    """The durations of reads, in seconds from the moment at which each one was due."""

    seconds: list[float] = field(default_factory=list)

    def percentile(self, which: int) -> float:
        """Return a percentile, 1 to 99."""
        return statistics.quantiles(self.seconds, n=100)[which - 1]

    @property
    def line(self) -> str:
        """The times in one line."""
        p50, p99 = self.percentile(50) * 1000, self.percentile(99) * 1000
        return (
            f"{len(self.seconds)} reads, p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {max(self.seconds) * 1000:.0f} ms"
        )


Read = Callable[[int, int], Awaitable[None]]
"""Reads once. The arguments are the number of the reader and the number of its read."""


async def read_on_schedule(readers: int, reads: int, every: float, read: Read) -> ReadTimes:
    """Have each of the readers read this many times, once in `every` seconds, spread evenly.

    A read begins when it is due, whether or not the reader's last answer has arrived: a slow gateway gets no fewer requests.
    """
    times = ReadTimes()
    began = time.perf_counter() + 0.1

    async def read_once(due: float, reader: int, turn: int) -> None:
        await read(reader, turn)
        times.seconds.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        for due, reader, turn in _schedule(readers, reads, every):
            await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
            group.create_task(read_once(began + due, reader, turn))
    return times


async def read_back_to_back(readers: int, reads: int, within: float, read: Read) -> ReadTimes:
    """Have each of the readers read this many times, each time as soon as it has its answer.

    The readers start one after the other within `within` seconds.
    """
    times = ReadTimes()

    async def read_repeatedly(reader: int) -> None:
        await asyncio.sleep(within * reader / readers)
        for turn in range(reads):
            began = time.perf_counter()
            await read(reader, turn)
            times.seconds.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        for reader in range(readers):
            group.create_task(read_repeatedly(reader))
    return times


def _schedule(readers: int, reads: int, every: float) -> Sequence[tuple[float, int, int]]:
    return sorted(
        (every * (turn + reader / readers), reader, turn) for reader in range(readers) for turn in range(reads)
    )
