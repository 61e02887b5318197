"""The compile worker: one thread with a bounded queue, so that compiling does not block the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Final, ParamSpec, TypeVar

from domain.errors import Busy, DatabaseUnavailable

SWITCH_SECONDS: Final = 0.0003
"""The interpreter's switch interval while serving. Python's default, 5 ms, is as long as a whole read."""
QUEUE_SIZE: Final = 256
LONGEST_WAIT_SECONDS: Final = 10.0
_REST_FACTOR: Final = 2
_LONGEST_REST_SECONDS: Final = 0.5
_IMPATIENT_AFTER_SECONDS: Final = 1.0

_P = ParamSpec("_P")
_T = TypeVar("_T")


class CompileWorker:
    """Runs jobs one after the other in a thread.

    There is one thread, so the event loop competes with at most one other thread for the interpreter. After a job during which
    readers were served, the thread pauses for twice the time that the job took, at most half a second, unless the next job has
    waited for a second. A job that has waited for ten seconds is not run.
    """

    def __init__(
        self,
        timer: Callable[[], float] = time.perf_counter,
        rest: Callable[[float], object] | None = None,
        queue_size: int = QUEUE_SIZE,
    ) -> None:
        """`timer` returns seconds. `rest` sleeps in the thread. At most `queue_size` jobs wait or run at a time."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="compile")
        self._closing = Event()
        self._timer = timer
        self._rest = rest or self._closing.wait
        self._queue_size = queue_size
        self._queued = 0
        self._served = 0
        self._rest_until = timer()

    @property
    def fill(self) -> float:
        """The fill ratio of the queue; 1 is full."""
        return self._queued / self._queue_size

    def reader_served(self) -> None:
        """Count a reader that was answered without a job."""
        self._served += 1

    async def run(self, job: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run a job in the thread and return its result. The job continues if the caller is cancelled.

        Raises what the job raises, Busy if the queue is full, and DatabaseUnavailable after `close`.
        """
        if self._closing.is_set():
            raise _closed()
        if self._queued >= self._queue_size:
            raise Busy(self._queue_size)
        self._queued += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, self._run, self._timer(), lambda: job(*args, **kwargs)
            )
        finally:
            self._queued -= 1

    def close(self) -> None:
        """Close the worker: no further job is started."""
        self._closing.set()
        self._thread.shutdown(wait=False)

    def _run(self, queued_at: float, job: Callable[[], _T]) -> _T:
        started_at = self._timer()
        waited = started_at - queued_at
        if waited < _IMPATIENT_AFTER_SECONDS and started_at < self._rest_until:
            self._rest(self._rest_until - started_at)
            started_at = self._timer()
        if self._closing.is_set():
            raise _closed()
        if waited > LONGEST_WAIT_SECONDS:
            raise Busy(self._queue_size)
        served = self._served
        try:
            return job()
        finally:
            ended_at = self._timer()
            rest = 0.0 if served == self._served else min(_REST_FACTOR * (ended_at - started_at), _LONGEST_REST_SECONDS)
            self._rest_until = ended_at + rest


def _closed() -> DatabaseUnavailable:
    return DatabaseUnavailable("the gateway is shutting down")
