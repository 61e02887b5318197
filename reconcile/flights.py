"""Flights: sweeps and probes under way. No reader owns a flight, and everybody who waits for it gets its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from domain.enums import StaleReason
from domain.errors import SupplygraphError
from domain.records.model import FlightTicket
from vendors.client.call_context import CallContext


@dataclass(frozen=True, slots=True)
class FlightOutcome:
    """How a flight ended. `reason` is None if it went well, `calls` is how many vendor calls it cost.

    `detail` says what went wrong if the result could not be recorded. Otherwise the scope's record says it.
    """

    reason: StaleReason | None = None
    calls: int = 0
    detail: str | None = None


NEVER_SENT: Final = FlightOutcome(StaleReason.DEADLINE)
"""The outcome of a queued flight that was not sent before the reconciler closed."""


def failure_outcome(error: BaseException) -> FlightOutcome:
    """Return the outcome of a flight that was cancelled on shutdown or ended with an internal error."""
    if isinstance(error, asyncio.CancelledError):
        return FlightOutcome(StaleReason.DEADLINE)
    detail = str(error) if isinstance(error, SupplygraphError) else "an internal error; the log has its cause."
    return FlightOutcome(StaleReason.GATEWAY_ERROR, detail=detail)


@dataclass(eq=False, slots=True)
class Flight:
    """One flight. `sent_order` is the event loop's time when it was sent, `sent_at` the database's; None before that.

    While its ticket is being drawn, both are the earliest possible times and there is no `number` yet.
    """

    ended: asyncio.Future[FlightOutcome]
    number: int | None = None
    sent_at: datetime | None = None
    sent_order: float | None = None
    readers: int = 0
    context: CallContext = field(default_factory=CallContext)

    def join(self) -> None:
        """Count one more reader who waits for the flight."""
        self.readers += 1
        self.context.background = False

    def begin_sending(self, now: datetime) -> None:
        """Record that the flight is sent now at the earliest."""
        self.sent_at, self.sent_order = now, asyncio.get_running_loop().time()

    def assign_ticket(self, ticket: FlightTicket) -> None:
        """Record the flight's number and the instant at which it is sent."""
        self.number, self.sent_at = ticket.number, ticket.sent_at

    def end(self, outcome: FlightOutcome) -> None:
        """Give the outcome to everybody who waits, unless the flight has ended already."""
        if not self.ended.done():
            self.ended.set_result(outcome)


@dataclass(eq=False, slots=True)
class Lane:
    """The flights of one scope or one resource: at most one runs and one is queued."""

    running: Flight | None = None
    queued: Flight | None = None
    forced_order: float | None = None
    """The event loop's time at which the last forced flight was sent."""
    queued_is_forced: bool = False


@dataclass(slots=True)
class Tasks:
    """The background tasks of the reconciler. None is lost, and closing ends them all."""

    _finite: dict[asyncio.Task[None], None] = field(default_factory=dict)
    _endless: dict[asyncio.Task[None], None] = field(default_factory=dict)
    closed: bool = False

    def start(
        self,
        work: Coroutine[Any, Any, None],
        name: str,
        on_error: Callable[[BaseException], None],
        *,
        endless: bool = False,
    ) -> asyncio.Task[None]:
        """Run the work as a task, and call `on_error` if it fails. `close` does not wait for endless work."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        group = self._endless if endless else self._finite
        group[task] = None

        def finish(task: asyncio.Task[None]) -> None:
            group.pop(task, None)
            if not task.cancelled() and (error := task.exception()) is not None:
                on_error(error)

        task.add_done_callback(finish)
        return task

    async def close(self, grace_seconds: float) -> None:
        """Wait for finite tasks, at most `grace_seconds`, then cancel all. A cancelled write is rolled back as a whole."""
        self.closed = True
        if self._finite:
            await asyncio.wait(list(self._finite), timeout=grace_seconds)
        left = [*self._finite, *self._endless]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
