"""What flights were sent and what each was answered, as the vendor's side and the record's side saw it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from domain.records.model import FlightTicket, ScopeKey, VendorKey
from domain.records.observation import ProbeResult, SweepResult
from tests.simulation.tally import Tally
from tests.simulation.truth import Thing


class Violation(AssertionError):
    """An invariant does not hold. `letter` is which one."""

    def __init__(self, letter: str, message: str) -> None:
        super().__init__(f"({letter}) {message}")
        self.letter = letter


@dataclass(eq=False)
class Flight:
    """One flight: numbered by the record, answered by the vendor. `sent` is the loop's time, `sent_at` the record's clock.

    `foreign` says that the key was another tenant's.
    `hides` are living things that its complete listing lacks; `denies` one that its probe was told does not exist.
    """

    process: int
    account: str
    number: int
    sent_at: datetime
    sent: float
    what: Literal["sweep", "probe", "nothing"] = "nothing"
    scope: ScopeKey | None = None
    key: VendorKey | None = None
    sweep: SweepResult | None = None
    probe: ProbeResult | None = None
    foreign: bool = False
    hides: set[Thing] = field(default_factory=set)
    denies: Thing | None = None


class Ledger:
    """The flights under way, each known by the task that flies it."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._open: dict[asyncio.Task[object], Flight] = {}

    def drew(self, process: int, account: str, ticket: FlightTicket) -> None:
        """A number was drawn: a flight is sent."""
        task = _current()
        known = task in self._open
        self._open[task] = Flight(process, account, ticket.number, ticket.sent_at, asyncio.get_running_loop().time())
        if not known:
            task.add_done_callback(self._done)

    def mine(self) -> Flight:
        """The flight of this task."""
        return self._open[_current()]

    def open(self) -> list[Flight]:
        """Those that are not applied yet."""
        return list(self._open.values())

    def landed(self) -> Flight:
        """The flight of this task is applied; count which others it overlapped."""
        landed = self._open.pop(_current())
        for other in self._open.values():
            if other.account == landed.account and other.what != "nothing" and landed.scope and other.scope:
                self._tally.count("overlap", _pair(landed, other))
        return landed

    def _done(self, task: asyncio.Task[object]) -> None:
        self._open.pop(task, None)


def _current() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("outside of a task")
    return task


def _pair(ended: Flight, going: Flight) -> str:
    older, newer = sorted((ended, going), key=lambda flight: flight.number)
    if older.key is not None and older.key == newer.key:
        where = "same resource"
    else:
        where = "same scope" if older.scope == newer.scope else "same account"
    order = "older ends first" if ended is older else "newer ends first"
    return f"{older.what}, then {newer.what}, {where}, {order}"
