"""Freshness: when a resource was last seen, and whether that is recent enough. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.enums import FreshnessState, ObservationSource, StaleReason
from domain.records.model import ScopeKey


@dataclass(frozen=True, slots=True)
class Demand:
    """How fresh a reader wants the data to be. `None` selects the account's default. `force` means a max age of 0."""

    max_age_seconds: float | None = None
    force: bool = False
    max_wait_seconds: float | None = None

    def not_before(self, arrived_at: datetime, cooldown_seconds: float) -> datetime:
        """Return the earliest instant at which a flight that satisfies the demand may have been sent."""
        if self.force:
            return arrived_at
        age = cooldown_seconds if self.max_age_seconds is None else self.max_age_seconds
        return arrived_at - timedelta(seconds=age)


@dataclass(frozen=True, slots=True)
class ScopeFacts:
    """The facts about a scope that determine freshness. `cooldown_seconds` is its account's default max age."""

    scope_id: int
    key: ScopeKey
    configured: bool
    cooldown_seconds: float
    swept_no: int
    swept_at: datetime | None
    tried_at: datetime | None
    problem: StaleReason | None
    hold_until: datetime | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """The facts about a resource that determine its freshness."""

    resource_id: UUID
    scope_id: int
    seen_no: int
    seen_at: datetime
    source: ObservationSource
    missing_since: datetime | None
    deleted: bool
    probed_at: datetime | None
    probe_problem: StaleReason | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The freshness of one resource, as readers see it."""

    state: FreshnessState
    observed_at: datetime | None
    age_seconds: float | None
    source: ObservationSource | None
    reason: StaleReason | None
    missing_since: datetime | None


def inherits(sighting: Sighting, swept_no: int, swept_at: datetime | None, now: datetime) -> bool:
    """Return whether the last complete sweep of its scope is the newest flight that saw the resource.

    Otherwise that flight is the one written to the resource's own row.
    """
    listed = sighting.missing_since is None and not sighting.deleted and swept_no > sighting.seen_no
    return listed and swept_at is not None and swept_at <= now


def last_seen(
    sighting: Sighting, swept_no: int, swept_at: datetime | None, now: datetime
) -> tuple[datetime | None, ObservationSource | None]:
    """Return when the newest flight that saw the resource was sent, and the kind of that flight.

    This is the last complete sweep of its scope, unless the resource is missing or deleted, or its own sighting has a higher
    number. An instant in the future gives no age, so the result is then `(None, None)`.
    """
    if swept_at is not None and inherits(sighting, swept_no, swept_at, now):
        return swept_at, ObservationSource.SWEEP
    if sighting.seen_at <= now:
        return sighting.seen_at, sighting.source
    return None, None


def assess(
    sighting: Sighting,
    scope: ScopeFacts,
    not_before: datetime,
    now: datetime,
    reason: StaleReason,
) -> Assessment:
    """Assess one resource against one demand. `reason` is reported if the resource is stale."""
    observed_at, source = last_seen(sighting, scope.swept_no, scope.swept_at, now)
    age = None if observed_at is None else max(0.0, (now - observed_at).total_seconds())
    if sighting.deleted:
        # A tombstone is final: no vendor response can make it newer, so it satisfies every demand.
        return Assessment(FreshnessState.FRESH, observed_at, age, source, None, None)
    if not scope.configured:
        return Assessment(
            FreshnessState.STALE, observed_at, age, source, StaleReason.NOT_CONFIGURED, sighting.missing_since
        )
    if sighting.missing_since is not None:
        return Assessment(
            FreshnessState.UNCONFIRMED, observed_at, age, source, StaleReason.ABSENT, sighting.missing_since
        )
    if observed_at is not None and observed_at >= not_before:
        return Assessment(FreshnessState.FRESH, observed_at, age, source, None, None)
    return Assessment(FreshnessState.STALE, observed_at, age, source, reason, None)


def scope_settled(scope: ScopeFacts, not_before: datetime, now: datetime) -> bool:
    """Return whether a sweep of the scope sent at or after `not_before` has ended, with whatever result."""
    return not scope.configured or (
        scope.tried_at is not None and scope.tried_at <= now and scope.tried_at >= not_before
    )


def sighting_settled(sighting: Sighting, scope: ScopeFacts, not_before: datetime, now: datetime) -> bool:
    """Return whether a flight that could have seen the resource was sent at or after `not_before` and has ended."""
    if sighting.deleted or scope_settled(scope, not_before, now):
        return True
    return sighting.probed_at is not None and not_before <= sighting.probed_at <= now
