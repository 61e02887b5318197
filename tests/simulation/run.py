"""Running seeds: one in a simulated loop, many over the processors."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.simulation.keeping import MemoryKeeper
from tests.simulation.ledger import Violation
from tests.simulation.loop import SimulatedLoop, SteppedClock, run
from tests.simulation.schedule import Schedule
from tests.simulation.tally import Tally


@dataclass(frozen=True)
class Job:
    """One run to make."""

    seed: int
    steps: int
    on_sqlite: bool = False


@dataclass(frozen=True)
class Told:
    """What came of a run: its counts, and the failure if there was one. `letter` is the invariant that broke."""

    job: Job
    tally: Tally
    letter: str | None = None
    failure: str | None = None


def play(job: Job) -> Told:
    """Run a seed whole."""
    loop = SimulatedLoop()
    clock = SteppedClock(loop)
    if job.on_sqlite:
        from tests.simulation.mirror import mirrored  # noqa: PLC0415 - most runs need no database

        with mirrored(clock) as keeper:
            return _play(job, Schedule(job.seed, keeper, clock), loop)
    return _play(job, Schedule(job.seed, MemoryKeeper(clock), clock), loop)


def _play(job: Job, schedule: Schedule, loop: SimulatedLoop) -> Told:
    try:
        run(loop, schedule.play(job.steps))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        letter = error.letter if isinstance(error, Violation) else "error"
        recent = "\n".join(schedule.sharing.recent)
        return Told(job, schedule.tally, letter, f"{type(error).__name__}: {error}\n{recent}\n{traceback.format_exc()}")
    return Told(job, schedule.tally)


def play_all(jobs: Iterable[Job], processes: int) -> Iterator[Told]:
    """Run many, as they end."""
    if processes == 1:
        yield from map(play, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=20) as pool:
        yield from pool.imap_unordered(play, jobs)
