"""The way of a read: check, read, see whether it is fresh enough, have the vendors asked if not, read once more, finish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final, Protocol

from db.query import Plan, Reading, Readings
from db.query.annotated_text import seen_of
from db.query.shape import Value, shaped
from domain.enums import ResourceKind
from domain.errors import LimitExceeded, ReaderError
from domain.freshness import Demand
from domain.rules import FreshnessRules
from domain.selection import Selected
from domain.timestamps import Clock
from domain.viewer import Viewer
from reconcile.requests import RefreshRequest, RefreshResult
from resolvers.demands import check_permissions, demand_of
from resolvers.glance import glance
from resolvers.summary import OperationAnswer, Summary, summarised
from resolvers.verdicts import Verdicts
from resolvers.wanting import Demanded, Terms, demanded, merged, wants_of

_NOTHING: Final = RefreshResult()


class Refresher(Protocol):
    """Brings recorded data up to date with the vendors: `reconcile.engine.Reconciler`."""

    async def refresh(self, requests: Sequence[RefreshRequest], arrived_at: float) -> RefreshResult:
        """Refresh what is requested, or wait as long as each request allows.

        `arrived_at` is the event loop's time. A failing vendor raises nothing.
        """
        ...

    def read(self, account: str) -> None:
        """Somebody wants the account fresh, whether or not anything must be asked for it."""
        ...


@dataclass(slots=True)
class Ready:
    """Root fields that can be read together, by response key, each with its demand. Not frozen, as what it is part of."""

    plan: Plan
    demands: Mapping[str, Demand]


@dataclass(slots=True)
class Prepared:
    """An operation that may run. `errors` tells which root fields cannot be read, and why; `ready` is None where none can.

    Not frozen: one is made for each request.
    """

    keys: tuple[str, ...]
    errors: Mapping[str, ReaderError]
    ready: Ready | None

    def bound(self, values: Mapping[str, Value]) -> Prepared:
        """The same with these values in their places."""
        if self.ready is None:
            return self
        return Prepared(self.keys, self.errors, Ready(self.ready.plan.bound(values), self.ready.demands))

    def without(self, names: Collection[str]) -> Prepared:
        """The same without values in these places."""
        if self.ready is None or not names:
            return self
        return Prepared(self.keys, self.errors, Ready(self.ready.plan.without(names), self.ready.demands))


class Reader:
    """Answers the root fields of an operation together. Built once.

    `links_owner` tells the kind that owns the links of an account, `deadlines` its own default max wait in seconds, where it
    has one.
    """

    def __init__(
        self,
        readings: Readings,
        refresher: Refresher,
        rules: FreshnessRules,
        clock: Clock,
        links_owner: Mapping[str, ResourceKind],
        deadlines: Mapping[str, float],
    ) -> None:
        self._readings = readings
        self._refresher = refresher
        self._rules = rules
        self._clock = clock
        self._links_owner = links_owner
        self._deadlines = deadlines

    async def answer(self, roots: Sequence[Selected], viewer: Viewer, arrival: datetime) -> OperationAnswer:
        """Answer them all. `arrival` is when the request arrived, by the clock that was handed in.

        Raises Forbidden where a permission lacks, before anything runs. Any other refusal is the answer of its root field.
        """
        return await self.run(self.prepare(roots, viewer), arrival)

    def prepare(self, roots: Sequence[Selected], viewer: Viewer, *, write: bool = True) -> Prepared:
        """Check arguments and permissions, and find the statement. Raises Forbidden where a permission lacks.

        Raises Unwritten where the statement is new, unless it may `write` it.
        """
        errors: dict[str, ReaderError] = {}
        demands: dict[str, Demand] = {}
        for root in roots:
            try:
                demands[root.key] = demand_of(root, self._rules)
            except ReaderError as error:
                errors[root.key] = error
            check_permissions(root, demands.get(root.key), viewer, self._rules)
        good: list[Selected] = []
        for root in roots:
            try:
                if root.key not in errors:
                    shaped([root])
                    good.append(root)
            except ReaderError as error:
                errors[root.key] = error
        told = {root.key: demands[root.key] for root in good}
        ready = Ready(self._readings.plan(good, viewer, write=write), told) if good else None
        return Prepared(tuple(root.key for root in roots), errors, ready)

    async def run(self, prepared: Prepared, arrival: datetime) -> OperationAnswer:
        """Read what was prepared, have the vendors asked where that is not fresh enough, and read once more then."""
        if prepared.ready is None:
            return OperationAnswer(dict(prepared.errors), summarised((), None))
        begun = asyncio.get_running_loop().time(), self._clock.now()
        read = await self._readings.read(prepared.ready.plan)
        if isinstance(read, list) and not prepared.errors:
            answer = self._at_a_glance(prepared.ready, read, arrival, self._clock.now())
            if answer is not None:
                return answer
        return await self._closer(prepared, prepared.ready, read, arrival, self._loop_time(arrival, *begun))

    async def _closer(
        self,
        prepared: Prepared,
        ready: Ready,
        read: list[Reading] | LimitExceeded,
        arrival: datetime,
        arrived_at: float,
    ) -> OperationAnswer:
        """Look at each age, and have the vendors asked. `arrived_at` is the arrival by the event loop's time."""
        readings, refused = await self._apart(ready, read)
        now = self._clock.now()
        terms = {key: self._terms(demand, arrival) for key, demand in ready.demands.items()}
        wanted = {key: self._demanded(reading, reading.marked.unlike) for key, reading in readings.items()}
        wants = merged(
            want for key, reading in readings.items() for want in self._wants(reading, wanted[key], terms[key], now)
        )
        settlement = None
        if wants:
            settlement = await self._refresher.refresh(wants, arrived_at)
            # All of them, so that the whole answer shows one state of the record.
            readings, refused = await self._apart(ready, await self._readings.read(ready.plan))
            wanted = {key: self._demanded(reading, reading.marked.unlike) for key, reading in readings.items()}
            now = self._clock.now()
        verdicts = {
            key: Verdicts(reading, terms[key], _whole(wanted[key]), self._later(reading), settlement or _NOTHING, now)
            for key, reading in readings.items()
        }
        return _finished(prepared.keys, verdicts, {**prepared.errors, **refused}, settlement)

    def _at_a_glance(
        self, ready: Ready, readings: Sequence[Reading], arrival: datetime, now: datetime
    ) -> OperationAnswer | None:
        """The answer where all of it is fresh; None where it must be looked at closer."""
        oldest: datetime | None = None
        for demand, reading in zip(ready.demands.values(), readings, strict=True):
            seen = glance(reading, demand, arrival, now)
            if seen is None:
                return None
            for account in seen.accounts:
                self._refresher.read(account)
            if seen.oldest is not None and (oldest is None or seen.oldest < oldest):
                oldest = seen.oldest

        def judging() -> list[Verdicts]:
            terms = [self._terms(demand, arrival) for demand in ready.demands.values()]
            told = zip(readings, terms, strict=True)
            return [Verdicts(each, term, frozenset(), _nothing_demanded, _NOTHING, now) for each, term in told]

        if any(reading.part.holes for reading in readings):
            texts = [each.reading.text(each, now) for each in judging()]
        else:
            texts = [reading.marked.bare for reading in readings]
        age = None if oldest is None else (now - oldest).total_seconds()
        count = len(readings[0].marked.ids.union(*(reading.marked.ids for reading in readings[1:])))
        return OperationAnswer(
            dict(zip(ready.demands, texts, strict=True)), Summary(count, oldest_age_seconds=age), judging
        )

    async def _apart(
        self, ready: Ready, read: list[Reading] | LimitExceeded
    ) -> tuple[dict[str, Reading], dict[str, ReaderError]]:
        """What was read by response key, and what cannot be: each is read alone where all together take too long."""
        found: Sequence[Reading | ReaderError] = [read] if isinstance(read, ReaderError) else read
        if isinstance(read, ReaderError) and len(ready.demands) > 1:
            found = await self._each(ready.plan)
        told = list(zip(ready.demands, found, strict=True))
        return (
            {key: one for key, one in told if isinstance(one, Reading)},
            {key: one for key, one in told if isinstance(one, ReaderError)},
        )

    async def _each(self, plan: Plan) -> list[Reading | ReaderError]:
        """One after the other, so that one that takes too long is refused, and not the others."""
        found: list[Reading | ReaderError] = []
        for one in self._readings.apart(plan):
            told = await self._readings.read(one)
            found.extend([told] if isinstance(told, ReaderError) else told)
        return found

    def _wants(self, reading: Reading, wanted: Demanded | None, terms: Terms, now: datetime) -> list[RefreshRequest]:
        """What must be asked. What is alike is looked at once, and whole only where something must be."""
        every, few = reading.marked.sightings, reading.marked.unlike
        if wanted is None:
            return []
        self._tell_of_readers(reading, wanted)
        scopes = reading.facts.scope_facts
        wants = wants_of(wanted, scopes, terms, now)
        if not wants or len(few) == len(every):
            return wants
        whole = self._demanded(reading, every)
        return [] if whole is None else wants_of(whole, scopes, terms, now)

    def _demanded(self, reading: Reading, sightings: Collection[bytes]) -> Demanded | None:
        if not reading.demand.live:
            return None
        possible = reading.facts.possible if reading.demand.scopes else ()
        seen = [seen_of(mark) for mark in sightings]
        return demanded(reading.facts.scope_facts, possible, seen, self._links_owner, links=reading.demand.links)

    def _later(self, reading: Reading) -> Callable[[], Demanded | None]:
        """What is demanded, found out when somebody wants to know it."""
        return cache(lambda: self._demanded(reading, reading.marked.sightings))

    def _tell_of_readers(self, reading: Reading, wanted: Demanded) -> None:
        scopes = [reading.facts.scope_facts[scope_id] for scope_id in (*wanted.whole, *wanted.named)]
        # What is no longer configured is never asked, whoever reads it.
        for account in {scope.key.account for scope in scopes if scope.configured}:
            self._refresher.read(account)

    def _terms(self, demand: Demand, arrival: datetime) -> Terms:
        return Terms(demand, arrival, lambda account: self._deadlines.get(account, self._rules.deadline_seconds))

    def _loop_time(self, arrival: datetime, loop_time: float, now: datetime) -> float:
        # The two clocks differ by nothing but their zero, unless one was set meanwhile: then no more than a wait is believed.
        passed = (now - arrival).total_seconds()
        return loop_time - min(max(passed, 0.0), self._rules.deadline_max_seconds)


def _nothing_demanded() -> None:
    """What is asked of what is fresh: nothing."""


def _whole(wanted: Demanded | None) -> frozenset[int] | None:
    return None if wanted is None else wanted.whole


def _finished(
    keys: Sequence[str],
    verdicts: Mapping[str, Verdicts],
    errors: Mapping[str, ReaderError],
    settlement: RefreshResult | None,
) -> OperationAnswer:
    texts: dict[str, bytes | ReaderError] = {}
    for key in keys:
        each = verdicts.get(key)
        texts[key] = errors[key] if each is None else each.reading.text(each, each.now)
    told = tuple(verdicts.values())
    return OperationAnswer(texts, summarised(told, settlement), lambda: told)
