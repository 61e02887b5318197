"""A fuse that burns down by one at every await of an apply, and ends the process when it is burnt."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from db.record.store import Store
from domain.records.model import Changes, LockedState, ScopeKey, VendorKey
from domain.timestamps import Clock

KILLED = 86
"""The exit code of a process that its fuse ended."""

T = TypeVar("T")


class Fuse:
    """Ends the process at burn number `length`, without exit handlers, rollback or closing.

    `once` burns when the database is called and at the end, not when it answers.
    """

    def __init__(self, length: int | None = None, *, once: bool = False) -> None:
        self.length = length
        self.once = once
        self.burnt = 0

    def burn(self, *, answered: bool = False) -> None:
        """Burn down by one."""
        if answered and self.once:
            return
        self.burnt += 1
        if self.burnt == self.length:
            os._exit(KILLED)


class FusedAwaitable(Awaitable[T], Generic[T]):
    """Work that burns the fuse twice at every real suspension: when the database was called, and when it has answered."""

    def __init__(self, work: Coroutine[Any, Any, T], fuse: Fuse) -> None:
        self._work = work
        self._fuse = fuse

    def __await__(self) -> Generator[Any, Any, T]:
        """Run the work, passing on everything that it waits for."""
        steps = self._work.__await__()
        step: Callable[[], Any] = partial(steps.send, None)
        self._fuse.burn()
        while True:
            try:
                future = step()
            except StopIteration as stop:
                # Written, but not returned to the caller.
                self._fuse.burn()
                result: T = stop.value
                return result
            self._fuse.burn()
            try:
                yield future
            except BaseException as error:  # noqa: BLE001 - passed on to the work
                step = partial(steps.throw, error)
            else:
                step = partial(steps.send, None)
            self._fuse.burn(answered=True)


class FusedStore(Store):
    """The store, with applies that burn a fuse; only those of machines' sweeps if `narrow`."""

    def __init__(self, engine: AsyncEngine, clock: Clock, fuse: Fuse, *, narrow: bool) -> None:
        super().__init__(engine, clock)
        self._fuse = fuse
        self._narrow = narrow

    async def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """Apply like the store."""
        work = super().apply(scope, named, whole, decide)
        if self._narrow and not (whole and scope.kind.value == "MACHINES"):
            return await work
        return await FusedAwaitable(work, self._fuse)
