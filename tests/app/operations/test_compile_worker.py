"""The compile worker alone: one job at a time, rests for readers, and a bounded queue."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from domain.errors import Busy, DatabaseUnavailable
from resolvers.operation.compile_worker import LONGEST_WAIT_SECONDS, CompileWorker
from tests.app.operations.calls import LONGEST_SECONDS


@dataclass
class WorkerTime:
    """A timer that advances by the seconds that jobs take and that the worker rests."""

    now: float = 0.0
    rests: list[float] = field(default_factory=list)

    def read(self) -> float:
        """Return the time in seconds."""
        return self.now

    def work(self, seconds: float) -> None:
        """Let a job take this long."""
        self.now += seconds

    def rest(self, seconds: float) -> None:
        """Let the worker rest."""
        self.rests.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> WorkerTime:
    """Return the time of the worker under test."""
    return WorkerTime()


@pytest.fixture
def worker(time: WorkerTime) -> Iterator[CompileWorker]:
    """Return a worker that goes by that time."""
    worker = CompileWorker(time.read, time.rest)
    yield worker
    worker.close()


class HeldJob:
    """A job that ends when `end` is set."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self._started = threading.Event()

    def run(self) -> str:
        """Wait for the end."""
        self._started.set()
        assert self.end.wait(LONGEST_SECONDS)
        return "done"

    async def started(self) -> None:
        """Wait until the job runs."""
        assert await asyncio.to_thread(self._started.wait, LONGEST_SECONDS)


async def test_it_rests_only_if_readers_were_served(worker: CompileWorker, time: WorkerTime) -> None:
    """It rests twice as long as the job took. Time that passes before the next job counts as rest."""

    def serve_a_reader() -> None:
        time.work(0.125)
        worker.reader_served()

    for _ in range(3):
        await worker.run(time.work, 0.125)
    assert time.rests == []
    await worker.run(serve_a_reader)
    await worker.run(time.work, 0.125)
    assert time.rests == [0.25]
    await worker.run(serve_a_reader)
    time.work(0.125)
    await worker.run(serve_a_reader)
    time.work(100)
    await worker.run(time.work, 0.125)
    assert time.rests == [0.25, 0.125]


async def test_a_rest_is_at_most_half_a_second(worker: CompileWorker, time: WorkerTime) -> None:
    """The process may have been stopped during the job."""

    def stop_for_minutes() -> None:
        time.work(600)
        worker.reader_served()

    await worker.run(stop_for_minutes)
    await worker.run(time.work, 1)
    assert time.rests == [0.5]


async def test_it_does_not_rest_if_the_next_job_has_waited_for_long(worker: CompileWorker, time: WorkerTime) -> None:
    """A job that has waited for a second is not delayed further."""
    held = HeldJob()

    def serve_a_reader() -> None:
        held.run()
        time.work(2)
        worker.reader_served()

    running = asyncio.create_task(worker.run(serve_a_reader))
    await held.started()
    waiting = asyncio.create_task(worker.run(time.work, 1))
    await asyncio.sleep(0)
    held.end.set()
    await asyncio.gather(running, waiting)
    assert time.rests == []


async def test_a_job_that_has_waited_too_long_is_given_up(worker: CompileWorker, time: WorkerTime) -> None:
    """Its client has probably gone. The next job runs."""
    held = HeldJob()

    def take_long() -> None:
        held.run()
        time.work(LONGEST_WAIT_SECONDS + 1)

    running = asyncio.create_task(worker.run(take_long))
    await held.started()
    waiting = asyncio.create_task(worker.run(time.work, 1))
    await asyncio.sleep(0)
    held.end.set()
    await running
    with pytest.raises(Busy):
        await waiting
    assert await worker.run(divmod, 5, 2) == (2, 1)


async def test_the_queue_is_bounded() -> None:
    """A job beyond the bound is refused at once. Jobs that end or are cancelled make room."""
    worker, held = CompileWorker(queue_size=2), HeldJob()
    running = asyncio.create_task(worker.run(held.run))
    await held.started()
    waiting = asyncio.create_task(worker.run(held.run))
    await asyncio.sleep(0)
    assert worker.fill == 1
    with pytest.raises(Busy):
        await worker.run(held.run)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    another = asyncio.create_task(worker.run(held.run))
    held.end.set()
    assert list(await asyncio.gather(running, another)) == ["done", "done"]
    assert worker.fill == 0
    worker.close()


async def test_an_exception_is_raised_to_the_caller(worker: CompileWorker) -> None:
    """The thread survives it, and the next job runs."""
    with pytest.raises(ZeroDivisionError):
        await worker.run(divmod, 1, 0)
    assert await worker.run(divmod, 5, 2) == (2, 1)


async def test_a_closed_worker_finishes_the_running_job_only() -> None:
    """Jobs that wait and jobs that come later raise DatabaseUnavailable."""
    worker, held = CompileWorker(), HeldJob()
    running = asyncio.create_task(worker.run(held.run))
    await held.started()
    waiting = asyncio.create_task(worker.run(held.run))
    await asyncio.sleep(0)
    worker.close()
    held.end.set()
    assert await running == "done"
    with pytest.raises(DatabaseUnavailable):
        await waiting
    with pytest.raises(DatabaseUnavailable):
        await worker.run(held.run)
