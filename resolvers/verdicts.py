"""The truth about the ages in one root field's answer: of each resource, of the list, and of what was demanded beyond."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from db.query import Coverage, Gap, Reading, annotated_text
from domain.enums import FreshnessState, StaleReason
from domain.freshness import Assessment, ScopeFacts, Sighting, assess
from reconcile.requests import RefreshResult
from resolvers.wanting import Demanded, Terms


@dataclass(frozen=True, slots=True)
class Judged:
    """One resource's judgement, and the instant it was judged against."""

    judgement: Assessment
    not_before: datetime


@dataclass(slots=True)
class Verdicts:
    """Judges what one reading holds. `whole` are the scopes that are demanded as a whole, `demanded` finds out the rest.

    Both are None where the root field demanded nothing.

    Where it is fresh, a resource is judged alike with all that were seen by the same flights: then one of them is looked at.
    """

    reading: Reading
    terms: Terms
    whole: frozenset[int] | None
    demanded: Callable[[], Demanded | None]
    settlement: RefreshResult
    now: datetime
    _fresh: dict[bytes, Judged] = field(default_factory=dict)
    _single: dict[bytes, Judged] = field(default_factory=dict)

    def judged(self, mark: bytes) -> Assessment:
        """By its scope, against this root field's demand."""
        return self._judged(mark).judgement

    def all_fresh(self) -> bool:
        """Whether everything in the reading is fresh."""
        alike = self.reading.marked.kinds.values()
        return all(self._judged(mark).judgement.state is FreshnessState.FRESH for mark in alike)

    def ages(self) -> list[float]:
        """Every age in the reading, alike ones once where all is fresh."""
        known = [*self._fresh.values(), *self._single.values()]
        return [age for one in known if (age := one.judgement.age_seconds) is not None]

    def each(self) -> Iterable[tuple[bytes, Judged]]:
        """Every resource with its judgement; one that is selected in two ways may come twice."""
        for mark in self.reading.marked.sightings:
            yield annotated_text.id_of(mark), self._judged(mark)

    def _judged(self, mark: bytes) -> Judged:
        kind = annotated_text.kind_of(mark)
        known = self._fresh.get(kind) or self._single.get(mark)
        if known is None:
            known = self._judge(annotated_text.sighting_of(mark))
            if known.judgement.state is FreshnessState.FRESH:
                self._fresh[kind] = known
            else:
                # What came of the demand may differ from one to the next.
                self._single[mark] = known
        return known

    def _judge(self, sighting: Sighting) -> Judged:
        scope = self.reading.facts.scopes[sighting.scope_id].facts
        not_before = self.terms.not_before(scope)
        found = assess(sighting, scope, not_before, self.now, StaleReason.NOT_DEMANDED)
        if found.state is FreshnessState.STALE and found.reason is StaleReason.NOT_DEMANDED:
            found = replace(found, reason=self._reason(sighting, scope, not_before))
        return Judged(found, not_before)

    def coverage(self) -> Coverage:
        """Of the scopes that may hold a match.

        What is no longer configured is a gap as long as it has living resources; but totals leave those out.
        """
        removed_count = self.reading.name != "resourceTotals"
        rows = [row for row in self.reading.facts.scopes.values() if row.possible and self.reading.demand.scopes]
        scopes = [row.facts for row in rows if row.facts.configured or (row.holds and removed_count)]
        swept = [self._listed_at(scope) for scope in scopes]
        known = [instant for instant in swept if instant is not None]
        oldest = min(known) if known and len(known) == len(swept) else None
        return Coverage(oldest, tuple(self._gaps(scopes)))

    def gaps(self) -> tuple[Gap, ...]:
        """What was demanded as a whole and not listed since: the list's gaps, and the owners of links."""
        if self.whole is None:
            return ()
        found = {gap.scope.scope_id: gap for gap in self.coverage().gaps}
        scopes = self.reading.facts.scopes
        rest = [scopes[scope_id].facts for scope_id in sorted(self.whole) if scopes[scope_id].facts.configured]
        return tuple(({gap.scope.scope_id: gap for gap in self._gaps(rest)} | found).values())

    def _gaps(self, scopes: Iterable[ScopeFacts]) -> Iterable[Gap]:
        for scope in scopes:
            listed_at = self._listed_at(scope)
            if not scope.configured:
                yield Gap(scope, StaleReason.NOT_CONFIGURED)
            elif listed_at is None or listed_at < self.terms.not_before(scope):
                yield Gap(scope, self._scope_reason(scope))

    def _listed_at(self, scope: ScopeFacts) -> datetime | None:
        return scope.swept_at if scope.swept_at is not None and scope.swept_at <= self.now else None

    def _scope_reason(self, scope: ScopeFacts) -> StaleReason:
        if self.whole is None:
            return scope.problem or StaleReason.NOT_DEMANDED
        return self.settlement.scopes.get(scope.key) or scope.problem or StaleReason.DEADLINE

    def _reason(self, sighting: Sighting, scope: ScopeFacts, not_before: datetime) -> StaleReason:
        """What to say should it be stale: what came of this very demand first, then what the record knows."""
        demanded = self.demanded()
        if demanded is None or not demanded.of(sighting):
            return StaleReason.NOT_DEMANDED
        probed = sighting.probed_at is not None and sighting.probed_at >= not_before
        return (
            self.settlement.resources.get(sighting.resource_id)
            or self.settlement.scopes.get(scope.key)
            or (sighting.probe_problem if probed else None)
            or scope.problem
            or sighting.probe_problem
            or StaleReason.DEADLINE
        )
