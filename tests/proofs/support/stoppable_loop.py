"""An event loop whose time can be stopped, so that no timeout fires because the machine is busy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

HANG_SECONDS: Final = 600.0
"""Real time after which a test that waits for something is hanging. No assertion depends on it."""
_LOOK_SECONDS: Final = 0.005


class StoppableLoop(asyncio.SelectorEventLoop):
    """An event loop that shows real time until it is stopped.

    While it is stopped, I/O goes on and no timer fires: `asyncio.timeout`, `asyncio.sleep` and `call_later` wait for `advance`.
    """

    def __init__(self) -> None:
        self._stopped_at: float | None = None
        self._offset = 0.0
        super().__init__()

    def time(self) -> float:
        """Return the time in seconds."""
        return super().time() + self._offset if self._stopped_at is None else self._stopped_at

    @contextmanager
    def stopped(self) -> Iterator[StoppableLoop]:
        """Stop the time until the block ends."""
        self._stopped_at = self.time()
        try:
            yield self
        finally:
            self._offset = self._stopped_at - super().time()
            self._stopped_at = None

    def advance(self, seconds: float) -> None:
        """Move the stopped time forward. The timers that are due fire in the next round of the loop."""
        assert self._stopped_at is not None, "the time is not stopped"
        self._stopped_at += seconds


def running_loop() -> StoppableLoop:
    """Return the loop that runs the test."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, StoppableLoop)
    return loop


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds, whether or not the loop's time is stopped. Raises TimeoutError if it never does."""
    give_up_at = time.monotonic() + HANG_SECONDS
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError("the condition that the test waits for does not come true")
        await asyncio.to_thread(time.sleep, _LOOK_SECONDS)
