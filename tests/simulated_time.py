"""An event loop for real connections whose sleeps cost nothing: where nobody has a word to say, time leaps to the next timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from tests.clock import START

T = TypeVar("T")
_PATIENCE_SECONDS: Final = 0.01
"""How long, truly, a double on loopback or a thread may be silent before time goes on."""
_LONGEST_LEAP: Final = 0.5
"""Simulated seconds: a thread that is busy with the database for longer must not see all its time pass at once."""


class _LeapingSelector(selectors.DefaultSelector):
    """Waits for files a moment, then moves the loop's time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; else nothing, and time has passed."""
        if timeout is None:
            return super().select(None)
        ready = super().select(min(timeout, _PATIENCE_SECONDS))
        if not ready and timeout > 0:
            self.now += min(timeout, _LONGEST_LEAP)
        return ready


class LeapingLoop(asyncio.SelectorEventLoop):
    """`time()` is in simulated seconds since its making."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)

    def time(self) -> float:
        """Simulated seconds."""
        return self._leaping.now


class LoopClock:
    """The clock of the record, which shows the loop's time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        """The instant."""
        return START + timedelta(seconds=self._loop.time())

    def steady(self) -> float:
        """Seconds that only rise."""
        return self._loop.time()


def run(work: Callable[[LoopClock], Coroutine[Any, Any, T]]) -> T:
    """Run the work in a loop of its own; it is handed the clock."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(work(LoopClock(runner.get_loop())))
