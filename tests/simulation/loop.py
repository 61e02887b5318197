"""An event loop with simulated time: instead of sleeping until the next timer, it moves its time to that timer."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.clock import START

T = TypeVar("T")


class Deadlock(Exception):
    """No task is ready and no timer is set, so nothing could ever happen again."""


class _SimulatedSelector(selectors.BaseSelector):
    """Waits for no file. Waiting moves the loop's time."""

    def __init__(self) -> None:
        self._files: dict[int, selectors.SelectorKey] = {}
        self.now = 0.0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Register a file. The loop registers only its own wake-up pipe, by number."""
        self._files[fileobj] = selectors.SelectorKey(fileobj, fileobj, events, data)
        return self._files[fileobj]

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Remove a file."""
        return self._files.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Move the time by the timeout. Raises Deadlock if there is none."""
        if timeout is None:
            raise Deadlock
        if timeout > 0:
            self.now += timeout
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Return the registered files."""
        return self._files


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Runs as fast as it can. `time()` counts simulated seconds since its creation."""

    def __init__(self) -> None:
        self._simulated = _SimulatedSelector()
        super().__init__(self._simulated)

    def time(self) -> float:
        """Return the simulated seconds."""
        return self._simulated.now


class SteppedClock:
    """The database's clock: the loop's time plus an offset that `step` changes. `steady` is the loop's time alone."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self.offset = 0.0

    def now(self) -> datetime:
        """Return what the clock shows."""
        return START + timedelta(seconds=self._loop.time() + self.offset)

    def steady(self) -> float:
        """Return seconds that only rise."""
        return self._loop.time()

    def step(self, seconds: float) -> None:
        """Set the clock forwards or backwards."""
        self.offset += seconds


def true_instant(seconds: float) -> datetime:
    """Return the instant of a time of the loop by the vendors' clock, which is never set."""
    return START + timedelta(seconds=seconds)


def run(loop: SimulatedLoop, work: Coroutine[Any, Any, T]) -> T:
    """Run the work to its end, then cancel the tasks that it left behind and close the loop."""
    try:
        return loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=60))
        loop.close()
