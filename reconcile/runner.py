"""The common parts of sweeps and probes: the store, the clouds, the rules, and the present state of the scopes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from secrets import token_hex
from typing import Any, Protocol
from uuid import UUID

from domain.enums import ScopeState
from domain.ports import CloudClient, RecordStore
from domain.records.model import Changes, FlightTicket, ScopeKey, ScopeRecord, VendorKey
from domain.records.observation import NOT_REPORTED, Observation
from domain.rules import AbsenceRules, FreshnessRules
from domain.timestamps import Clock
from reconcile.elapsed_clock import ElapsedClock
from reconcile.flights import Flight, Tasks
from reconcile.reports import FlightReport, Observer, Suspicion
from reconcile.rules.decision import Credential, DecisionContext
from reconcile.rules.scheduling import hold_seconds, is_impossible_hold


class ErrorListener(Protocol):
    """Receives the internal errors of background tasks."""

    def task_failed(self, what: str, error: BaseException) -> None:
        """Handle the error. Must not block and must not raise."""
        ...


@dataclass(slots=True)
class FlightRunner:
    """The shared environment of sweeps and probes. There is one for each `Reconciler`."""

    store: RecordStore
    clouds: Mapping[str, CloudClient]
    rules: FreshnessRules
    absence: AbsenceRules
    observer: Observer
    listener: ErrorListener
    random: Random
    clock: Clock
    flight_seconds_by_account: Mapping[str, float] = field(default_factory=dict)
    """How many seconds a whole flight may take, by account, where that differs from the rules."""
    elapsed_clock: ElapsedClock = field(init=False)
    tasks: Tasks = field(default_factory=Tasks)
    scopes: dict[ScopeKey, ScopeRecord] = field(default_factory=dict)
    """Every scope as this process last read or wrote it."""
    moving: set[ScopeKey] = field(default_factory=set)
    """The scopes whose last listing showed a resource in a transitional status."""
    suspected: set[ScopeKey] = field(default_factory=set)
    """The scopes that were last reported as suspect."""
    newly_missing: dict[ScopeKey, frozenset[UUID]] = field(default_factory=dict)
    """By scope, the resources that its last sweep was the first to lack."""

    def __post_init__(self) -> None:
        """Measure time by the monotonic clock."""
        self.elapsed_clock = ElapsedClock(self.clock.steady)

    def start_task(
        self, work: Coroutine[Any, Any, None], name: str, what: str, *, endless: bool = False
    ) -> asyncio.Task[None]:
        """Run the work in the background. If it fails, the error is reported as one of `what`."""
        return self.tasks.start(work, name, lambda error: self.listener.task_failed(what, error), endless=endless)

    def hold_seconds(self, failures: int) -> float:
        """Return the hold after a number of failures in a row, jittered."""
        return hold_seconds(
            failures, self.rules.error_hold_seconds, self.rules.error_hold_max_seconds, self.random.random()
        )

    def flight_seconds(self, account: str) -> float:
        """Return how many seconds a whole flight of the account may take."""
        return self.flight_seconds_by_account.get(account, self.rules.flight_seconds)

    async def send(self, account: str, flight: Flight) -> FlightTicket:
        """Draw the ticket of a flight that is sent now."""
        # A reader who arrives while the ticket is being drawn must see that the flight is sent now at the earliest.
        flight.begin_sending(self.store.now())
        ticket = await self.store.draw(account, self.elapsed_clock.advance(account))
        self.elapsed_clock.record(account, ticket.timeline)
        self.drop_impossible_holds()
        flight.assign_ticket(ticket)
        return ticket

    def drop_impossible_holds(self) -> None:
        """Drop holds that would come up again after the database's clock was set back."""
        now = self.store.now()
        for key, scope in self.scopes.items():
            if is_impossible_hold(scope.hold_until, now):
                self.scopes[key] = replace(scope, hold_until=None)

    def decision_context(self, cloud: CloudClient, scope: ScopeKey, readers: int = 0) -> DecisionContext:
        """Return the context for the decision about a flight that has just ended."""
        return DecisionContext(
            rules=self.absence,
            credential=Credential(token_hex(8), cloud.fingerprint),
            links_owner=cloud.links_owner,
            probes=cloud.probes(scope.kind),
            ended_at=self.store.now(),
            hold_seconds=self.hold_seconds,
            readers=readers,
        )

    def update_scope(self, changes: Changes) -> Suspicion | None:
        """Take over the scope that a flight wrote. Return whether it became suspect, still is, or no longer is."""
        scope = changes.scope
        if scope is None:
            return None
        before = self.scopes.get(scope.key)
        self.scopes[scope.key] = scope
        was_suspect = scope.key in self.suspected or (before is not None and before.state is ScopeState.SUSPECT)
        if scope.state is ScopeState.SUSPECT:
            self.suspected.add(scope.key)
            return "lasting" if was_suspect else "begun"
        if scope.state is ScopeState.OK:
            self.suspected.discard(scope.key)
            return "ended" if was_suspect else None
        if was_suspect:
            # A failed listing proves nothing: the scope stays in doubt.
            self.suspected.add(scope.key)
        return None

    def new_flight(self) -> Flight:
        """Return a flight that has not been sent."""
        return Flight(asyncio.get_running_loop().create_future())

    def report(self, report: FlightReport) -> None:
        """Report an ended flight to the observer."""
        self.observer.flight_ended(report)


def named_keys(observations: Iterable[Observation]) -> list[VendorKey]:
    """Return the keys of all observed resources and of the other ends of their links."""
    keys: dict[VendorKey, None] = {}
    for observation in observations:
        keys[VendorKey(observation.kind, observation.vendor_id)] = None
        if observation.links is not NOT_REPORTED:
            keys.update((VendorKey(link.kind, link.vendor_id), None) for link in observation.links)
    return list(keys)
