"""The truth about the ages in one root field's answer: of each resource, of the list, and of what was demanded beyond."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from db.reading import Coverage, Gap, Reading
from domain.freshness import Judgement, ScopeFacts, Sighting, judge
from domain.words import StaleReason
from reconcile.wants import Settlement
from resolvers.wanting import Demanded, Terms


@dataclass(frozen=True, slots=True)
class Judged:
    """One resource's judgement, and the instant it was judged against."""

    judgement: Judgement
    not_before: datetime


@dataclass(slots=True)
class Verdicts:
    """Judges what one reading holds. `demanded` is None where the root field demanded nothing."""

    reading: Reading
    terms: Terms
    demanded: Demanded | None
    settlement: Settlement
    now: datetime
    judged: dict[UUID, Judged] = field(default_factory=dict)

    def resource(self, sighting: Sighting) -> Judgement:
        """By its scope, against this root field's demand; each resource once."""
        known = self.judged.get(sighting.resource_id)
        if known is None:
            scope = self.reading.facts.scopes[sighting.scope_id].facts
            not_before = self.terms.not_before(scope)
            reason = self._reason(sighting, scope, not_before)
            known = Judged(judge(sighting, scope, not_before, self.now, reason), not_before)
            self.judged[sighting.resource_id] = known
        return known.judgement

    def coverage(self) -> Coverage:
        """Of the scopes that may hold a match.

        What is no longer configured is a gap as long as it has living resources; but totals leave those out.
        """
        removed_count = self.reading.plan.name != "resourceTotals"
        rows = [row for row in self.reading.facts.scopes.values() if row.possible and self.reading.plan.demand.scopes]
        scopes = [row.facts for row in rows if row.facts.configured or (row.holds and removed_count)]
        swept = [self._listed_at(scope) for scope in scopes]
        known = [instant for instant in swept if instant is not None]
        oldest = min(known) if known and len(known) == len(swept) else None
        return Coverage(oldest, tuple(self._gaps(scopes)))

    def gaps(self) -> tuple[Gap, ...]:
        """What was demanded as a whole and not listed since: the list's gaps, and the owners of links."""
        if self.demanded is None:
            return ()
        found = {gap.scope.scope_id: gap for gap in self.coverage().gaps}
        scopes = self.reading.facts.scopes
        rest = [scopes[scope_id].facts for scope_id in sorted(self.demanded.whole) if scopes[scope_id].facts.configured]
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
        if self.demanded is None:
            return scope.problem or StaleReason.NOT_DEMANDED
        return self.settlement.scopes.get(scope.key) or scope.problem or StaleReason.DEADLINE

    def _reason(self, sighting: Sighting, scope: ScopeFacts, not_before: datetime) -> StaleReason:
        """What to say should it be stale: what came of this very demand first, then what the record knows."""
        if self.demanded is None or not self.demanded.of(sighting):
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
