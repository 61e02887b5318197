"""The answer of an operation, and its summary in `extensions.freshness`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from db.query.placeholders import Gap
from domain.enums import FreshnessState
from domain.errors import ReaderError
from reconcile.requests import RefreshResult
from resolvers.freshness.report import DatedAssessment, FreshnessReport

_BY_SEVERITY: Final = (FreshnessState.FRESH, FreshnessState.STALE, FreshnessState.UNCONFIRMED)


@dataclass(slots=True)
class FreshnessSummary:
    """Counts resources by state, and summarizes the ages, calls and gaps of an answer.

    Each resource whose age is shown or matters counts once, by its worst state in the answer. `gaps` are the scopes that were
    demanded and not listed in time. `shared` is whether the read joined a flight that another reader had started. Not frozen,
    because one is created for each request.
    """

    fresh: int = 0
    stale: int = 0
    unconfirmed: int = 0
    oldest_age_seconds: float | None = None
    vendor_calls: int = 0
    shared: bool = False
    gaps: tuple[Gap, ...] = ()

    def to_extensions(self) -> dict[str, object]:
        """Return the value of `extensions.freshness`."""
        return {
            "fresh": self.fresh,
            "stale": self.stale,
            "unconfirmed": self.unconfirmed,
            "oldestAgeSeconds": self.oldest_age_seconds,
            "vendorCalls": self.vendor_calls,
            "gaps": [
                {
                    "account": gap.scope.key.account,
                    "kind": gap.scope.key.kind.value,
                    "region": gap.scope.key.region,
                    "reason": gap.reason.value,
                }
                for gap in self.gaps
            ],
        }


@dataclass
class OperationAnswer:
    """The answers of an operation's root fields, with their freshness.

    `texts` has, by response key, the answer as JSON or the error to report in its place. `reports` returns the freshness reports.
    Not frozen, because one is created for each request.
    """

    texts: Mapping[str, bytes | ReaderError]
    summary: FreshnessSummary
    reports: Callable[[], Sequence[FreshnessReport]] = tuple

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """The decoded answers, by response key."""
        return {key: text if isinstance(text, ReaderError) else json.loads(text) for key, text in self.texts.items()}

    @cached_property
    def assessments(self) -> Mapping[UUID, DatedAssessment]:
        """The worst assessment of each resource."""
        return {UUID(resource_id.decode()): worst for resource_id, worst in _worst(self.reports()).items()}


def summarize(reports: Sequence[FreshnessReport], result: RefreshResult | None) -> FreshnessSummary:
    """Return the summary over all root fields. `result` is None if nothing was refreshed."""
    fresh, stale, unconfirmed = _count_states(reports)
    gaps = {gap.scope.key: gap for report in reports for gap in report.gaps()}
    return FreshnessSummary(
        fresh,
        stale,
        unconfirmed,
        max((age for report in reports for age in report.ages()), default=None),
        0 if result is None else result.calls,
        result is not None and result.shared,
        tuple(gaps.values()),
    )


def _count_states(reports: Sequence[FreshnessReport]) -> tuple[int, int, int]:
    if all(report.all_fresh() for report in reports):
        return len(set[bytes]().union(*(report.root.text.ids for report in reports))), 0, 0
    states = Counter(dated.assessment.state for dated in _worst(reports).values())
    return states[FreshnessState.FRESH], states[FreshnessState.STALE], states[FreshnessState.UNCONFIRMED]


def _worst(reports: Iterable[FreshnessReport]) -> dict[bytes, DatedAssessment]:
    worst: dict[bytes, DatedAssessment] = {}
    for report in reports:
        for resource_id, dated in report.each():
            other = worst.get(resource_id)
            if other is None or _severity(other) < _severity(dated):
                worst[resource_id] = dated
    return worst


def _severity(dated: DatedAssessment) -> int:
    return _BY_SEVERITY.index(dated.assessment.state)
