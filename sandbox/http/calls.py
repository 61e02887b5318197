"""The cloud's own log of the calls that it received, independent of what its clients count."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Condition
from typing import Final

from sandbox.operations import ApiOperation

_MAX_CALLS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    `started`, `shown` and `ended` are numbers from one rising sequence, or `None` until the event happens. `shown` is the
    moment when the state in the answer was read, and `snapshot_at` is the instant that this state shows. `status` is `None` if
    the answer was not sent completely. `page` is 1 for a first page and 2 for any later one.
    """

    started: int
    tenant: str
    operation: ApiOperation
    page: int = 1
    shown: int | None = None
    snapshot_at: datetime | None = None
    ended: int | None = None
    status: int | None = None
    faults: tuple[str, ...] = ()


class Journal:
    """The last 20,000 calls in the order of their start. Safe to use from several threads."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._last_number = 0
        self._calls: OrderedDict[int, Call] = OrderedDict()

    def mark(self) -> int:
        """Return the next number of the sequence, to order another event, such as a change by a test, among the calls."""
        with self._changed:
            self._last_number += 1
            return self._last_number

    def begin(self, tenant: str, operation: ApiOperation, page: int = 1) -> int:
        """Record the start of a call. Return its number."""
        with self._changed:
            number = self.mark()
            self._calls[number] = Call(number, tenant, operation, page)
            if len(self._calls) > _MAX_CALLS:
                self._calls.popitem(last=False)
            self._changed.notify_all()
            return number

    def show(self, number: int, snapshot_at: datetime | None, faults: tuple[str, ...]) -> None:
        """Record that the content of a call's answer is determined."""
        self._update(number, lambda call, order: replace(call, shown=order, snapshot_at=snapshot_at, faults=faults))

    def end(self, number: int, status: int | None) -> None:
        """Record the end of a call."""
        self._update(number, lambda call, order: replace(call, ended=order, status=status))

    def _update(self, number: int, change: Callable[[Call, int], Call]) -> None:
        with self._changed:
            order = self.mark()
            if number in self._calls:
                self._calls[number] = change(self._calls[number], order)
            self._changed.notify_all()

    def calls(self, tenant: str | None = None, operation: ApiOperation | None = None) -> tuple[Call, ...]:
        """Return the calls in the order of their start, for all tenants and operations by default."""
        with self._changed:
            return tuple(
                call
                for call in self._calls.values()
                if tenant in {None, call.tenant} and operation in {None, call.operation}
            )

    def count(self, tenant: str | None = None, operation: ApiOperation | None = None) -> int:
        """Return the number of calls. Each page counts."""
        return len(self.calls(tenant, operation))

    def sweeps(self, tenant: str | None = None, operation: ApiOperation | None = None) -> int:
        """Return the number of listings and other requests that were started. Later pages do not count."""
        return sum(1 for call in self.calls(tenant, operation) if call.page == 1)

    def forget(self) -> None:
        """Remove all calls. The sequence of numbers continues."""
        with self._changed:
            self._calls.clear()

    async def until(self, condition: Callable[[Journal], bool], within_seconds: float = 20) -> None:
        """Wait until the condition holds. It is evaluated whenever a call changes. Raises TimeoutError."""

        def wait() -> bool:
            with self._changed:
                return self._changed.wait_for(lambda: condition(self), within_seconds)

        if not await asyncio.to_thread(wait):
            raise TimeoutError(f"The condition on the sandbox's calls did not hold within {within_seconds} s.")
