"""The freshness of one root field's answer: of each resource, and of the list as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from db.query import annotated_text
from db.query.placeholders import Coverage, Gap
from db.query.reader import RootResult
from domain.enums import FreshnessState, StaleReason
from domain.freshness import Assessment, ScopeFacts, Sighting, assess
from reconcile.requests import RefreshResult
from resolvers.freshness.targets import FreshnessDeadline, RefreshTargets


@dataclass(frozen=True, slots=True)
class DatedAssessment:
    """The assessment of one resource, and the instant with which its age was compared."""

    assessment: Assessment
    not_before: datetime


@dataclass
class FreshnessReport:
    """Assesses the resources and the coverage of one root field.

    `scopes` are the scopes that are demanded as a whole. `find_targets` returns all targets of the demand. Both are None if the
    root field demands nothing. Fresh resources that were seen by the same flights share one assessment.
    """

    root: RootResult
    deadline: FreshnessDeadline
    scopes: frozenset[int] | None
    find_targets: Callable[[], RefreshTargets | None]
    result: RefreshResult
    now: datetime
    _fresh: dict[bytes, DatedAssessment] = field(default_factory=dict)
    _single: dict[bytes, DatedAssessment] = field(default_factory=dict)

    def assess(self, sighting: bytes) -> Assessment:
        """Return the assessment of a resource, by its annotation in the text, against the demand."""
        return self._dated(sighting).assessment

    def all_fresh(self) -> bool:
        """Return whether every resource is fresh."""
        representatives = self.root.text.by_kind.values()
        return all(self._dated(sighting).assessment.state is FreshnessState.FRESH for sighting in representatives)

    def ages(self) -> list[float]:
        """Return the ages in seconds of the resources assessed so far. Resources that share an assessment count once."""
        dated = [*self._fresh.values(), *self._single.values()]
        return [age for each in dated if (age := each.assessment.age_seconds) is not None]

    def each(self) -> Iterable[tuple[bytes, DatedAssessment]]:
        """Yield the id and the assessment of every resource. A resource that is selected twice may occur twice."""
        for sighting in self.root.text.sightings:
            yield annotated_text.id_of(sighting), self._dated(sighting)

    def _dated(self, sighting: bytes) -> DatedAssessment:
        kind = annotated_text.kind_of(sighting)
        dated = self._fresh.get(kind) or self._single.get(sighting)
        if dated is None:
            dated = self._compute(annotated_text.sighting_of(sighting))
            if dated.assessment.state is FreshnessState.FRESH:
                self._fresh[kind] = dated
            else:
                # The result of the refresh may differ between resources.
                self._single[sighting] = dated
        return dated

    @cached_property
    def _targets(self) -> RefreshTargets | None:
        return self.find_targets()

    def _compute(self, sighting: Sighting) -> DatedAssessment:
        scope = self.root.accounts.scopes[sighting.scope_id].facts
        not_before = self.deadline.not_before(scope)
        assessment = assess(sighting, scope, not_before, self.now, StaleReason.NOT_DEMANDED)
        if assessment.state is FreshnessState.STALE and assessment.reason is StaleReason.NOT_DEMANDED:
            assessment = replace(assessment, reason=self._reason(sighting, scope, not_before))
        return DatedAssessment(assessment, not_before)

    def coverage(self) -> Coverage:
        """Return the coverage of the list: the scopes that may hold a match and were not listed in time are gaps.

        A scope that is no longer configured is a gap as long as it has living resources, except in totals, which do not count
        these resources.
        """
        counts_removed = self.root.name != "resourceTotals"
        rows = [row for row in self.root.accounts.scopes.values() if row.possible and self.root.demand.scopes]
        scopes = [row.facts for row in rows if row.facts.configured or (row.holds and counts_removed)]
        listings = [self._listed_at(scope) for scope in scopes]
        instants = [instant for instant in listings if instant is not None]
        oldest = min(instants) if instants and len(instants) == len(listings) else None
        return Coverage(oldest, tuple(self._gaps(scopes)))

    def gaps(self) -> tuple[Gap, ...]:
        """Return the scopes that were demanded as a whole and not listed in time: gaps of the list, and owners of links."""
        if self.scopes is None:
            return ()
        gaps = {gap.scope.scope_id: gap for gap in self.coverage().gaps}
        rows = self.root.accounts.scopes
        demanded = [rows[scope_id].facts for scope_id in sorted(self.scopes) if rows[scope_id].facts.configured]
        return tuple(({gap.scope.scope_id: gap for gap in self._gaps(demanded)} | gaps).values())

    def _gaps(self, scopes: Iterable[ScopeFacts]) -> Iterable[Gap]:
        for scope in scopes:
            listed_at = self._listed_at(scope)
            if not scope.configured:
                yield Gap(scope, StaleReason.NOT_CONFIGURED)
            elif listed_at is None or listed_at < self.deadline.not_before(scope):
                yield Gap(scope, self._scope_reason(scope))

    def _listed_at(self, scope: ScopeFacts) -> datetime | None:
        return scope.swept_at if scope.swept_at is not None and scope.swept_at <= self.now else None

    def _scope_reason(self, scope: ScopeFacts) -> StaleReason:
        if self.scopes is None:
            return scope.problem or StaleReason.NOT_DEMANDED
        return self.result.scopes.get(scope.key) or scope.problem or StaleReason.DEADLINE

    def _reason(self, sighting: Sighting, scope: ScopeFacts, not_before: datetime) -> StaleReason:
        """Return why a resource is stale: the result of this demand's refresh if there is one, else the recorded problem."""
        if self._targets is None or not self._targets.includes(sighting):
            return StaleReason.NOT_DEMANDED
        probed = sighting.probed_at is not None and sighting.probed_at >= not_before
        return (
            self.result.resources.get(sighting.resource_id)
            or self.result.scopes.get(scope.key)
            or (sighting.probe_problem if probed else None)
            or scope.problem
            or sighting.probe_problem
            or StaleReason.DEADLINE
        )
