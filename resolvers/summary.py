"""What `extensions.freshness` tells of a whole operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from db.reading import Gap
from domain.words import FreshnessState
from reconcile.wants import Settlement
from resolvers.verdicts import Judged, Verdicts

_WORSE: Final = (FreshnessState.FRESH, FreshnessState.STALE, FreshnessState.UNCONFIRMED)


@dataclass(frozen=True, slots=True)
class Summary:
    """Each resource whose age was told or mattered counts once, by the worst that was said of it.

    `gaps` are of what was demanded. `shared`: a flight was joined that another reader had started.
    """

    fresh: int = 0
    stale: int = 0
    unconfirmed: int = 0
    oldest_age_seconds: float | None = None
    vendor_calls: int = 0
    shared: bool = False
    gaps: tuple[Gap, ...] = ()

    def to_extensions(self) -> dict[str, object]:
        """As the response shows it."""
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


@dataclass(frozen=True, slots=True)
class OperationAnswer:
    """Data or a ReaderError for each root field's key, and the ages in them.

    `judged` holds each resource's judgement and what it was judged against. `settlement` is None where nothing was asked.
    """

    answers: Mapping[str, object]
    summary: Summary
    judged: Mapping[UUID, Judged] = field(default_factory=dict)
    settlement: Settlement | None = None


def worst(verdicts: Iterable[Verdicts]) -> dict[UUID, Judged]:
    """Of each resource the worst that was said of it."""
    found: dict[UUID, Judged] = {}
    for each in verdicts:
        for resource_id, judged in each.judged.items():
            known = found.get(resource_id)
            if known is None or _badness(known) < _badness(judged):
                found[resource_id] = judged
    return found


def summarised(verdicts: Iterable[Verdicts], judged: Mapping[UUID, Judged], settlement: Settlement | None) -> Summary:
    """Over all root fields."""
    states = Counter(one.judgement.state for one in judged.values())
    ages = [age for one in judged.values() if (age := one.judgement.age_seconds) is not None]
    gaps = {gap.scope.key: gap for each in verdicts for gap in each.gaps()}
    return Summary(
        states[FreshnessState.FRESH],
        states[FreshnessState.STALE],
        states[FreshnessState.UNCONFIRMED],
        max(ages, default=None),
        0 if settlement is None else settlement.calls,
        settlement is not None and settlement.shared,
        tuple(gaps.values()),
    )


def _badness(judged: Judged) -> int:
    return _WORSE.index(judged.judgement.state)
