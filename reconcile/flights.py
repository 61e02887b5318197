"""Flights: sweeps and probes under way. A flight belongs to nobody, and its end is told to all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from domain.enums import StaleReason
from domain.records.model import FlightTicket
from vendors.client.call_context import CallContext


@dataclass(frozen=True, slots=True)
class FlightOutcome:
    """How a flight ended: no reason where it went well. `calls` is how many vendor calls it cost.

    `error` is set where the record itself could not be written: then there is nothing that a reader could be told.
    """

    reason: StaleReason | None = None
    calls: int = 0
    error: BaseException | None = None


NEVER_SENT: Final = FlightOutcome(StaleReason.DEADLINE)
"""Of a queued flight whose turn never came, because we are closing."""


@dataclass(eq=False, slots=True)
class Flight:
    """One flight. `sent_order` is the loop's time when it was sent, `sent_at` the record's; None before it leaves.

    While its ticket is being drawn both are the earliest that they can be, and there is no `number` yet.
    """

    ended: asyncio.Future[FlightOutcome]
    number: int | None = None
    sent_at: datetime | None = None
    sent_order: float | None = None
    readers: int = 0
    context: CallContext = field(default_factory=CallContext)

    def joined(self) -> None:
        """A reader waits for it."""
        self.readers += 1
        self.context.background = False

    def leaves(self, now: datetime) -> None:
        """It is about to be sent: not earlier than now."""
        self.sent_at, self.sent_order = now, asyncio.get_running_loop().time()

    def sent(self, ticket: FlightTicket) -> None:
        """It is sent now, with this ticket."""
        self.number, self.sent_at = ticket.number, ticket.sent_at


@dataclass(eq=False, slots=True)
class Lane:
    """Where flights of one scope or one resource take their turn: at most one runs and one is queued."""

    running: Flight | None = None
    queued: Flight | None = None
    forced_order: float | None = None
    """The loop's time at which the last forced flight was sent."""
    queued_is_forced: bool = False


@dataclass(slots=True)
class Tasks:
    """The tasks of the shell. None is lost, and closing ends them all."""

    _running: dict[asyncio.Task[None], None] = field(default_factory=dict)
    _endless: dict[asyncio.Task[None], None] = field(default_factory=dict)
    closed: bool = False

    def start(
        self,
        work: Coroutine[Any, Any, None],
        name: str,
        failed: Callable[[BaseException], None],
        *,
        endless: bool = False,
    ) -> asyncio.Task[None]:
        """Run the work in the background; should it break, `failed` is told. Closing does not wait for endless work."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        mine = self._endless if endless else self._running
        mine[task] = None

        def done(finished: asyncio.Task[None]) -> None:
            mine.pop(finished, None)
            if not finished.cancelled() and (error := finished.exception()) is not None:
                failed(error)

        task.add_done_callback(done)
        return task

    async def close(self, grace_seconds: float) -> None:
        """Let what runs end within the grace, then cancel it. Writing is one transaction, so nothing is half-written."""
        self.closed = True
        if self._running:
            await asyncio.wait(list(self._running), timeout=grace_seconds)
        left = [*self._running, *self._endless]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
