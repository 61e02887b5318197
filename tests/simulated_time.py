"""An event loop with simulated time for tests with real sockets. While no socket is active, time skips to the next timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from tests.clock import START

T = TypeVar("T")
_GRACE_SECONDS: Final = 0.01
"""Real seconds for which a server on the loopback interface or a thread may be silent before time skips."""
_MAX_SKIP: Final = 0.5
"""Simulated seconds. A thread that is busy with the database for longer must not see all its time pass at once."""


class _SkippingSelector(selectors.DefaultSelector):
    """Waits for files for a moment, then advances the loop's time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the files that are ready. If there are none, time has advanced."""
        if timeout is None:
            return super().select(None)
        ready = super().select(min(timeout, _GRACE_SECONDS))
        if not ready and timeout > 0:
            self.now += min(timeout, _MAX_SKIP)
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` is in simulated seconds since its creation."""

    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Return simulated seconds."""
        return self._skipping.now


class LoopClock:
    """A clock that shows the loop's time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        """Return the current simulated instant."""
        return START + timedelta(seconds=self._loop.time())

    def steady(self) -> float:
        """Return monotonic simulated seconds."""
        return self._loop.time()


def run(work: Callable[[LoopClock], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in a new simulated loop and return its result. The coroutine receives the loop's clock."""
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(work(LoopClock(runner.get_loop())))
