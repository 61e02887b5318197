"""An event loop whose time is simulated: instead of sleeping until the next timer, time jumps to it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.clock import START

T = TypeVar("T")


class Deadlock(Exception):
    """Nothing is ready and no timer is set: nothing could ever happen again."""


class _LeapingSelector(selectors.BaseSelector):
    """Waits for no file: to wait is to move the loop's time."""

    def __init__(self) -> None:
        self._files: dict[int, selectors.SelectorKey] = {}
        self.now = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Keep it; the loop registers its own waking pipe by number."""
        self._files[fileobj] = selectors.SelectorKey(fileobj, fileobj, events, data)
        return self._files[fileobj]

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Forget it."""
        return self._files.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let the time pass."""
        if timeout is None:
            raise Deadlock
        if timeout > 0:
            self.now += timeout
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """What is registered."""
        return self._files


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Runs as fast as it can; `time()` is in simulated seconds since its making."""

    def __init__(self) -> None:
        self._leaping = _LeapingSelector()
        super().__init__(self._leaping)

    def time(self) -> float:
        """Simulated seconds."""
        return self._leaping.now


class SteppedClock:
    """The record's clock: the loop's time and an offset, which `step` changes; `steady` is the loop's time alone."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self.offset = 0.0

    def now(self) -> datetime:
        """What the clock shows."""
        return START + timedelta(seconds=self._loop.time() + self.offset)

    def steady(self) -> float:
        """Seconds that only rise."""
        return self._loop.time()

    def step(self, seconds: float) -> None:
        """Set the clock forwards or backwards."""
        self.offset += seconds


def true_instant(seconds: float) -> datetime:
    """What a clock that is never set shows at a time of the loop: the vendors' clock."""
    return START + timedelta(seconds=seconds)


def run(loop: SimulatedLoop, work: Coroutine[Any, Any, T]) -> T:
    """Run the work to its end, then end what it left behind."""
    try:
        return loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=60))
        loop.close()
