"""Sweeps: at most one runs and one is queued a scope."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from domain.enums import ResourceStatus, StaleReason
from domain.records.model import Changes, FlightTicket, ScopeKey
from domain.records.observation import Problem, SweepOutcome, SweepResult
from reconcile.flights import NEVER_SENT, Flight, FlightOutcome, Lane
from reconcile.internal_errors import InternalErrors
from reconcile.reports import FlightReport
from reconcile.rules.decision import decide_sweep
from reconcile.rules.scheduling import Underway
from reconcile.runner import FlightRunner, broken, end, named_keys
from vendors.client.call_context import CALL_CONTEXT

MOVING: Final = frozenset({ResourceStatus.PROVISIONING, ResourceStatus.STOPPING, ResourceStatus.DELETING})
"""The statuses that do not last."""


class Sweeps:
    """Sends sweeps. `after` is called when a sweep of a scope was applied, its outcome told already."""

    def __init__(self, shell: FlightRunner, after: Callable[[ScopeKey, Changes], None]) -> None:
        self._shell = shell
        self._after = after
        self._lanes: dict[ScopeKey, Lane] = {}
        self._breakdowns = InternalErrors(shell.hold_seconds)

    def _lane(self, scope: ScopeKey) -> Lane:
        return self._lanes.setdefault(scope, Lane())

    def underway(self, scope: ScopeKey) -> Underway:
        """What runs and waits at this moment."""
        lane = self._lane(scope)
        running = lane.running
        return Underway(running is not None, None if running is None else running.sent_at, lane.queued is not None)

    def sent_since(self, scope: ScopeKey, order: float) -> bool:
        """Whether the running sweep was sent at or after this time of the loop, or will be."""
        running = self._lane(scope).running
        return running is None or running.sent_order is None or running.sent_order >= order

    def running(self, scope: ScopeKey) -> Flight:
        """The running sweep; there must be one."""
        flight = self._lane(scope).running
        if flight is None:
            raise LookupError(scope)
        return flight

    def broken(self, scope: ScopeKey) -> Flight | None:
        """The last sweep, where an error of our own broke it a moment ago: it is not sent again yet."""
        return self._breakdowns.held(scope)

    def queued(self, scope: ScopeKey, *, forced: bool) -> Flight:
        """The queued sweep, made if there is none."""
        lane = self._lane(scope)
        lane.queued = lane.queued or self._shell.new_flight()
        lane.queued_is_forced = lane.queued_is_forced or forced
        return lane.queued

    def start(self, scope: ScopeKey, *, forced: bool, background: bool = False) -> Flight:
        """Send a sweep; none may be running. A forced one keeps its distance from the forced one before.

        One in the background, which no reader asked for, leaves part of the account's budget to those who do.
        """
        return self._launch(scope, self._shell.new_flight(), forced=forced, background=background)

    def _launch(self, scope: ScopeKey, flight: Flight, *, forced: bool, background: bool = False) -> Flight:
        lane = self._lane(scope)
        lane.running = flight
        flight.context.background = background and not flight.readers
        now = asyncio.get_running_loop().time()
        delay = 0.0
        if forced:
            if lane.forced_order is not None:
                delay = max(0.0, lane.forced_order + self._shell.rules.force_gap_seconds - now)
            lane.forced_order = now + delay
        self._shell.tasks.start(
            self._fly(scope, flight, delay),
            f"sweep {scope}",
            lambda error: self._shell.listener.task_failed("sweep", error),
        )
        return flight

    async def _fly(self, scope: ScopeKey, flight: Flight, delay: float) -> None:
        CALL_CONTEXT.set(flight.context)
        outcome = FlightOutcome(StaleReason.DEADLINE)
        try:
            if delay:
                await asyncio.sleep(delay)
            outcome, changes = await self._sweep(scope, flight)
        except BaseException as error:
            outcome = broken(error)
            raise
        finally:
            end(flight, outcome)
            self._breakdowns.ended(scope, flight, outcome)
            self._next(scope, outcome)
        self._after(scope, changes)

    def _next(self, scope: ScopeKey, outcome: FlightOutcome) -> None:
        """Let the queued one go; after a failure it shares its outcome, since a failed sweep is not repeated at once."""
        lane = self._lane(scope)
        lane.running = None
        queued, forced = lane.queued, lane.queued_is_forced
        lane.queued, lane.queued_is_forced = None, False
        if queued is None:
            return
        if outcome.reason is not None or outcome.error is not None:
            end(queued, FlightOutcome(outcome.reason, error=outcome.error))
        elif self._shell.tasks.closed:
            end(queued, NEVER_SENT)
        else:
            self._launch(scope, queued, forced=forced)

    async def _sweep(self, scope: ScopeKey, flight: Flight) -> tuple[FlightOutcome, Changes]:
        shell, cloud = self._shell, self._shell.clouds[scope.account]
        ticket = await shell.send(scope.account, flight)
        sent_order = asyncio.get_running_loop().time()
        result = await self._listing(scope, flight)
        self._note_movement(scope, result)
        ground = shell.ground(cloud, scope, flight.readers)
        changes = await shell.record.apply(
            scope,
            named_keys(result.observations),
            whole=True,
            decide=lambda held: decide_sweep(held, ticket, result, ground),
        )
        suspicion = shell.remember(changes)
        shell.note_marks(scope, changes)
        seconds = asyncio.get_running_loop().time() - sent_order
        report = _report(scope, ticket, result, seconds, len(changes.resources), flight.readers)
        doubt = None if changes.scope is None else changes.scope.problem_detail
        shell.report(replace(report, suspicion=suspicion, doubt=doubt))
        return FlightOutcome(None if result.problem is None else result.problem.reason, result.calls), changes

    def _note_movement(self, scope: ScopeKey, result: SweepResult) -> None:
        if any(told.status in MOVING for told in result.observations):
            self._shell.moving.add(scope)
        elif result.outcome is SweepOutcome.COMPLETE:
            self._shell.moving.discard(scope)

    async def _listing(self, scope: ScopeKey, flight: Flight) -> SweepResult:
        """The listing, bounded as a whole."""
        seconds = self._shell.flight_seconds(scope.account)
        flight.context.ends_at = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._shell.clouds[scope.account].sweep(scope.kind, scope.region)
        except TimeoutError:
            problem = Problem(StaleReason.TIMED_OUT, f"no whole listing within {seconds:g} s")
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
