"""Probes: at most one runs and one is queued for each resource. Also probes the missing resources of a scope."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.enums import StaleReason
from domain.records.model import FlightTicket, ResourceRecord, ScopeKey
from domain.records.observation import ProbeResult, Problem
from reconcile.flights import NEVER_SENT, Flight, FlightOutcome, Lane, failure_outcome
from reconcile.internal_errors import InternalErrors
from reconcile.reports import FlightReport
from reconcile.rules.decision import decide_probe
from reconcile.rules.scheduling import hold_end, is_held
from reconcile.runner import FlightRunner, named_keys
from vendors.client.call_context import CALL_CONTEXT

# After one of these, asking for the next resource would only do harm.
_GIVE_UP: Final = frozenset(
    {
        StaleReason.RATE_LIMITED,
        StaleReason.BUDGET_SPENT,
        StaleReason.AUTH_REJECTED,
        StaleReason.VENDOR_DOWN,
        StaleReason.TIMED_OUT,
        StaleReason.GATEWAY_ERROR,
    }
)
_MAX_RECENT: Final = 1000


@dataclass(frozen=True, slots=True)
class EarliestSend:
    """When a probe must have been sent at the earliest: by the database's clock, the event loop's time, and its number.

    All three must hold.
    """

    not_before: datetime | None = None
    order: float | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class _Hold:
    until: datetime
    reason: StaleReason
    failures: int


class Probes:
    """Sends probes."""

    def __init__(self, runner: FlightRunner) -> None:
        self._runner = runner
        self._lanes: dict[UUID, Lane] = {}
        self._holds: dict[UUID, _Hold] = {}
        self._recent: dict[UUID, Flight] = {}
        self._probing: dict[ScopeKey, asyncio.Task[None]] = {}
        self._internal_errors = InternalErrors(runner.hold_seconds)

    def request(
        self, record: ResourceRecord, scope: ScopeKey, earliest: EarliestSend, *, background: bool = False
    ) -> Flight | StaleReason:
        """Return a probe that was, or will be, sent late enough: a recent, running, queued or new one; else why not."""
        lane = self._lanes.get(record.resource_id) or Lane()
        running = lane.running
        for flight in (running, self._recent.get(record.resource_id)):
            if flight is not None and _is_late_enough(flight, earliest, self._runner.store.now()):
                return flight
        if running is None and (failed := self._internal_errors.held_flight(record.resource_id)) is not None:
            return failed
        if (reason := self._scope_hold(scope)) is not None:
            return reason
        hold = self._holds.get(record.resource_id)
        if hold is not None and is_held(hold.until, self._runner.store.now()):
            return hold.reason
        if running is None:
            new = self._runner.new_flight()
            new.context.background = background
            return self._launch(record, scope, new)
        if lane.queued is None:
            lane.queued = self._runner.new_flight()
        return lane.queued

    def _scope_hold(self, scope: ScopeKey) -> StaleReason | None:
        """Return why the hold of the scope also holds back probes. A problem of the listing alone does not."""
        record = self._runner.scopes.get(scope)
        if record is None or not is_held(record.hold_until, self._runner.store.now()):
            return None
        return record.problem if record.problem in _GIVE_UP else None

    def probe_missing(self, scope: ScopeKey) -> None:
        """Probe the missing resources of a scope in the background, the one not probed for longest first."""
        cloud = self._runner.clouds.get(scope.account)
        idle = scope not in self._probing and not self._runner.tasks.closed
        if cloud is None or not idle or not cloud.probes(scope.kind):
            return
        work = self._probe_all_missing(scope)
        self._probing[scope] = self._runner.start_task(work, f"probes {scope}", "probes")

    async def wait_for_missing(self) -> None:
        """Wait until the probes of missing resources that run now have ended."""
        if self._probing:
            await asyncio.wait(list(self._probing.values()))

    async def _probe_all_missing(self, scope: ScopeKey) -> None:
        try:
            earliest = EarliestSend(number=self._runner.scopes[scope].swept_no)
            for record in await self._runner.store.missing(scope, self._runner.absence.probes_per_flight):
                flight = self.request(record, scope, earliest, background=True)
                if isinstance(flight, StaleReason):
                    continue
                outcome = await asyncio.shield(flight.ended)
                if outcome.reason in _GIVE_UP:
                    break
        finally:
            del self._probing[scope]

    def _launch(self, record: ResourceRecord, scope: ScopeKey, flight: Flight) -> Flight:
        self._lanes.setdefault(record.resource_id, Lane()).running = flight
        self._runner.start_task(self._fly(record, scope, flight), f"probe {record.resource_id}", "probe")
        return flight

    async def _fly(self, record: ResourceRecord, scope: ScopeKey, flight: Flight) -> None:
        CALL_CONTEXT.set(flight.context)
        outcome = FlightOutcome(StaleReason.DEADLINE)
        try:
            outcome = await self._probe(record, scope, flight)
        except BaseException as error:
            outcome = failure_outcome(error)
            raise
        finally:
            flight.end(outcome)
            self._remember(record.resource_id, flight)
            self._internal_errors.record_outcome(record.resource_id, flight, outcome)
            self._advance(record, scope, outcome)

    def _remember(self, resource_id: UUID, flight: Flight) -> None:
        """Remember the ended flight for readers whose read of the database was just before its end."""
        self._recent.pop(resource_id, None)
        self._recent[resource_id] = flight
        if len(self._recent) > _MAX_RECENT:
            del self._recent[next(iter(self._recent))]

    def _advance(self, record: ResourceRecord, scope: ScopeKey, outcome: FlightOutcome) -> None:
        """Launch the queued probe, unless it must share the outcome or the reconciler is closing."""
        lane = self._lanes[record.resource_id]
        queued, lane.running, lane.queued = lane.queued, None, None
        if queued is None:
            del self._lanes[record.resource_id]
        elif outcome.reason in _GIVE_UP:
            queued.end(FlightOutcome(outcome.reason, detail=outcome.detail))
            del self._lanes[record.resource_id]
        elif self._runner.tasks.closed:
            queued.end(NEVER_SENT)
            del self._lanes[record.resource_id]
        else:
            self._launch(record, scope, queued)

    async def _probe(self, record: ResourceRecord, scope: ScopeKey, flight: Flight) -> FlightOutcome:
        runner, loop = self._runner, asyncio.get_running_loop()
        ticket = await runner.send(scope.account, flight)
        sent_order = loop.time()
        result = await self._call_vendor(record, scope, flight)
        context = runner.decision_context(runner.clouds[scope.account], scope, flight.readers)
        observations = [] if result.observation is None else [result.observation]
        changes = await runner.store.apply(
            scope,
            [*dict.fromkeys([record.key, *named_keys(observations)])],
            whole=False,
            decide=lambda state: decide_probe(state, ticket, record.key, result, context),
        )
        reason = _reason(result)
        self._update_hold(record.resource_id, result, reason)
        seconds = loop.time() - sent_order
        runner.report(_report(scope, ticket, result, seconds, len(changes.resources), flight.readers))
        return FlightOutcome(reason, result.calls)

    async def _call_vendor(self, record: ResourceRecord, scope: ScopeKey, flight: Flight) -> ProbeResult:
        """Ask the vendor for the resource. The whole flight may take `flight_seconds`."""
        seconds = self._runner.flight_seconds(scope.account)
        try:
            async with asyncio.timeout(seconds):
                cloud = self._runner.clouds[scope.account]
                return await cloud.probe(record.kind, scope.region, record.vendor_id)
        except TimeoutError:
            problem = Problem(StaleReason.TIMED_OUT, f"no answer within {seconds:g} s")
            return ProbeResult("failed", problem=problem, calls=flight.context.calls)

    def _update_hold(self, resource_id: UUID, result: ProbeResult, reason: StaleReason | None) -> None:
        """After a failed probe, hold the next one back; meanwhile its error is shared."""
        if reason is None or result.problem is None:
            self._holds.pop(resource_id, None)
            return
        before = self._holds.get(resource_id)
        failures = 1 if before is None else before.failures + 1
        until = hold_end(self._runner.store.now(), self._runner.hold_seconds(failures), result.problem.retry_at)
        self._holds[resource_id] = _Hold(until, reason, failures)


def _is_late_enough(flight: Flight, earliest: EarliestSend, now: datetime) -> bool:
    if flight.sent_at is None or flight.sent_order is None:
        return True
    by_clock = earliest.not_before is None or earliest.not_before <= flight.sent_at <= now
    by_number = flight.number is None or flight.number > earliest.number
    return by_clock and by_number and (earliest.order is None or flight.sent_order >= earliest.order)


def _reason(result: ProbeResult) -> StaleReason | None:
    if result.outcome in {"gone", "empty"}:
        return StaleReason.ABSENT
    return None if result.problem is None else result.problem.reason


def _report(
    scope: ScopeKey, ticket: FlightTicket, result: ProbeResult, seconds: float, written: int, readers: int
) -> FlightReport:
    return FlightReport(
        what="probe",
        scope=scope,
        number=ticket.number,
        outcome=result.outcome,
        reason=_reason(result),
        detail=None if result.problem is None else result.problem.detail,
        seconds=seconds,
        calls=result.calls,
        dropped=0,
        written=written,
        readers=readers,
    )


def unprobed_missing(records: Sequence[ResourceRecord], not_before: datetime) -> list[ResourceRecord]:
    """Return the missing resources that were not probed since `not_before`."""
    return [
        record
        for record in records
        if record.missing_since is not None and (record.probed_at is None or record.probed_at < not_before)
    ]
