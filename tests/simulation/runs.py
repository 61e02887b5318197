"""Runs of the simulation: one seed in a simulated loop, or many seeds over the processors."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.simulation.cloud.ledger import Violation
from tests.simulation.counts import EventCounts
from tests.simulation.loop import SimulatedLoop, SteppedClock, run
from tests.simulation.schedule import RandomSchedule
from tests.simulation.storage.memory_backend import MemoryBackend


@dataclass(frozen=True)
class Job:
    """One run: a seed and a number of steps, in memory or compared with SQLite."""

    seed: int
    steps: int
    on_sqlite: bool = False


@dataclass(frozen=True)
class RunResult:
    """The counts of a run, and its failure if there was one. `letter` is the invariant that did not hold."""

    job: Job
    counts: EventCounts
    letter: str | None = None
    failure: str | None = None


def play(job: Job) -> RunResult:
    """Run one job."""
    loop = SimulatedLoop()
    clock = SteppedClock(loop)
    if job.on_sqlite:
        from tests.simulation.storage.mirror import open_mirror  # noqa: PLC0415 - most runs need no database

        with open_mirror(clock) as backend:
            return _play(job, RandomSchedule(job.seed, backend, clock), loop)
    return _play(job, RandomSchedule(job.seed, MemoryBackend(clock), clock), loop)


def _play(job: Job, schedule: RandomSchedule, loop: SimulatedLoop) -> RunResult:
    try:
        run(loop, schedule.play(job.steps))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        letter = error.letter if isinstance(error, Violation) else "error"
        recent = "\n".join(schedule.shared.recent)
        failure = f"{type(error).__name__}: {error}\n{recent}\n{traceback.format_exc()}"
        return RunResult(job, schedule.counts, letter, failure)
    return RunResult(job, schedule.counts)


def play_all(jobs: Iterable[Job], processes: int) -> Iterator[RunResult]:
    """Run many jobs, and yield their results as they end."""
    if processes == 1:
        yield from map(play, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=20) as pool:
        yield from pool.imap_unordered(play, jobs)
