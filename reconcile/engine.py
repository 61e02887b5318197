"""The reconciler: brings the record in line with the vendors when readers want it fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from domain.enums import StaleReason
from domain.ports import AccountSetup, CloudClient, RecordStore
from domain.records.model import Changes, ResourceRecord, ScopeKey, ScopeRecord
from domain.rules import AbsenceRules, FreshnessRules
from domain.timestamps import Clock, SystemClock
from reconcile.background.missing_watch import MissingWatch, newly_absent
from reconcile.background.refresh import BackgroundRefresh
from reconcile.flights import Flight, FlightOutcome
from reconcile.probes import Probes, Since, newly_marked
from reconcile.reports import NullObserver, Observer
from reconcile.requests import RefreshRequest, RefreshResult
from reconcile.rules.scheduling import MOST_PROBES, Action, SchedulingInput, choose, held_back, never_swept
from reconcile.runner import ErrorListener, FlightRunner
from reconcile.sweeps import Sweeps

_PRUNING_SECONDS: Final = 3600.0
_PATROL_SECONDS: Final = 300.0
_CLOSING_SECONDS: Final = 5.0


@dataclass(slots=True)
class _Told:
    """What one want came to, gathered while it is being settled."""

    scope: StaleReason | None = None
    resources: dict[UUID, StaleReason] = field(default_factory=dict)
    calls: int = 0
    shared: bool = False


class Reconciler:
    """Built once, in the application's lifespan. `start` before anything else, `close` at the end."""

    def __init__(
        self,
        record: RecordStore,
        clouds: Mapping[str, CloudClient],
        setups: Sequence[AccountSetup],
        rules: FreshnessRules,
        absence: AbsenceRules,
        listener: ErrorListener,
        *,
        observer: Observer | None = None,
        random: Random | None = None,
        clock: Clock | None = None,
        keep_days: float = 90,
        flight_seconds: Mapping[str, float] | None = None,
    ) -> None:
        self._shell = FlightRunner(
            record,
            clouds,
            rules,
            absence,
            observer or NullObserver(),
            listener,
            random or Random(),  # noqa: S311 - jitter
            clock or SystemClock(),
            flights=flight_seconds or {},
        )
        self._setups = setups
        self._keep = timedelta(days=keep_days)
        self._probes = Probes(self._shell)
        self._sweeps = Sweeps(self._shell, self._swept)
        keep = {setup.name: setup.keep_fresh for setup in setups if setup.keep_fresh is not None}
        self._keeper = BackgroundRefresh(self._shell, keep, self._ask_again)
        self._watch = MissingWatch(self._shell, self._ask_again)

    async def start(self, *, background: bool = True) -> None:
        """Bring the configured accounts into the record; in the background, sweep what was never swept and probe marks."""
        record = self._shell.record
        self._shell.sample()
        await record.configure(self._setups)
        self._shell.scopes.update({scope.key: scope for scope in await record.scopes()})
        self._shell.sample()
        if not background:
            return
        for scope in list(self._shell.scopes.values()):
            if not self._asks(scope):
                continue
            if never_swept(scope, record.now()):
                self._in_background(self._first_sweep(scope.key), f"first sweep of {scope.key}")
            await self._look_after_marks(scope.key)
        self._keeper.start()
        self._in_background(self._again_and_again(_PRUNING_SECONDS, self._prune, at_once=True), "prune")
        self._in_background(self._again_and_again(_PATROL_SECONDS, self._patrol), "patrol")

    def _in_background(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._shell.tasks.start(work, name, lambda error: self._shell.listener.task_failed(name, error), endless=True)

    async def _again_and_again(
        self, seconds: float, work: Callable[[], Awaitable[None]], *, at_once: bool = False
    ) -> None:
        """Every so many seconds, jittered; what fails once, a database that restarts for one, does not end it."""
        while True:
            if not at_once:
                await asyncio.sleep(seconds * (1 + 0.1 * self._shell.random.random()))
            at_once = False
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - it is told, and tried again
                self._shell.listener.task_failed("background", error)

    async def _first_sweep(self, scope: ScopeKey) -> None:
        """Sweep what was never swept, as soon as the hold of a failed try is over."""
        # While one hold is waited for, a reader may have had it tried again: then there is another.
        while (left := self._hold_left(scope)) > 0:  # noqa: ASYNC110 - a hold ends by the clock, which nobody sets an event for
            await asyncio.sleep(left)
        if not self._sweeps.underway(scope).running and never_swept(
            self._shell.scopes[scope], self._shell.record.now()
        ):
            self._sweeps.start(scope, forced=False, background=True)

    def _hold_left(self, scope: ScopeKey) -> float:
        hold, now = self._shell.scopes[scope].hold_until, self._shell.record.now()
        return (hold - now).total_seconds() if hold is not None and held_back(hold, now) else 0.0

    async def _look_after_marks(self, scope: ScopeKey) -> None:
        """The marks of a scope are a work list, whoever made them, and it is watched while it has any."""
        if not self._watch.watches(scope) and await self._shell.record.missing(scope, 1):
            self._probes.work(scope)
            self._watch.begin(scope)

    async def _patrol(self) -> None:
        """Marks may have been made beside us: by `sync`, or by a process that is no more."""
        for scope in list(self._shell.scopes.values()):
            if self._asks(scope):
                await self._look_after_marks(scope.key)

    async def close(self) -> None:
        """Let flights end within a few seconds, then cancel them; close the connections to the clouds."""
        await self._shell.tasks.close(_CLOSING_SECONDS)
        for cloud in self._shell.clouds.values():
            await cloud.close()

    async def refresh(self, requests: Sequence[RefreshRequest], arrived_at: float) -> RefreshResult:
        """Bring about what is wanted, each within its own max wait; `arrived_at` is the loop's time of the arrival.

        Flights that were not waited for to their end go on. Raises only what the record raises.
        """
        told = await asyncio.gather(*(self._refresh(request, arrived_at) for request in requests))
        return RefreshResult(
            scopes={
                request.scope: one.scope for request, one in zip(requests, told, strict=True) if one.scope is not None
            },
            resources={key: reason for one in told for key, reason in one.resources.items()},
            calls=sum(one.calls for one in told),
            shared=any(one.shared for one in told),
        )

    def read(self, account: str) -> None:
        """Somebody wants the account fresh, whether or not anything must be asked for it. Never blocks."""
        self._keeper.read(account)

    async def sweep(self, scope: ScopeKey) -> FlightOutcome:
        """Sweep now, joining a sweep that is about to be sent; a hold after a failure is kept."""
        record = self._shell.scopes[scope]
        if held_back(record.hold_until, self._shell.record.now()):
            return FlightOutcome(record.problem)
        running = self._sweeps.underway(scope).running
        flight = (self._sweeps.queued if running else self._sweeps.start)(scope, forced=True)
        return await asyncio.shield(flight.ended)

    def _asks(self, scope: ScopeRecord) -> bool:
        return scope.configured and scope.key.account in self._shell.clouds

    async def _refresh(self, want: RefreshRequest, arrived_at: float) -> _Told:
        told = _Told()
        scope = self._shell.scopes.get(want.scope)
        if scope is None or not self._asks(scope):
            told.scope = StaleReason.NOT_CONFIGURED
            return told
        until = arrived_at + want.max_wait_seconds
        if want.tombstones:
            await self._wait(await self._tombstone_flights(want, arrived_at), until, told)
            return told
        in_time = await self._wait(await self._first_flights(want, arrived_at, told), until, told)
        if any(told.resources.get(one) is StaleReason.ABSENT for one in want.resources if one not in want.missing):
            # The vendor says that an unmarked resource is no more: only a listing can bear that out.
            self._ask_again(want.scope)
        elif in_time:
            await self._wait(await self._mark_flights(want, arrived_at, told), until, told)
        return told

    async def _first_flights(self, want: RefreshRequest, arrived_at: float, told: _Told) -> dict[Flight, UUID | None]:
        """The flights that this want waits for first: a sweep, or probes of few resources."""
        targets = await self._probe_targets(want)
        # From here to the flight nothing is awaited, so that two readers never send two.
        scope = self._shell.scopes[want.scope]
        order = arrived_at if want.forced else None
        question = SchedulingInput(
            want.not_before,
            order is None or self._sweeps.sent_since(want.scope, order),
            len(targets) or None,
            self._shell.clouds[want.scope.account].sweep_calls(want.scope.kind),
        )
        choice = choose(scope, self._sweeps.underway(want.scope), question, self._shell.record.now())
        if choice is Action.HELD:
            told.scope = scope.problem
        if choice is Action.PROBE:
            return self._probe_flights(targets, want, order, told)
        told.shared = told.shared or choice in {Action.JOIN_RUNNING, Action.JOIN_QUEUED}
        if choice is Action.JOIN_RUNNING:
            return {self._sweeps.running(want.scope): None}
        if choice in {Action.QUEUE, Action.JOIN_QUEUED}:
            return {self._sweeps.queued(want.scope, forced=want.forced): None}
        if choice is Action.START:
            if (ended := self._sweeps.broken(want.scope)) is not None:
                return {ended: None}
            return {self._sweeps.start(want.scope, forced=want.forced): None}
        return {}

    async def _tombstone_flights(self, want: RefreshRequest, arrived_at: float) -> dict[Flight, UUID | None]:
        """Probes that may show a deleted resource to be back. What they fail with is no matter: deleted stays true."""
        if not self._shell.clouds[want.scope.account].probes(want.scope.kind):
            return {}
        targets = (await self._shell.record.resources(want.tombstones))[:MOST_PROBES]
        return self._probe_flights(targets, want, arrived_at, _Told())

    async def _probe_targets(self, want: RefreshRequest) -> tuple[ResourceRecord, ...]:
        cloud = self._shell.clouds[want.scope.account]
        if not 0 < len(want.resources) <= MOST_PROBES or not cloud.probes(want.scope.kind):
            return ()
        return await self._shell.record.resources(want.resources)

    def _probe_flights(
        self, targets: Sequence[ResourceRecord], want: RefreshRequest, order: float | None, told: _Told
    ) -> dict[Flight, UUID | None]:
        flights: dict[Flight, UUID | None] = {}
        for record in targets:
            asked = self._probes.ask(record, want.scope, Since(want.not_before, order))
            if isinstance(asked, StaleReason):
                told.resources[record.resource_id] = asked
            else:
                told.shared = told.shared or asked.readers > 0
                flights[asked] = record.resource_id
        return flights

    async def _mark_flights(self, want: RefreshRequest, arrived_at: float, told: _Told) -> dict[Flight, UUID | None]:
        """Who selected a marked resource waits for its probe; nobody waits for the others."""
        new = self._shell.marked_by_last_sweep(want.scope).intersection(want.shown)
        ids = [*want.missing, *want.resources, *sorted(new)][: self._shell.absence.probes_per_flight]
        if not ids or not self._shell.clouds[want.scope.account].probes(want.scope.kind):
            return {}
        marked = newly_marked(await self._shell.record.resources(ids), want.not_before)
        return self._probe_flights(marked, want, arrived_at if want.forced else None, told)

    async def _wait(self, flights: Mapping[Flight, UUID | None], until: float, told: _Told) -> bool:
        """Wait for flights at most until then; whether all of them ended."""
        if not flights:
            return True
        for flight in flights:
            flight.joined()
        futures = {flight.ended: flight for flight in flights}
        remaining = max(0.0, until - asyncio.get_running_loop().time())
        done, pending = await asyncio.wait(futures, timeout=remaining)
        for future in done:
            outcome = future.result()
            if outcome.error is not None:
                raise outcome.error
            told.calls += outcome.calls
            _tell(told, flights[futures[future]], outcome.reason)
        for future in pending:
            _tell(told, flights[futures[future]], StaleReason.DEADLINE)
        return not pending

    def _swept(self, scope: ScopeKey, changes: Changes) -> None:
        """After a sweep: marks are a work list, and a scope with a new one is watched."""
        self._probes.work(scope)
        if newly_absent(changes):
            self._watch.begin(scope)

    def _ask_again(self, scope: ScopeKey) -> Flight | None:
        """A sweep that no reader waits for, unless one runs already or the scope is held."""
        record = self._shell.scopes[scope]
        held = held_back(record.hold_until, self._shell.record.now())
        if held or self._sweeps.underway(scope).running or not self._asks(record) or self._sweeps.broken(scope):
            return None
        return self._sweeps.start(scope, forced=True, background=True)

    async def _prune(self) -> None:
        await self._shell.record.prune(self._shell.record.now() - self._keep)


def _tell(told: _Told, resource_id: UUID | None, reason: StaleReason | None) -> None:
    if reason is None:
        return
    if resource_id is None:
        told.scope = reason
    else:
        told.resources[resource_id] = reason
