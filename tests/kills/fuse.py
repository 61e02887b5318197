"""A fuse that burns by one at every await of an apply, and ends the process when it has burnt down."""

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
"""The exit code of a process that died by its fuse."""

T = TypeVar("T")


class Fuse:
    """Ends the process at the n-th burning, without a word to anybody: no exit handler, no rollback, no closing.

    `once` burns at the questions to the database and at the end, not at its answers.
    """

    def __init__(self, length: int | None = None, *, once: bool = False) -> None:
        self.length = length
        self.once = once
        self.burnt = 0

    def burn(self, *, answered: bool = False) -> None:
        """One step further."""
        if answered and self.once:
            return
        self.burnt += 1
        if self.burnt == self.length:
            os._exit(KILLED)


class Burning(Awaitable[T], Generic[T]):
    """Work whose every real suspension burns the fuse twice: when the database has been asked, and when it has answered."""

    def __init__(self, work: Coroutine[Any, Any, T], fuse: Fuse) -> None:
        self._work = work
        self._fuse = fuse

    def __await__(self) -> Generator[Any, Any, T]:
        """Drive the work, passing on all that it waits for."""
        steps = self._work.__await__()
        step: Callable[[], Any] = partial(steps.send, None)
        self._fuse.burn()
        while True:
            try:
                waited = step()
            except StopIteration as done:
                # Written, and nobody has been told.
                self._fuse.burn()
                told: T = done.value
                return told
            self._fuse.burn()
            try:
                yield waited
            except BaseException as error:  # noqa: BLE001 - passed on, whatever it is
                step = partial(steps.throw, error)
            else:
                step = partial(steps.send, None)
            self._fuse.burn(answered=True)


class FusedStore(Store):
    """The record, whose applies burn a fuse; of machines' sweeps alone where `narrow`."""

    def __init__(self, engine: AsyncEngine, clock: Clock, fuse: Fuse, *, narrow: bool) -> None:
        super().__init__(engine, clock)
        self._fuse = fuse
        self._narrow = narrow

    async def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """As the record's own."""
        work = super().apply(scope, named, whole, decide)
        if self._narrow and not (whole and scope.kind.value == "MACHINES"):
            return await work
        return await Burning(work, self._fuse)
