"""The cloud's own count of the calls that it got: independent of what its callers believe that they sent."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Condition
from typing import Final

from sandbox.operations import Operation

_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `started`, `shown` and `ended` are order numbers out of one rising series, None while they have not happened.

    `shown` is when the answer's state of the world was taken, `snapshot_at` which instant of the world that was.
    `status` is None where no whole answer went out. `page` is 1 for a first page, 2 for any later one.
    """

    started: int
    tenant: str
    operation: Operation
    page: int = 1
    shown: int | None = None
    snapshot_at: datetime | None = None
    ended: int | None = None
    status: int | None = None
    faults: tuple[str, ...] = ()


class Journal:
    """Every call, by the order of its start. Safe to use from several threads; remembers the last 20,000."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._order = 0
        self._calls: OrderedDict[int, Call] = OrderedDict()

    def mark(self) -> int:
        """The next order number, so that something else (a change made by a test) has its place among the calls."""
        with self._changed:
            self._order += 1
            return self._order

    def begin(self, tenant: str, operation: Operation, page: int = 1) -> int:
        """A call has arrived; answers its number."""
        with self._changed:
            number = self.mark()
            self._calls[number] = Call(number, tenant, operation, page)
            if len(self._calls) > _REMEMBERED:
                self._calls.popitem(last=False)
            self._changed.notify_all()
            return number

    def show(self, number: int, snapshot_at: datetime | None, faults: tuple[str, ...]) -> None:
        """What the call will be answered is settled now."""
        self._write(number, lambda call, order: replace(call, shown=order, snapshot_at=snapshot_at, faults=faults))

    def end(self, number: int, status: int | None) -> None:
        """The call is over."""
        self._write(number, lambda call, order: replace(call, ended=order, status=status))

    def _write(self, number: int, change: Callable[[Call, int], Call]) -> None:
        with self._changed:
            order = self.mark()
            if number in self._calls:
                self._calls[number] = change(self._calls[number], order)
            self._changed.notify_all()

    def calls(self, tenant: str | None = None, operation: Operation | None = None) -> tuple[Call, ...]:
        """The calls of a tenant and an operation, or of all, by the order of their start."""
        with self._changed:
            return tuple(
                call
                for call in self._calls.values()
                if tenant in {None, call.tenant} and operation in {None, call.operation}
            )

    def count(self, tenant: str | None = None, operation: Operation | None = None) -> int:
        """How many calls there were, one a page."""
        return len(self.calls(tenant, operation))

    def sweeps(self, tenant: str | None = None, operation: Operation | None = None) -> int:
        """How many listings were begun, whatever their number of pages."""
        return sum(1 for call in self.calls(tenant, operation) if call.page == 1)

    def forget(self) -> None:
        """Begin to count anew; the order goes on rising."""
        with self._changed:
            self._calls.clear()

    async def until(self, condition: Callable[[Journal], bool], within_seconds: float = 20) -> None:
        """Wait until the condition holds, looked at whenever a call changes. Raises TimeoutError."""

        def wait() -> bool:
            with self._changed:
                return self._changed.wait_for(lambda: condition(self), within_seconds)

        if not await asyncio.to_thread(wait):
            raise TimeoutError("The calls that were waited for did not come.")
