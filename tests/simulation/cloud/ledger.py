"""The flights under way and their results, as seen from the vendor's side and from the store's side."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from domain.records.model import FlightTicket, ScopeKey, VendorKey
from domain.records.observation import ProbeResult, SweepResult
from tests.simulation.cloud.truth import VendorResource
from tests.simulation.counts import EventCounts


class Violation(AssertionError):
    """An invariant does not hold. `letter` names the invariant."""

    def __init__(self, letter: str, message: str) -> None:
        super().__init__(f"({letter}) {message}")
        self.letter = letter


@dataclass(eq=False)
class SimulatedFlight:
    """One flight, numbered by the store and answered by the vendor.

    `sent` is the loop's time, `sent_at` the database's clock. `foreign` is whether the key was another tenant's. `hides` are the
    living resources that its complete listing lacks, `denies` the one that its probe wrongly reports as gone.
    """

    process: int
    account: str
    number: int
    sent_at: datetime
    sent: float
    kind: Literal["sweep", "probe", "none"] = "none"
    scope: ScopeKey | None = None
    key: VendorKey | None = None
    sweep: SweepResult | None = None
    probe: ProbeResult | None = None
    foreign: bool = False
    hides: set[VendorResource] = field(default_factory=set)
    denies: VendorResource | None = None


class SimulationLedger:
    """The flights under way, each identified by the task that runs it."""

    def __init__(self, counts: EventCounts) -> None:
        self._counts = counts
        self._open: dict[asyncio.Task[object], SimulatedFlight] = {}

    def open_flight(self, process: int, account: str, ticket: FlightTicket) -> None:
        """Record that the current task has drawn a number and sends a flight."""
        task, now = _current_task(), asyncio.get_running_loop().time()
        is_new = task not in self._open
        self._open[task] = SimulatedFlight(process, account, ticket.number, ticket.sent_at, now)
        if is_new:
            task.add_done_callback(self._discard)

    def current(self) -> SimulatedFlight:
        """Return the flight of the current task."""
        return self._open[_current_task()]

    def open(self) -> list[SimulatedFlight]:
        """Return the flights that are not applied yet."""
        return list(self._open.values())

    def close_flight(self) -> SimulatedFlight:
        """Record that the flight of the current task is applied, count its overlaps with others, and return it."""
        flight = self._open.pop(_current_task())
        for other in self._open.values():
            if other.account == flight.account and other.kind != "none" and flight.scope and other.scope:
                self._counts.count("overlap", _overlap_name(flight, other))
        return flight

    def _discard(self, task: asyncio.Task[object]) -> None:
        self._open.pop(task, None)


def _current_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a flight was opened or closed outside of a task")
    return task


def _overlap_name(ended: SimulatedFlight, running: SimulatedFlight) -> str:
    older, newer = sorted((ended, running), key=lambda flight: flight.number)
    if older.key is not None and older.key == newer.key:
        place = "same resource"
    else:
        place = "same scope" if older.scope == newer.scope else "same account"
    order = "older ends first" if ended is older else "newer ends first"
    return f"{older.kind}, then {newer.kind}, {place}, {order}"
