"""What sweeps and probes share: the record, the clouds, the rules, and what is remembered of the scopes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from secrets import token_hex
from typing import Protocol
from uuid import UUID

from domain.enums import ScopeState, StaleReason
from domain.ports import CloudClient, RecordStore
from domain.records.model import Changes, FlightTicket, ScopeKey, ScopeRecord, VendorKey
from domain.records.observation import NOT_REPORTED, Observation
from domain.rules import AbsenceRules, FreshnessRules
from domain.timestamps import Clock
from reconcile.background.elapsed_clock import ElapsedClock
from reconcile.flights import Flight, FlightOutcome, Tasks
from reconcile.reports import FlightReport, Observer, Suspicion
from reconcile.rules.absence import EvidenceWindows
from reconcile.rules.decision import Credential, DecisionContext
from reconcile.rules.scheduling import hold_seconds, impossible


class ErrorListener(Protocol):
    """Told of errors of our own in the background."""

    def task_failed(self, what: str, error: BaseException) -> None:
        """Must not block and must not raise."""
        ...


@dataclass(slots=True)
class FlightRunner:
    """Built once; sweeps and probes work on it."""

    record: RecordStore
    clouds: Mapping[str, CloudClient]
    rules: FreshnessRules
    absence: AbsenceRules
    observer: Observer
    listener: ErrorListener
    random: Random
    clock: Clock
    steady: ElapsedClock = field(default_factory=ElapsedClock)
    tasks: Tasks = field(default_factory=Tasks)
    scopes: dict[ScopeKey, ScopeRecord] = field(default_factory=dict)
    _marked: dict[ScopeKey, frozenset[UUID]] = field(default_factory=dict)
    flights: Mapping[str, float] = field(default_factory=dict)
    """How long a whole flight may take, by account; where none is told, as the rules say."""
    moving: set[ScopeKey] = field(default_factory=set)
    """The scopes whose last listing showed something in a status that does not last."""
    suspected: set[ScopeKey] = field(default_factory=set)
    """The scopes whose last complete listing was not believed, as far as was told."""

    def note_marks(self, scope: ScopeKey, changes: Changes) -> None:
        """Keep which resources this sweep was the first to lack."""
        swept_at = None if changes.scope is None else changes.scope.swept_at
        new = (record.resource_id for record in changes.resources if record.missing_since == swept_at)
        self._marked[scope] = frozenset(new) if swept_at is not None else frozenset()

    def marked_by_last_sweep(self, scope: ScopeKey) -> frozenset[UUID]:
        """The resources that the last sweep of the scope was the first to lack."""
        return self._marked.get(scope, frozenset())

    def hold_seconds(self, failures: int) -> float:
        """How long to leave alone what failed so often in a row."""
        return hold_seconds(
            failures, self.rules.error_hold_seconds, self.rules.error_hold_max_seconds, self.random.random()
        )

    def flight_seconds(self, account: str) -> float:
        """How long a whole flight of the account may take."""
        return self.flights.get(account, self.rules.flight_seconds)

    async def send(self, account: str, flight: Flight) -> FlightTicket:
        """Draw the flight's ticket: it is sent now."""
        # From here on it is sent at the earliest now: whoever arrives while the ticket is drawn must know.
        flight.leaves(self.record.now())
        ticket = await self.record.draw(account)
        self.sample()
        flight.sent(ticket)
        return ticket

    def sample(self) -> None:
        """Compare the clocks, and forget holds that one which was set back would bring up again later."""
        now = self.record.now()
        self.steady.sample(now, self.clock.steady())
        for key, scope in self.scopes.items():
            if impossible(scope.hold_until, now):
                self.scopes[key] = replace(scope, hold_until=None)

    def ground(self, cloud: CloudClient, scope: ScopeKey, readers: int = 0) -> DecisionContext:
        """What a decision about an ended flight is made by."""
        return DecisionContext(
            waits=EvidenceWindows(self.absence, self.steady.elapsed),
            credential=Credential(token_hex(8), cloud.fingerprint),
            links_owner=cloud.links_owner,
            probes=cloud.probes(scope.kind),
            ended_at=self.record.now(),
            hold_seconds=self.hold_seconds,
            readers=readers,
        )

    def remember(self, changes: Changes) -> Suspicion | None:
        """Keep what a flight wrote of its scope; answers what it came to think of it."""
        scope = changes.scope
        if scope is None:
            return None
        before = self.scopes.get(scope.key)
        self.scopes[scope.key] = scope
        known = scope.key in self.suspected or (before is not None and before.state is ScopeState.SUSPECT)
        if scope.state is ScopeState.SUSPECT:
            self.suspected.add(scope.key)
            return "lasting" if known else "begun"
        if scope.state is ScopeState.OK:
            self.suspected.discard(scope.key)
            return "ended" if known else None
        if known:
            # A failed listing says nothing: what was in doubt still is.
            self.suspected.add(scope.key)
        return None

    def new_flight(self) -> Flight:
        """A flight that has not been sent."""
        return Flight(asyncio.get_running_loop().create_future())

    def report(self, report: FlightReport) -> None:
        """Tell of an ended flight."""
        self.observer.flight_ended(report)


def end(flight: Flight, outcome: FlightOutcome) -> None:
    """Tell all who wait."""
    if not flight.ended.done():
        flight.ended.set_result(outcome)


def broken(error: BaseException) -> FlightOutcome:
    """The outcome of a flight that did not come to its end: cancelled on shutdown, or an error of our own."""
    if isinstance(error, asyncio.CancelledError):
        return FlightOutcome(StaleReason.DEADLINE)
    return FlightOutcome(error=error)


def named_keys(observations: Iterable[Observation]) -> list[VendorKey]:
    """The resources that observations speak of, the other ends of their links included."""
    keys: dict[VendorKey, None] = {}
    for told in observations:
        keys[VendorKey(told.kind, told.vendor_id)] = None
        if told.links is not NOT_REPORTED:
            keys.update((VendorKey(link.kind, link.vendor_id), None) for link in told.links)
    return list(keys)
