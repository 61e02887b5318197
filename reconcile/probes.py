"""Probes: at most one runs and one is queued a resource; and the work list of marked resources."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.enums import StaleReason
from domain.records.model import ResourceRecord, ScopeKey
from domain.records.observation import ProbeResult, Problem
from reconcile.flights import NEVER_SENT, Flight, FlightOutcome, Lane
from reconcile.internal_errors import InternalErrors
from reconcile.reports import FlightReport
from reconcile.rules.decision import decide_probe
from reconcile.rules.scheduling import held_back
from reconcile.runner import FlightRunner, broken, end, named_keys
from vendors.client.call_context import CALL_CONTEXT

# After these, asking for the next resource would only do harm.
_GIVE_UP: Final = frozenset(
    {
        StaleReason.RATE_LIMITED,
        StaleReason.BUDGET_SPENT,
        StaleReason.AUTH_REJECTED,
        StaleReason.VENDOR_DOWN,
        StaleReason.TIMED_OUT,
    }
)
_REMEMBERED: Final = 1000


@dataclass(frozen=True, slots=True)
class Since:
    """How late a probe must have been sent: by the record's clock, by the loop's time, by its number. All must hold."""

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

    def __init__(self, shell: FlightRunner) -> None:
        self._shell = shell
        self._lanes: dict[UUID, Lane] = {}
        self._holds: dict[UUID, _Hold] = {}
        self._recent: dict[UUID, Flight] = {}
        self._working: set[ScopeKey] = set()
        self._breakdowns = InternalErrors(shell.hold_seconds)

    def ask(
        self, record: ResourceRecord, scope: ScopeKey, since: Since, *, background: bool = False
    ) -> Flight | StaleReason:
        """A probe that was sent late enough, or will be; else why there is none."""
        lane = self._lanes.get(record.resource_id) or Lane()
        running = lane.running
        for known in (running, self._recent.get(record.resource_id)):
            if known is not None and _serves(known, since, self._shell.record.now()):
                return known
        if running is None and (ended := self._breakdowns.held(record.resource_id)) is not None:
            return ended
        if (reason := self._held_with_its_scope(scope)) is not None:
            return reason
        hold = self._holds.get(record.resource_id)
        if hold is not None and held_back(hold.until, self._shell.record.now()):
            return hold.reason
        if running is None:
            flight = self._shell.new_flight()
            flight.context.background = background
            return self._launch(record, scope, flight)
        if lane.queued is None:
            lane.queued = self._shell.new_flight()
        return lane.queued

    def _held_with_its_scope(self, scope: ScopeKey) -> StaleReason | None:
        """Why no probe is sent either while the scope is held. What is wrong with a listing alone holds listings alone."""
        known = self._shell.scopes.get(scope)
        if known is None or not held_back(known.hold_until, self._shell.record.now()):
            return None
        return known.problem if known.problem in _GIVE_UP else None

    def work(self, scope: ScopeKey) -> None:
        """Probe the marked resources of a scope in the background, longest not probed first."""
        cloud = self._shell.clouds.get(scope.account)
        idle = scope not in self._working and not self._shell.tasks.closed
        if cloud is None or not idle or not cloud.probes(scope.kind):
            return
        self._working.add(scope)
        self._shell.tasks.start(
            self._work(scope), f"probes {scope}", lambda error: self._shell.listener.task_failed("probes", error)
        )

    async def _work(self, scope: ScopeKey) -> None:
        try:
            since = Since(number=self._shell.scopes[scope].swept_no)
            marked = await self._shell.record.missing(scope, self._shell.absence.probes_per_flight)
            for record in marked:
                asked = self.ask(record, scope, since, background=True)
                if isinstance(asked, StaleReason):
                    continue
                outcome = await asyncio.shield(asked.ended)
                if outcome.reason in _GIVE_UP or outcome.error is not None:
                    break
        finally:
            self._working.discard(scope)

    def _launch(self, record: ResourceRecord, scope: ScopeKey, flight: Flight) -> Flight:
        self._lanes.setdefault(record.resource_id, Lane()).running = flight
        self._shell.tasks.start(
            self._fly(record, scope, flight),
            f"probe {record.resource_id}",
            lambda error: self._shell.listener.task_failed("probe", error),
        )
        return flight

    async def _fly(self, record: ResourceRecord, scope: ScopeKey, flight: Flight) -> None:
        CALL_CONTEXT.set(flight.context)
        outcome = FlightOutcome(StaleReason.DEADLINE)
        try:
            outcome = await self._probe(record, scope, flight)
        except BaseException as error:
            outcome = broken(error)
            raise
        finally:
            end(flight, outcome)
            self._remember(record.resource_id, flight)
            self._breakdowns.ended(record.resource_id, flight, outcome)
            self._next(record, scope, outcome)

    def _remember(self, resource_id: UUID, flight: Flight) -> None:
        """Keep the ended flight for those who decide on what they read just before it ended."""
        self._recent.pop(resource_id, None)
        self._recent[resource_id] = flight
        if len(self._recent) > _REMEMBERED:
            del self._recent[next(iter(self._recent))]

    def _next(self, record: ResourceRecord, scope: ScopeKey, outcome: FlightOutcome) -> None:
        lane = self._lanes[record.resource_id]
        queued, lane.running, lane.queued = lane.queued, None, None
        if queued is None:
            del self._lanes[record.resource_id]
        elif outcome.reason in _GIVE_UP or outcome.error is not None:
            end(queued, FlightOutcome(outcome.reason, error=outcome.error))
            del self._lanes[record.resource_id]
        elif self._shell.tasks.closed:
            end(queued, NEVER_SENT)
            del self._lanes[record.resource_id]
        else:
            self._launch(record, scope, queued)

    async def _probe(self, record: ResourceRecord, scope: ScopeKey, flight: Flight) -> FlightOutcome:
        shell, loop = self._shell, asyncio.get_running_loop()
        ticket = await shell.send(scope.account, flight)
        sent_order = loop.time()
        result = await self._answer(record, scope, flight)
        ground = shell.ground(shell.clouds[scope.account], scope, flight.readers)
        told = [] if result.observation is None else [result.observation]
        changes = await shell.record.apply(
            scope,
            [*dict.fromkeys([record.key, *named_keys(told)])],
            whole=False,
            decide=lambda held: decide_probe(held, ticket, record.key, result, ground),
        )
        reason = _reason(result)
        self._hold(record.resource_id, result, reason)
        shell.report(
            FlightReport(
                what="probe",
                scope=scope,
                number=ticket.number,
                outcome=result.outcome,
                reason=reason,
                detail=None if result.problem is None else result.problem.detail,
                seconds=loop.time() - sent_order,
                calls=result.calls,
                dropped=0,
                written=len(changes.resources),
                readers=flight.readers,
            )
        )
        return FlightOutcome(reason, result.calls)

    async def _answer(self, record: ResourceRecord, scope: ScopeKey, flight: Flight) -> ProbeResult:
        seconds = self._shell.flight_seconds(scope.account)
        try:
            async with asyncio.timeout(seconds):
                cloud = self._shell.clouds[scope.account]
                return await cloud.probe(record.kind, scope.region, record.vendor_id)
        except TimeoutError:
            problem = Problem(StaleReason.TIMED_OUT, f"no answer within {seconds:g} s")
            return ProbeResult("failed", problem=problem, calls=flight.context.calls)

    def _hold(self, resource_id: UUID, result: ProbeResult, reason: StaleReason | None) -> None:
        """A failed probe is not repeated at once; its error is shared meanwhile."""
        if reason is None or result.problem is None:
            self._holds.pop(resource_id, None)
            return
        before = self._holds.get(resource_id)
        failures = 1 if before is None else before.failures + 1
        until = self._shell.record.now() + timedelta(seconds=self._shell.hold_seconds(failures))
        retry_at = result.problem.retry_at
        if retry_at is not None:
            until = max(until, min(retry_at, self._shell.record.now() + timedelta(hours=1)))
        self._holds[resource_id] = _Hold(until, reason, failures)


def _serves(flight: Flight, since: Since, now: datetime) -> bool:
    if flight.sent_at is None or flight.sent_order is None:
        return True
    in_time = since.not_before is None or since.not_before <= flight.sent_at <= now
    numbered = flight.number is None or flight.number > since.number
    return in_time and numbered and (since.order is None or flight.sent_order >= since.order)


def _reason(result: ProbeResult) -> StaleReason | None:
    if result.outcome == "gone":
        return StaleReason.ABSENT
    return None if result.problem is None else result.problem.reason


def newly_marked(records: Sequence[ResourceRecord], not_before: datetime) -> list[ResourceRecord]:
    """Those that the last complete listing lacks and that were not probed since `not_before`."""
    return [
        record
        for record in records
        if record.missing_since is not None and (record.probed_at is None or record.probed_at < not_before)
    ]
