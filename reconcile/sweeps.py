"""Sweeps: at most one runs and one is queued for each scope."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from domain.enums import ResourceStatus, StaleReason
from domain.errors import RecordNotWritten
from domain.records.model import FlightTicket, ScopeKey
from domain.records.observation import Problem, SweepOutcome, SweepResult
from reconcile.flights import NEVER_SENT, Flight, FlightOutcome, Lane, failure_outcome
from reconcile.internal_errors import InternalErrors
from reconcile.reports import FlightReport
from reconcile.rules.absence import newly_missing
from reconcile.rules.decision import decide_sweep
from reconcile.rules.scheduling import Underway
from reconcile.runner import FlightRunner, named_keys
from vendors.client.call_context import CALL_CONTEXT

MOVING: Final = frozenset({ResourceStatus.PROVISIONING, ResourceStatus.STOPPING, ResourceStatus.DELETING})
"""The transitional statuses."""


class Sweeps:
    """Sends sweeps. `after` is called after a sweep of a scope was applied and its outcome given to those who waited."""

    def __init__(self, runner: FlightRunner, after: Callable[[ScopeKey], None]) -> None:
        self._runner = runner
        self._after = after
        self._lanes: dict[ScopeKey, Lane] = {}
        self._internal_errors = InternalErrors(runner.hold_seconds)
        self.unwritten: dict[ScopeKey, str] = {}
        """By scope, why the database refused the result of its last sweep."""

    def _lane(self, scope: ScopeKey) -> Lane:
        return self._lanes.setdefault(scope, Lane())

    def underway(self, scope: ScopeKey) -> Underway:
        """Return what runs and is queued at this moment."""
        lane = self._lane(scope)
        running = lane.running
        return Underway(running is not None, None if running is None else running.sent_at, lane.queued is not None)

    def is_sent_since(self, scope: ScopeKey, order: float) -> bool:
        """Whether the running sweep, if there is one, was or will be sent at or after this time of the event loop."""
        running = self._lane(scope).running
        return running is None or running.sent_order is None or running.sent_order >= order

    def running(self, scope: ScopeKey) -> Flight:
        """Return the running sweep. Raises LookupError if none runs."""
        flight = self._lane(scope).running
        if flight is None:
            raise LookupError(f"no sweep of {scope} is running")
        return flight

    def held_flight(self, scope: ScopeKey) -> Flight | None:
        """Return the last sweep if it failed with an internal error and must not be repeated yet."""
        return self._internal_errors.held_flight(scope)

    def queue(self, scope: ScopeKey, *, forced: bool) -> Flight:
        """Return the queued sweep, or queue one."""
        lane = self._lane(scope)
        lane.queued = lane.queued or self._runner.new_flight()
        lane.queued_is_forced = lane.queued_is_forced or forced
        return lane.queued

    def start(self, scope: ScopeKey, *, forced: bool, background: bool = False) -> Flight:
        """Send a sweep; none may be running. A forced one waits until `force_gap_seconds` after the last forced one.

        A background sweep, which no reader waits for, leaves part of the account's call budget to readers.
        """
        return self._launch(scope, self._runner.new_flight(), forced=forced, background=background)

    def _launch(self, scope: ScopeKey, flight: Flight, *, forced: bool, background: bool = False) -> Flight:
        lane = self._lane(scope)
        lane.running = flight
        flight.context.background = background and not flight.readers
        now = asyncio.get_running_loop().time()
        delay = 0.0
        if forced:
            if lane.forced_order is not None:
                delay = max(0.0, lane.forced_order + self._runner.rules.force_gap_seconds - now)
            lane.forced_order = now + delay
        self._runner.start_task(self._fly(scope, flight, delay), f"sweep {scope}", "sweep")
        return flight

    async def _fly(self, scope: ScopeKey, flight: Flight, delay: float) -> None:
        CALL_CONTEXT.set(flight.context)
        outcome = FlightOutcome(StaleReason.DEADLINE)
        try:
            if delay:
                await asyncio.sleep(delay)
            outcome = await self._sweep(scope, flight)
        except BaseException as error:
            outcome = failure_outcome(error)
            if isinstance(error, RecordNotWritten):
                self.unwritten[scope] = error.cause
            raise
        else:
            self.unwritten.pop(scope, None)
        finally:
            flight.end(outcome)
            self._internal_errors.record_outcome(scope, flight, outcome)
            self._advance(scope, outcome)
        self._after(scope)

    def _advance(self, scope: ScopeKey, outcome: FlightOutcome) -> None:
        """Launch the queued sweep. After a failure it shares that outcome instead: a failed sweep is not repeated at once."""
        lane = self._lane(scope)
        lane.running = None
        queued, forced = lane.queued, lane.queued_is_forced
        lane.queued, lane.queued_is_forced = None, False
        if queued is None:
            return
        if outcome.reason is not None:
            queued.end(FlightOutcome(outcome.reason, detail=outcome.detail))
        elif self._runner.tasks.closed:
            queued.end(NEVER_SENT)
        else:
            self._launch(scope, queued, forced=forced)

    async def _sweep(self, scope: ScopeKey, flight: Flight) -> FlightOutcome:
        runner, cloud = self._runner, self._runner.clouds[scope.account]
        ticket = await runner.send(scope.account, flight)
        sent_order = asyncio.get_running_loop().time()
        result = await self._call_vendor(scope, flight)
        self._update_moving(scope, result)
        context = runner.decision_context(cloud, scope, flight.readers)
        changes = await runner.store.apply(
            scope,
            named_keys(result.observations),
            whole=True,
            decide=lambda state: decide_sweep(state, ticket, result, context),
        )
        suspicion = runner.update_scope(changes)
        runner.newly_missing[scope] = newly_missing(changes)
        seconds = asyncio.get_running_loop().time() - sent_order
        report = _report(scope, ticket, result, seconds, len(changes.resources), flight.readers)
        doubt = None if changes.scope is None else changes.scope.problem_detail
        runner.report(replace(report, suspicion=suspicion, doubt=doubt))
        return FlightOutcome(None if result.problem is None else result.problem.reason, result.calls)

    def _update_moving(self, scope: ScopeKey, result: SweepResult) -> None:
        if any(observation.status in MOVING for observation in result.observations):
            self._runner.moving.add(scope)
        elif result.outcome is SweepOutcome.COMPLETE:
            self._runner.moving.discard(scope)

    async def _call_vendor(self, scope: ScopeKey, flight: Flight) -> SweepResult:
        """List the scope at the vendor. All pages together may take `flight_seconds`."""
        seconds = self._runner.flight_seconds(scope.account)
        flight.context.ends_at = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._runner.clouds[scope.account].sweep(scope.kind, scope.region)
        except TimeoutError:
            problem = Problem(StaleReason.TIMED_OUT, f"the listing did not end within {seconds:g} s")
            return SweepResult(SweepOutcome.FAILED, (), problem, flight.context.calls)


def _report(
    scope: ScopeKey, ticket: FlightTicket, result: SweepResult, seconds: float, written: int, readers: int
) -> FlightReport:
    problem = result.problem
    return FlightReport(
        what="sweep",
        scope=scope,
        number=ticket.number,
        outcome=result.outcome.value,
        reason=None if problem is None else problem.reason,
        detail=None if problem is None else problem.detail,
        seconds=seconds,
        calls=result.calls,
        dropped=result.dropped,
        written=written,
        readers=readers,
    )
