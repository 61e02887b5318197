"""Simulated readers: they request fresh data in many ways, hang up, and judge their answers like a read of the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random

from db.query.annotated_text import SelectedResource
from domain.enums import FreshnessState, StaleReason
from domain.freshness import Assessment, Demand, ScopeFacts, Sighting, assess
from domain.records.model import ResourceRecord, ScopeRecord
from reconcile.requests import RefreshRequest, RefreshResult
from resolvers.freshness.targets import (
    FreshnessDeadline,
    RefreshTargets,
    find_targets,
    merge_requests,
    refresh_requests,
)
from tests.simulation.checks.reference import ReferenceRecord
from tests.simulation.cloud.ledger import Violation
from tests.simulation.process import GatewayProcess, SharedState
from tests.simulation.storage.memory import MemoryTables

# The time that the store itself may take, on top of the wait for flights.
_STORE_SECONDS = 1.0
_MAX_FLIGHT_SECONDS = 31.0


@dataclass(frozen=True)
class ReaderQuery:
    """The selection of one reader: whole scopes by id, or a few resources; with or without links."""

    scopes: tuple[int, ...]
    resources: tuple[ResourceRecord, ...]
    demand: Demand
    links: bool


def random_query(random: Random, tables: MemoryTables) -> ReaderQuery:
    """Return a random query."""
    scopes = tables.scopes()
    demand = Demand(
        max_age_seconds=random.choice((None, None, 0.0, 5.0, 30.0, 120.0, 600.0)),
        force=random.random() < 0.25,
        max_wait_seconds=random.choice((0.0, 0.3, 2.0, 10.0, 10.0, 60.0)),
    )
    if random.random() < 0.5:
        chosen = random.sample(scopes, random.randint(1, min(3, len(scopes))))
        return ReaderQuery(tuple(scope.scope_id for scope in chosen), (), demand, random.random() < 0.5)
    records = list(tables.by_id.values())
    sample = random.sample(records, min(len(records), random.choice((1, 1, 2, 3, 5))))
    return ReaderQuery((), tuple(sample), demand, random.random() < 0.3)


class RecordSnapshot:
    """One read of the tables: the scopes and the resources of a query."""

    def __init__(self, query: ReaderQuery, shared: SharedState) -> None:
        tables = shared.backend.tables
        self.now: datetime = tables.now()
        self.scopes = {scope.scope_id: _facts(scope, tables) for scope in tables.scopes()}
        self.records = {
            record.resource_id: record for record in tables.resources(one.resource_id for one in query.resources)
        }
        for account in tables.accounts.values():
            for record in account.living.values():
                if record.scope_id in query.scopes:
                    self.records[record.resource_id] = record
        self._query = query
        self._owners = {name: vendor.profile.links_owner for name, vendor in shared.vendors.items()}

    def targets(self) -> RefreshTargets:
        """Return what the query demands of the clouds."""
        query = self._query
        seen = [SelectedResource(_sighting(record), live=True, links=query.links) for record in self.records.values()]
        return find_targets(self.scopes, query.scopes, seen, self._owners, links=query.links)

    def assess(self, terms: FreshnessDeadline) -> Iterable[tuple[ResourceRecord, Assessment, datetime]]:
        """Yield each resource, its assessment, and the `not_before` that it was assessed against."""
        for record in self.records.values():
            scope = self.scopes[record.scope_id]
            not_before = terms.not_before(scope)
            yield record, assess(_sighting(record), scope, not_before, self.now, StaleReason.DEADLINE), not_before


def _facts(scope: ScopeRecord, tables: MemoryTables) -> ScopeFacts:
    account = tables.accounts[scope.key.account]
    return ScopeFacts(
        scope.scope_id,
        scope.key,
        scope.configured and account.configured,
        account.cooldown_seconds,
        scope.swept_no,
        scope.swept_at,
        scope.tried_at,
        scope.problem,
        scope.hold_until,
    )


def _sighting(record: ResourceRecord) -> Sighting:
    return Sighting(
        record.resource_id,
        record.scope_id,
        record.seen_no,
        record.seen_at,
        record.seen_source,
        record.missing_since,
        record.deleted,
        record.probed_at,
        record.probe_problem,
    )


class SimulatedReader:
    """One reader, from arrival to answer."""

    def __init__(self, query: ReaderQuery, process: GatewayProcess, shared: SharedState) -> None:
        self._query = query
        self._process = process
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._arrived_at = self._loop.time()
        self._terms = FreshnessDeadline(query.demand, shared.environment.clock.now(), lambda _: 10.0)

    async def answer(self) -> None:
        """Read, refresh, read once more, and check the assessments."""
        await self._process.store.yield_control()
        first = RecordSnapshot(self._query, self._shared)
        requests = merge_requests(refresh_requests(first.targets(), first.scopes, self._terms, first.now))
        result, requested_at = RefreshResult(), self._loop.time()
        if requests:
            result = await self._process.engine.refresh(requests, self._arrived_at)
        self._check_wait(requests, self._loop.time())
        self._check_sweeps(requests, result, requested_at, RecordSnapshot(self._query, self._shared))
        await self._process.store.yield_control()
        second = RecordSnapshot(self._query, self._shared)
        self._check_answer(first.targets(), second, result, requests)
        self._shared.environment.counts.count("reader", "answered")

    def _check_wait(self, requests: list[RefreshRequest], ended_at: float) -> None:
        limit = max((request.max_wait_seconds for request in requests), default=0.0)
        if ended_at - self._arrived_at > limit + _STORE_SECONDS:
            waited = ended_at - self._arrived_at
            raise Violation("f", f"a reader waited {waited:.2f} s, at most {limit} allowed: {requests}")

    def _check_sweeps(
        self, requests: list[RefreshRequest], result: RefreshResult, requested_at: float, snapshot: RecordSnapshot
    ) -> None:
        """Check that a reader of a whole scope waits for the running sweep and the queued one, never for a third.

        If something is missing, the reader also waits for probes, so this is not checked.
        """
        traffic, number = self._shared.environment.traffic, self._process.number
        has_missing = any(record.missing_since is not None for record in snapshot.records.values())
        if has_missing or (requests and traffic.has_probed_since(number, requests[0].scope, requested_at)):
            return
        if len(requests) != 1 or requests[0].resources or requests[0].tombstones or requests[0].scope in result.scopes:
            return
        sweeps = traffic.count_sweeps_since(number, requests[0].scope, requested_at)
        if sweeps > 2:
            raise Violation("e", f"a reader of {requests[0].scope} waited for {sweeps} sweeps")

    def _check_answer(
        self, demanded: RefreshTargets, second: RecordSnapshot, result: RefreshResult, requests: list[RefreshRequest]
    ) -> None:
        for record, assessment, not_before in second.assess(self._terms):
            self._count(assessment, record)
            if record.deleted:
                continue
            reference = self._shared.invariants.references[record.account].records[record.key]
            if assessment.state is FreshnessState.FRESH:
                self._check_fresh(record, assessment, reference, not_before, second.now)
            elif assessment.state is FreshnessState.UNCONFIRMED:
                self._check_unconfirmed(record, assessment, reference.seen_at)
            elif assessment.state is FreshnessState.STALE:
                self._check_stale(record, demanded, second.scopes, result, requests)

    def _check_fresh(
        self,
        record: ResourceRecord,
        assessment: Assessment,
        reference: ReferenceRecord,
        not_before: datetime,
        now: datetime,
    ) -> None:
        if reference.is_missing or reference.dead_no is not None:
            raise Violation("a", f"{record.key} is FRESH, but the newest listing lacks it")
        seen_at = reference.seen_at
        if seen_at is None or seen_at > now:
            return
        if seen_at != assessment.observed_at or seen_at < not_before:
            observed_at = assessment.observed_at
            message = f"{record.key} is FRESH as of {observed_at}, was seen at {seen_at}, demanded since {not_before}"
            raise Violation("a", message)
        age = (self._terms.arrived_at - not_before).total_seconds()
        clock_is_steady = self._shared.environment.traffic.last_clock_step < reference.seen
        if clock_is_steady and reference.seen < self._arrived_at - age - 0.001:
            raise Violation(
                "a", f"{record.key} is FRESH, but was seen {self._arrived_at - reference.seen:.2f} s before the reader"
            )

    def _check_unconfirmed(self, record: ResourceRecord, assessment: Assessment, seen_at: datetime | None) -> None:
        """Check that a missing resource is as old as its last sighting: a listing without it does not make it newer."""
        if assessment.observed_at is not None and seen_at is not None and assessment.observed_at > seen_at:
            raise Violation(
                "a", f"{record.key} is missing as of {assessment.observed_at}, but was last seen at {seen_at}"
            )

    def _check_stale(
        self,
        record: ResourceRecord,
        demanded: RefreshTargets,
        scopes: Mapping[int, ScopeFacts],
        result: RefreshResult,
        requests: list[RefreshRequest],
    ) -> None:
        """Check that a demanded resource is stale only for a reason, unless the clock was set meanwhile."""
        scope = scopes[record.scope_id]
        reason = result.resources.get(record.resource_id) or result.scopes.get(scope.key)
        reason = reason or scope.problem or record.probe_problem
        is_requested = any(request.scope == scope.key and not request.tombstones for request in requests)
        # The reader may have joined a flight that was sent before a clock step.
        last_step = self._shared.environment.traffic.last_clock_step
        is_calm = last_step < self._arrived_at - _MAX_FLIGHT_SECONDS and scope.configured
        if is_requested and is_calm and reason is None and demanded.includes(_sighting(record)):
            raise Violation("a", f"{record.key} was refreshed without a failure, but is STALE: {requests}")

    def _count(self, assessment: Assessment, record: ResourceRecord) -> None:
        state = "DELETED" if record.deleted else assessment.state.value
        self._shared.environment.counts.count("answer", state)


def start_reader(query: ReaderQuery, process: GatewayProcess, shared: SharedState) -> asyncio.Task[None]:
    """Start a reader who arrives now."""

    async def read() -> None:
        try:
            await SimulatedReader(query, process, shared).answer()
        except AssertionError as error:
            shared.errors.append(error)

    task = asyncio.get_running_loop().create_task(read())
    process.readers[task] = None
    task.add_done_callback(lambda task: process.readers.pop(task, None))
    return task
