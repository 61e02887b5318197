"""The reconciler: brings recorded data up to date with the vendors when readers want it fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, repeat
from random import Random
from typing import Final
from uuid import UUID

from domain.enums import StaleReason
from domain.ports import AccountSetup, CloudClient, RecordStore
from domain.records.model import ResourceRecord, ScopeKey, ScopeRecord
from domain.rules import AbsenceRules, FreshnessRules
from domain.timestamps import Clock, SystemClock
from reconcile.background import BackgroundRefresh, MissingWatch, add_jitter, start_periodic
from reconcile.flights import Flight, FlightOutcome
from reconcile.probes import EarliestSend, Probes, unprobed_missing
from reconcile.reports import NullObserver, Observer
from reconcile.requests import RefreshRequest, RefreshResult
from reconcile.rules.scheduling import MAX_PROBES, Action, SchedulingInput, choose_action, is_held, is_never_swept
from reconcile.runner import ErrorListener, FlightRunner
from reconcile.sweeps import Sweeps

_PRUNE_SECONDS: Final = 3600.0
_PATROL_SECONDS: Final = 300.0
_JITTER: Final = 0.1
_CLOSE_SECONDS: Final = 5.0


@dataclass(slots=True)
class _RequestResult:
    """The result of one request, collected while its flights end."""

    scope: StaleReason | None = None
    resources: dict[UUID, StaleReason] = field(default_factory=dict)
    calls: int = 0
    shared: bool = False

    def add_reason(self, resource_id: UUID | None, reason: StaleReason | None) -> None:
        """Record why a flight did not refresh its resource, or its scope if `resource_id` is None."""
        if reason is None:
            return
        if resource_id is None:
            self.scope = reason
        else:
            self.resources[resource_id] = reason


class Reconciler:
    """Sends flights for readers and in the background. Call `start` before anything else and `close` at the end."""

    def __init__(
        self,
        store: RecordStore,
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
        self._runner = FlightRunner(
            store,
            clouds,
            rules,
            absence,
            observer or NullObserver(),
            listener,
            random or Random(),  # noqa: S311 - jitter
            clock or SystemClock(),
            flight_seconds or {},
        )
        self._setups = setups
        self._history_age = timedelta(days=keep_days)
        self._probes = Probes(self._runner)
        self._sweeps = Sweeps(self._runner, self._after_sweep)
        schedules = {setup.name: setup.keep_fresh for setup in setups if setup.keep_fresh is not None}
        self._background_refresh = BackgroundRefresh(self._runner, schedules, self._sweep_in_background)
        self._missing_watch = MissingWatch(self._runner, self._sweep_in_background)

    async def start(self, *, background: bool = True) -> None:
        """Write the configured accounts to the database, read the scopes and start the background tasks.

        These sweep what was never swept, probe and watch missing resources, refresh accounts on schedule and prune history.
        """
        store = self._runner.store
        await store.configure(self._setups)
        self._runner.scopes.update({scope.key: scope for scope in await store.scopes()})
        self._runner.drop_impossible_holds()
        if not background:
            return
        for scope in list(self._runner.scopes.values()):
            if not self._can_ask(scope):
                continue
            if is_never_swept(scope, store.now()):
                name = f"first sweep of {scope.key}"
                self._runner.start_task(self._sweep_first(scope.key), name, "first sweep", endless=True)
            await self._follow_up_missing(scope.key)
        self._background_refresh.start()
        hourly = chain([0.0], add_jitter(repeat(_PRUNE_SECONDS), _JITTER, self._runner.random))
        start_periodic(self._runner, "prune", "prune", hourly, self._prune)
        pauses = add_jitter(repeat(_PATROL_SECONDS), _JITTER, self._runner.random)
        start_periodic(self._runner, "patrol", "patrol", pauses, self._patrol)

    async def close(self) -> None:
        """Let flights end within a few seconds, then cancel them. Close the connections to the clouds."""
        await self._runner.tasks.close(_CLOSE_SECONDS)
        for cloud in self._runner.clouds.values():
            await cloud.close()

    async def refresh(self, requests: Sequence[RefreshRequest], arrived_at: float) -> RefreshResult:
        """Serve the requests of one reader, each within its own max wait.

        `arrived_at` is the event loop's time of the reader's arrival. Flights go on after the wait for them has ended. Raises
        only what the store raises.
        """
        results = await asyncio.gather(*(self._refresh(request, arrived_at) for request in requests))
        pairs = zip(requests, results, strict=True)
        return RefreshResult(
            scopes={request.scope: result.scope for request, result in pairs if result.scope is not None},
            resources={key: reason for result in results for key, reason in result.resources.items()},
            calls=sum(result.calls for result in results),
            shared=any(result.shared for result in results),
        )

    def read(self, account: str) -> None:
        """Note that somebody reads the account, whether or not a flight is needed. Never blocks."""
        self._background_refresh.note_read(account)

    async def sweep(self, scope: ScopeKey) -> FlightOutcome:
        """Sweep now, after a running sweep if there is one. A scope that is held after a failure is not swept."""
        record = self._runner.scopes[scope]
        if is_held(record.hold_until, self._runner.store.now()):
            return FlightOutcome(record.problem)
        send = self._sweeps.queue if self._sweeps.underway(scope).running else self._sweeps.start
        return await asyncio.shield(send(scope, forced=True).ended)

    async def wait_for_probes(self) -> None:
        """Wait until the missing resources of the scopes swept last have been probed, as far as one round goes."""
        await self._probes.wait_for_missing()

    def _can_ask(self, scope: ScopeRecord) -> bool:
        return scope.configured and scope.key.account in self._runner.clouds

    async def _refresh(self, request: RefreshRequest, arrived_at: float) -> _RequestResult:
        result = _RequestResult()
        scope = self._runner.scopes.get(request.scope)
        if scope is None or not self._can_ask(scope):
            result.scope = StaleReason.NOT_CONFIGURED
            return result
        until = arrived_at + request.max_wait_seconds
        if request.tombstones:
            await self._wait(await self._tombstone_flights(request, arrived_at), until, result)
            return result
        in_time = await self._wait(await self._first_flights(request, arrived_at, result), until, result)
        present = (one for one in request.resources if one not in request.missing)
        if any(result.resources.get(one) is StaleReason.ABSENT for one in present):
            # The vendor says that a resource which was listed no longer exists: only a listing can confirm that.
            self._start_background_sweep(request.scope)
        elif in_time:
            await self._wait(await self._missing_flights(request, arrived_at, result), until, result)
        return result

    async def _first_flights(
        self, request: RefreshRequest, arrived_at: float, result: _RequestResult
    ) -> dict[Flight, UUID | None]:
        """Return the flights that this request waits for first: one sweep, or probes of a few resources."""
        targets = await self._probe_targets(request)
        # Nothing is awaited from here until the flight is sent, so two readers never send two.
        scope = self._runner.scopes[request.scope]
        order = arrived_at if request.forced else None
        demand = SchedulingInput(
            request.not_before,
            order is None or self._sweeps.is_sent_since(request.scope, order),
            len(targets) or None,
            self._runner.clouds[request.scope.account].sweep_calls(request.scope.kind),
        )
        action = choose_action(scope, self._sweeps.underway(request.scope), demand, self._runner.store.now())
        if action is Action.HELD:
            result.scope = scope.problem
        if action is Action.PROBE:
            return self._probe_flights(targets, request, order, result)
        result.shared = result.shared or action in {Action.JOIN_RUNNING, Action.JOIN_QUEUED}
        flight = self._sweep_flight(action, request)
        return {} if flight is None else {flight: None}

    def _sweep_flight(self, action: Action, request: RefreshRequest) -> Flight | None:
        """Return the sweep that the action joins, queues or starts."""
        if action is Action.JOIN_RUNNING:
            return self._sweeps.running(request.scope)
        if action in {Action.QUEUE, Action.JOIN_QUEUED}:
            return self._sweeps.queue(request.scope, forced=request.forced)
        if action is Action.START:
            failed = self._sweeps.held_flight(request.scope)
            return self._sweeps.start(request.scope, forced=request.forced) if failed is None else failed
        return None

    async def _tombstone_flights(self, request: RefreshRequest, arrived_at: float) -> dict[Flight, UUID | None]:
        """Return probes that may show deleted resources again. Their failures do not matter: "deleted" stays true."""
        if not self._runner.clouds[request.scope.account].probes(request.scope.kind):
            return {}
        targets = (await self._runner.store.resources(request.tombstones))[:MAX_PROBES]
        return self._probe_flights(targets, request, arrived_at, _RequestResult())

    async def _probe_targets(self, request: RefreshRequest) -> tuple[ResourceRecord, ...]:
        cloud = self._runner.clouds[request.scope.account]
        if not 0 < len(request.resources) <= MAX_PROBES or not cloud.probes(request.scope.kind):
            return ()
        return await self._runner.store.resources(request.resources)

    def _probe_flights(
        self, targets: Sequence[ResourceRecord], request: RefreshRequest, order: float | None, result: _RequestResult
    ) -> dict[Flight, UUID | None]:
        flights: dict[Flight, UUID | None] = {}
        for record in targets:
            flight = self._probes.request(record, request.scope, EarliestSend(request.not_before, order))
            if isinstance(flight, StaleReason):
                result.resources[record.resource_id] = flight
            else:
                result.shared = result.shared or flight.readers > 0
                flights[flight] = record.resource_id
        return flights

    async def _missing_flights(
        self, request: RefreshRequest, arrived_at: float, result: _RequestResult
    ) -> dict[Flight, UUID | None]:
        """Return probes of the missing resources that the reader selected; nobody waits for the others."""
        new = self._runner.newly_missing.get(request.scope, frozenset()).intersection(request.shown)
        ids = [*request.missing, *request.resources, *sorted(new)][: self._runner.absence.probes_per_flight]
        if not ids or not self._runner.clouds[request.scope.account].probes(request.scope.kind):
            return {}
        targets = unprobed_missing(await self._runner.store.resources(ids), request.not_before)
        return self._probe_flights(targets, request, arrived_at if request.forced else None, result)

    async def _wait(self, flights: Mapping[Flight, UUID | None], until: float, result: _RequestResult) -> bool:
        """Wait for the flights until this time of the event loop. Return whether all of them ended."""
        if not flights:
            return True
        for flight in flights:
            flight.join()
        futures = {flight.ended: flight for flight in flights}
        remaining = max(0.0, until - asyncio.get_running_loop().time())
        done, pending = await asyncio.wait(futures, timeout=remaining)
        for future in done:
            outcome = future.result()
            result.calls += outcome.calls
            result.add_reason(flights[futures[future]], outcome.reason)
        for future in pending:
            result.add_reason(flights[futures[future]], StaleReason.DEADLINE)
        return not pending

    def retry_unwritten(self) -> str | None:
        """Return why the database refused the last sweep of a scope, or None, and sweep such scopes again after their hold.

        Without a reader nothing else would show that the database can be written again.
        """
        for scope in list(self._sweeps.unwritten):
            self._start_background_sweep(scope)
        return next(iter(self._sweeps.unwritten.values()), None)

    def _after_sweep(self, scope: ScopeKey) -> None:
        """Probe the scope's missing resources, and watch the scope if the sweep was the first to lack some."""
        self._probes.probe_missing(scope)
        if self._runner.newly_missing.get(scope):
            self._missing_watch.start(scope)

    def _start_background_sweep(self, scope: ScopeKey) -> Flight | None:
        """Start a sweep that no reader waits for, unless one runs already or the scope is held."""
        record = self._runner.scopes[scope]
        is_busy = is_held(record.hold_until, self._runner.store.now()) or self._sweeps.underway(scope).running
        if is_busy or not self._can_ask(record) or self._sweeps.held_flight(scope):
            return None
        return self._sweeps.start(scope, forced=True, background=True)

    async def _sweep_in_background(self, scope: ScopeKey) -> None:
        flight = self._start_background_sweep(scope)
        if flight is not None:
            await asyncio.shield(flight.ended)

    async def _sweep_first(self, scope: ScopeKey) -> None:
        """Sweep a scope that was never swept, as soon as the hold after an earlier failure is over."""
        # During one hold a reader's sweep may fail again, which makes a new hold.
        while (left := self._hold_seconds_left(scope)) > 0:  # noqa: ASYNC110 - holds end by the clock, so there is no event
            await asyncio.sleep(left)
        never_swept = is_never_swept(self._runner.scopes[scope], self._runner.store.now())
        if never_swept and not self._sweeps.underway(scope).running:
            self._sweeps.start(scope, forced=False, background=True)

    def _hold_seconds_left(self, scope: ScopeKey) -> float:
        hold_until, now = self._runner.scopes[scope].hold_until, self._runner.store.now()
        return (hold_until - now).total_seconds() if hold_until is not None and is_held(hold_until, now) else 0.0

    async def _follow_up_missing(self, scope: ScopeKey) -> None:
        """Probe and watch a scope that has missing resources, whichever process noticed that they are missing."""
        if not self._missing_watch.watches(scope) and await self._runner.store.missing(scope, 1):
            self._probes.probe_missing(scope)
            self._missing_watch.start(scope)

    async def _patrol(self) -> bool:
        """Follow up on resources that another process, such as `sync`, noticed as missing."""
        for scope in list(self._runner.scopes.values()):
            if self._can_ask(scope):
                await self._follow_up_missing(scope.key)
        return True

    async def _prune(self) -> bool:
        await self._runner.store.prune(self._runner.store.now() - self._history_age)
        return True
