"""Readers: they want things fresh in many ways, hang up, and judge what they are told, as the way of a read does."""

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
from tests.simulation.ledger import Violation
from tests.simulation.memory import MemoryTables
from tests.simulation.process import Process, Sharing

# What the record itself may take on the way, besides the wait for flights.
_LATENCIES = 1.0
_LONGEST_FLIGHT = 31.0


@dataclass(frozen=True)
class Wish:
    """What one reader asks: whole scopes by number, or a few resources; `links` too or not."""

    scopes: tuple[int, ...]
    resources: tuple[ResourceRecord, ...]
    demand: Demand
    links: bool


def random_wish(random: Random, tables: MemoryTables) -> Wish:
    """Whatever a reader may ask."""
    scopes = tables.scopes()
    demand = Demand(
        max_age_seconds=random.choice((None, None, 0.0, 5.0, 30.0, 120.0, 600.0)),
        force=random.random() < 0.25,
        max_wait_seconds=random.choice((0.0, 0.3, 2.0, 10.0, 10.0, 60.0)),
    )
    if random.random() < 0.5:
        chosen = random.sample(scopes, random.randint(1, min(3, len(scopes))))
        return Wish(tuple(scope.scope_id for scope in chosen), (), demand, random.random() < 0.5)
    every = list(tables.by_id.values())
    picked = random.sample(every, min(len(every), random.choice((1, 1, 2, 3, 5))))
    return Wish((), tuple(picked), demand, random.random() < 0.3)


class Reading:
    """One reading of the record: the facts and the resources that a wish concerns."""

    def __init__(self, wish: Wish, sharing: Sharing) -> None:
        tables = sharing.keeper.tables
        self.now: datetime = tables.now()
        self.scopes = {scope.scope_id: _facts(scope, tables) for scope in tables.scopes()}
        self.records = {
            record.resource_id: record for record in tables.resources(one.resource_id for one in wish.resources)
        }
        for account in tables.accounts.values():
            for record in account.living.values():
                if record.scope_id in wish.scopes:
                    self.records[record.resource_id] = record
        self._wish = wish
        self._owners = {name: vendor.profile.links_owner for name, vendor in sharing.vendors.items()}

    def targets(self) -> RefreshTargets:
        """What is demanded of the clouds."""
        seen = [
            SelectedResource(_sighting(record), live=True, links=self._wish.links) for record in self.records.values()
        ]
        return find_targets(self.scopes, self._wish.scopes, seen, self._owners, links=self._wish.links)

    def judged(self, terms: FreshnessDeadline) -> Iterable[tuple[ResourceRecord, Assessment, datetime]]:
        """Each resource's judgement, and the instant it was judged against."""
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


class Reader:
    """One reader, from its arrival to its answer."""

    def __init__(self, wish: Wish, process: Process, sharing: Sharing) -> None:
        self._wish = wish
        self._process = process
        self._sharing = sharing
        self._loop = asyncio.get_running_loop()
        self._arrived = self._loop.time()
        self._terms = FreshnessDeadline(wish.demand, sharing.around.clock.now(), lambda _: 10.0)

    async def answer(self) -> None:
        """Read, have the clouds asked, read once more, and judge what is told."""
        await self._process.record._pass()
        first = Reading(self._wish, self._sharing)
        wants = merge_requests(refresh_requests(first.targets(), first.scopes, self._terms, first.now))
        settlement, asked = RefreshResult(), self._loop.time()
        if wants:
            settlement = await self._process.engine.refresh(wants, self._arrived)
        ended = self._loop.time()
        self._in_time(wants, ended)
        self._shared(wants, settlement, asked, Reading(self._wish, self._sharing))
        await self._process.record._pass()
        second = Reading(self._wish, self._sharing)
        self._judge(first.targets(), second, settlement, wants)
        self._sharing.around.tally.count("reader", "answered")

    def _in_time(self, wants: list[RefreshRequest], ended: float) -> None:
        longest = max((want.max_wait_seconds for want in wants), default=0.0)
        if ended - self._arrived > longest + _LATENCIES:
            raise Violation("f", f"a reader waited {ended - self._arrived:.2f} s of at most {longest}: {wants}")

    def _shared(self, wants: list[RefreshRequest], settlement: RefreshResult, asked: float, reading: Reading) -> None:
        """Who waits for a whole scope waits for the sweep that runs and the one behind it, never for a third.

        Unless something is missing: then it waits for probes besides.
        """
        missing = any(record.missing_since is not None for record in reading.records.values())
        if missing or (
            wants and self._sharing.around.traffic.probed_since(self._process.number, wants[0].scope, asked)
        ):
            return
        if len(wants) != 1 or wants[0].resources or wants[0].tombstones or wants[0].scope in settlement.scopes:
            return
        sent = self._sharing.around.traffic.sent_since(self._process.number, wants[0].scope, asked)
        if sent > 2:
            raise Violation("e", f"a reader of {wants[0].scope} waited for {sent} sweeps")

    def _judge(
        self, demanded: RefreshTargets, second: Reading, settlement: RefreshResult, wants: list[RefreshRequest]
    ) -> None:
        traffic = self._sharing.around.traffic
        for record, judgement, not_before in second.judged(self._terms):
            self._count(judgement, record)
            if record.deleted:
                continue
            known = self._sharing.invariants.references[record.account].known[record.key]
            if judgement.state is FreshnessState.FRESH:
                if known.marked or known.dead_no is not None:
                    raise Violation("a", f"{record.key} is told FRESH, and the newest listing lacks it")
                if known.seen_at is None or known.seen_at > second.now:
                    continue
                if known.seen_at != judgement.observed_at or known.seen_at < not_before:
                    raise Violation(
                        "a",
                        f"{record.key} is told FRESH of {judgement.observed_at}, was seen {known.seen_at}, wanted {not_before}",
                    )
                age = (self._terms.arrived_at - not_before).total_seconds()
                if traffic.stepped < known.seen and known.seen < self._arrived - age - 0.001:
                    raise Violation(
                        "a", f"{record.key} is told FRESH and was seen {self._arrived - known.seen:.2f} s ago"
                    )
            elif judgement.state is FreshnessState.UNCONFIRMED:
                self._age_kept(record, judgement, known.seen_at)
            elif judgement.state is FreshnessState.STALE:
                self._explained(record, demanded, second.scopes, settlement, wants)

    def _age_kept(self, record: ResourceRecord, judgement: Assessment, seen_at: datetime | None) -> None:
        """What is missing is as old as its last sighting: no listing without it makes it younger."""
        if judgement.observed_at is not None and seen_at is not None and judgement.observed_at > seen_at:
            raise Violation("a", f"{record.key} is missing and told of {judgement.observed_at}, was seen {seen_at}")

    def _explained(
        self,
        record: ResourceRecord,
        demanded: RefreshTargets,
        scopes: Mapping[int, ScopeFacts],
        settlement: RefreshResult,
        wants: list[RefreshRequest],
    ) -> None:
        """What was demanded and settled without a reason is fresh, unless clocks were set meanwhile."""
        scope = scopes[record.scope_id]
        told = settlement.resources.get(record.resource_id) or settlement.scopes.get(scope.key)
        asked = any(want.scope == scope.key and not want.tombstones for want in wants)
        told = told or scope.problem or record.probe_problem
        # A flight sent before a step may have been joined.
        calm = self._sharing.around.traffic.stepped < self._arrived - _LONGEST_FLIGHT and scope.configured
        if asked and calm and told is None and demanded.includes(_sighting(record)):
            raise Violation("a", f"{record.key} was asked for without a failure, and is told STALE: {wants}")

    def _count(self, judgement: Assessment, record: ResourceRecord) -> None:
        state = "DELETED" if record.deleted else judgement.state.value
        self._sharing.around.tally.count("told", state)


def start_reader(wish: Wish, process: Process, sharing: Sharing) -> asyncio.Task[None]:
    """A reader arrives now."""

    async def read() -> None:
        try:
            await Reader(wish, process, sharing).answer()
        except AssertionError as error:
            sharing.broken.append(error)

    task = asyncio.get_running_loop().create_task(read())
    process.readers[task] = None
    task.add_done_callback(lambda task: process.readers.pop(task, None))
    return task
