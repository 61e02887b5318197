"""What `extensions.freshness` tells of a whole operation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from db.query import Gap
from domain.enums import FreshnessState
from domain.errors import ReaderError
from reconcile.requests import RefreshResult
from resolvers.verdicts import Judged, Verdicts

_WORSE: Final = (FreshnessState.FRESH, FreshnessState.STALE, FreshnessState.UNCONFIRMED)


@dataclass(slots=True)
class Summary:
    """Each resource whose age was told or mattered counts once, by the worst that was said of it.

    `gaps` are of what was demanded. `shared`: a flight was joined that another reader had started. Not frozen: one is made for
    each request.
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


@dataclass
class OperationAnswer:
    """For each root field's key its answer, as JSON, or the ReaderError to tell in its place; and the ages in them.

    `judging` gives the verdicts. Not frozen: one is made for each request.
    """

    texts: Mapping[str, bytes | ReaderError]
    summary: Summary
    judging: Callable[[], Sequence[Verdicts]] = tuple

    @cached_property
    def answers(self) -> Mapping[str, Any]:
        """The same, decoded."""
        return {key: told if isinstance(told, ReaderError) else json.loads(told) for key, told in self.texts.items()}

    @cached_property
    def judged(self) -> Mapping[UUID, Judged]:
        """Each resource's judgement, the worst that was said of it, and what it was judged against."""
        return {UUID(resource_id.decode()): judged for resource_id, judged in _worst(self.judging()).items()}


def summarised(verdicts: Sequence[Verdicts], settlement: RefreshResult | None) -> Summary:
    """Over all root fields."""
    fresh, stale, unconfirmed = _states(verdicts)
    gaps = {gap.scope.key: gap for each in verdicts for gap in each.gaps()}
    return Summary(
        fresh,
        stale,
        unconfirmed,
        max((age for each in verdicts for age in each.ages()), default=None),
        0 if settlement is None else settlement.calls,
        settlement is not None and settlement.shared,
        tuple(gaps.values()),
    )


def _states(verdicts: Sequence[Verdicts]) -> tuple[int, int, int]:
    if all(each.all_fresh() for each in verdicts):
        return len(set[bytes]().union(*(each.reading.marked.ids for each in verdicts))), 0, 0
    states = Counter(one.judgement.state for one in _worst(verdicts).values())
    return states[FreshnessState.FRESH], states[FreshnessState.STALE], states[FreshnessState.UNCONFIRMED]


def _worst(verdicts: Iterable[Verdicts]) -> dict[bytes, Judged]:
    found: dict[bytes, Judged] = {}
    for each in verdicts:
        for resource_id, judged in each.each():
            known = found.get(resource_id)
            if known is None or _badness(known) < _badness(judged):
                found[resource_id] = judged
    return found


def _badness(judged: Judged) -> int:
    return _WORSE.index(judged.judgement.state)
