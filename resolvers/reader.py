"""The way of a read: check, read, see whether it is fresh enough, have the vendors asked if not, read once more, finish."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from db.reading import Plan, Reading, Readings
from domain.errors import ReaderError
from domain.freshness import Demand, ScopeFacts
from domain.instants import Clock
from domain.rules import FreshnessRules
from domain.selection import Selected
from domain.viewer import Viewer
from domain.words import ResourceKind
from reconcile.wants import Settlement, Want
from resolvers.demands import check_permissions, demand_of
from resolvers.summary import OperationAnswer, summarised, worst
from resolvers.verdicts import Verdicts
from resolvers.wanting import Demanded, Terms, demanded, merged, wants_of

_NOTHING: Final = Settlement()


class Settler(Protocol):
    """What has the vendors asked: `reconcile`'s engine."""

    async def settle(self, wants: Sequence[Want], arrived_at: float) -> Settlement:
        """Settle the wants, or wait as long as each allows. `arrived_at` is the event loop's time. Raises for no vendor."""
        ...

    def read(self, account: str) -> None:
        """Somebody wants the account fresh, whether or not anything must be asked for it."""
        ...


@dataclass(frozen=True, slots=True)
class _Root:
    """A root field that can be read."""

    plan: Plan
    demand: Demand


class Reader:
    """Answers the root fields of an operation together. Built once.

    `links_owner` tells the kind that owns the links of an account, `deadlines` its own default max wait in seconds, where it
    has one.
    """

    def __init__(
        self,
        readings: Readings,
        settler: Settler,
        rules: FreshnessRules,
        clock: Clock,
        links_owner: Mapping[str, ResourceKind],
        deadlines: Mapping[str, float],
    ) -> None:
        self._readings = readings
        self._settler = settler
        self._rules = rules
        self._clock = clock
        self._links_owner = links_owner
        self._deadlines = deadlines

    async def answer(self, roots: Sequence[Selected], viewer: Viewer, arrival: datetime) -> OperationAnswer:
        """Answer them all. `arrival` is when the request arrived, by the clock that was handed in.

        Raises Forbidden where a permission lacks, before anything runs. Any other refusal is the answer of its root field.
        """
        arrived_at = self._loop_time(arrival)
        errors, planned = self._planned(roots, viewer)
        readings, refused = await self._read(planned)
        asked = {key: wanted for key, reading in readings.items() if (wanted := self._demanded(reading)) is not None}
        self._tell_of_readers(readings, asked)
        now = self._clock.now()
        wants = merged(
            want
            for key, wanted in asked.items()
            for want in wants_of(wanted, _scopes(readings[key]), self._terms(planned[key], arrival), now)
        )
        settlement = None
        if wants:
            settlement = await self._settler.settle(wants, arrived_at)
            # All of them, so that the whole answer shows one state of the record.
            readings, refused = await self._read(planned)
        verdicts = {
            key: Verdicts(
                reading,
                self._terms(planned[key], arrival),
                self._demanded(reading),
                settlement or _NOTHING,
                self._clock.now(),
            )
            for key, reading in readings.items()
            if key not in refused
        }
        return _finished(roots, verdicts, {**errors, **refused}, settlement)

    def _planned(self, roots: Sequence[Selected], viewer: Viewer) -> tuple[dict[str, ReaderError], dict[str, _Root]]:
        errors: dict[str, ReaderError] = {}
        demands: dict[str, Demand] = {}
        for root in roots:
            try:
                demands[root.key] = demand_of(root, self._rules)
            except ReaderError as error:
                errors[root.key] = error
            check_permissions(root, demands.get(root.key), viewer, self._rules)
        planned: dict[str, _Root] = {}
        for root in roots:
            if root.key in errors:
                continue
            try:
                planned[root.key] = _Root(self._readings.plan(root, viewer), demands[root.key])
            except ReaderError as error:
                errors[root.key] = error
        return errors, planned

    async def _read(self, planned: Mapping[str, _Root]) -> tuple[dict[str, Reading], dict[str, ReaderError]]:
        if not planned:
            return {}, {}
        answers = await self._readings.read([root.plan for root in planned.values()])
        found = dict(zip(planned, answers, strict=True))
        return (
            {key: one for key, one in found.items() if isinstance(one, Reading)},
            {key: one for key, one in found.items() if isinstance(one, ReaderError)},
        )

    def _demanded(self, reading: Reading) -> Demanded | None:
        plan = reading.plan
        if not plan.demand.live:
            return None
        rows = reading.facts.scopes.items() if plan.demand.scopes else ()
        possible = [scope_id for scope_id, row in rows if row.possible]
        return demanded(_scopes(reading), possible, reading.seen(), self._links_owner, links=plan.demand.links)

    def _tell_of_readers(self, readings: Mapping[str, Reading], asked: Mapping[str, Demanded]) -> None:
        for key, wanted in asked.items():
            scopes = readings[key].facts.scopes
            for account in {scopes[scope_id].facts.key.account for scope_id in (*wanted.whole, *wanted.named)}:
                self._settler.read(account)

    def _terms(self, root: _Root, arrival: datetime) -> Terms:
        return Terms(root.demand, arrival, lambda account: self._deadlines.get(account, self._rules.deadline_seconds))

    def _loop_time(self, arrival: datetime) -> float:
        # The two clocks differ by nothing but their zero, unless one was set meanwhile: then no more than a wait is believed.
        passed = (self._clock.now() - arrival).total_seconds()
        return asyncio.get_running_loop().time() - min(max(passed, 0.0), self._rules.deadline_max_seconds)


def _scopes(reading: Reading) -> dict[int, ScopeFacts]:
    return {scope_id: row.facts for scope_id, row in reading.facts.scopes.items()}


def _finished(
    roots: Sequence[Selected],
    verdicts: Mapping[str, Verdicts],
    errors: Mapping[str, ReaderError],
    settlement: Settlement | None,
) -> OperationAnswer:
    answers: dict[str, object] = {}
    for root in roots:
        each = verdicts.get(root.key)
        answers[root.key] = errors[root.key] if each is None else each.reading.finish(each, each.now)
    judged = worst(verdicts.values())
    return OperationAnswer(answers, summarised(verdicts.values(), judged, settlement), judged, settlement)
