"""Work that takes milliseconds is done beside the event loop, so that other readers are answered meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Final, ParamSpec, TypeVar

from domain.errors import Busy, DatabaseUnavailable

SWITCH_SECONDS: Final = 0.0003
"""How long one side keeps the interpreter while the other waits for it. Python's own 5 ms are as long as a whole read."""
MOST_WAITING: Final = 256
LONGEST_WAIT_SECONDS: Final = 10.0
_RESTED: Final = 2
_LONGEST_REST_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 1.0

_P = ParamSpec("_P")
_T = TypeVar("_T")


class CompileWorker:
    """One piece of work after the other, so that the loop has one rival at most.

    The two share one interpreter, half and half. So after a piece during which others were answered comes a rest twice as long
    as the piece, half a second at most; unless the next has waited for a second already. What waited for ten is given up.
    """

    def __init__(
        self,
        timer: Callable[[], float] = time.perf_counter,
        rest: Callable[[float], object] | None = None,
        most: int = MOST_WAITING,
    ) -> None:
        """`timer` tells seconds, `rest` lets them pass in the thread, `most` may wait at a time."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="workbench")
        self._closing = Event()
        self._timer = timer
        self._rest = rest or self._closing.wait
        self._most = most
        self._waiting = 0
        self._others = 0
        self._rested_at = timer()

    @property
    def fill(self) -> float:
        """How much waits or is being done, 1 at its bound."""
        return self._waiting / self._most

    def other_answered(self) -> None:
        """Somebody was answered who needs no work."""
        self._others += 1

    async def run(self, work: Callable[_P, _T], *given: _P.args, **named: _P.kwargs) -> _T:
        """What the work answers, or raises. It goes on where nobody waits any longer.

        Raises Busy where too much waits, and RecordUnavailable after the end.
        """
        if self._closing.is_set():
            raise _closed()
        if self._waiting >= self._most:
            raise Busy(self._most)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, self._done, self._timer(), lambda: work(*given, **named)
            )
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Begin nothing more."""
        self._closing.set()
        self._thread.shutdown(wait=False)

    def _done(self, asked_at: float, work: Callable[[], _T]) -> _T:
        begun = self._timer()
        waited = begun - asked_at
        if waited < _PATIENCE_SECONDS and begun < self._rested_at:
            self._rest(self._rested_at - begun)
            begun = self._timer()
        if self._closing.is_set():
            raise _closed()
        if waited > LONGEST_WAIT_SECONDS:
            raise Busy(self._most)
        others = self._others
        try:
            return work()
        finally:
            ended = self._timer()
            due = 0.0 if others == self._others else min(_RESTED * (ended - begun), _LONGEST_REST_SECONDS)
            self._rested_at = ended + due


def _closed() -> DatabaseUnavailable:
    return DatabaseUnavailable("the gateway is ending")
