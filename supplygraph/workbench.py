"""Work that takes milliseconds is done beside the event loop, so that other readers are answered meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

SWITCH_SECONDS: Final = 0.0003
"""How long one side keeps the interpreter while the other waits for it. Python's own 5 ms are as long as a whole read."""
_RESTED: Final = 2

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Workbench:
    """One piece of work after the other: who asks for what was just made finds it made, and the loop has one rival at most.

    The two share one interpreter, half and half. So after a piece during which others were answered comes a rest twice as long
    as the piece: they get five sixths of the time.
    """

    def __init__(
        self, timer: Callable[[], float] = time.perf_counter, rest: Callable[[float], object] = time.sleep
    ) -> None:
        """`timer` tells seconds, `rest` lets them pass in the thread."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="workbench")
        self._timer = timer
        self._rest = rest
        self._others = 0
        self._rested_at = timer()

    def other_answered(self) -> None:
        """Somebody was answered who needs no work."""
        self._others += 1

    async def run(self, work: Callable[_P, _T], *given: _P.args, **named: _P.kwargs) -> _T:
        """What the work answers, or raises. It goes on where nobody waits any longer."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._done, lambda: work(*given, **named))

    def close(self) -> None:
        """Begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _done(self, work: Callable[[], _T]) -> _T:
        begun = self._timer()
        if begun < self._rested_at:
            self._rest(self._rested_at - begun)
            begun = self._timer()
        others = self._others
        try:
            return work()
        finally:
            ended = self._timer()
            self._rested_at = ended if others == self._others else ended + _RESTED * (ended - begun)
