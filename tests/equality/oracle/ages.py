"""Ages by the rules of truth: when a resource was last seen, whether that is fresh enough, and why it is not newer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.records.model import ResourceRecord, ScopeRecord
from tests.equality.world import WorldAccount

_LONGEST = 1e9


@dataclass(frozen=True, slots=True)
class OracleDemand:
    """The demand of a reader: a max age in seconds (None: the account's own), force, and when the reader arrived."""

    arrived_at: datetime
    max_age: float | None = None
    force: bool = False

    def not_before(self, account: WorldAccount) -> datetime:
        """Return the earliest moment at which a flight that is new enough was sent."""
        age = account.cooldown_seconds if self.max_age is None else self.max_age
        return self.arrived_at if self.force else self.arrived_at - timedelta(seconds=min(age, _LONGEST))


@dataclass(frozen=True, slots=True)
class OracleAge:
    """The age of one resource, in the names of the schema."""

    state: str
    observed_at: datetime | None
    seconds: float | None
    source: str | None
    reason: str | None
    missing_since: datetime | None


def was_listed_last(resource: ResourceRecord, scope: ScopeRecord, now: datetime) -> bool:
    """Return whether the newest flight that saw the resource was the last complete sweep of its scope."""
    if resource.live.status == "DELETED" or resource.missing_since is not None:
        return False
    return scope.swept_no > resource.seen_no and scope.swept_at is not None and scope.swept_at <= now


def evaluate_age(
    resource: ResourceRecord,
    scope: ScopeRecord,
    account: WorldAccount,
    demand: OracleDemand,
    now: datetime,
    why: str | None,
) -> OracleAge:
    """Return the age of a resource. `why` is the reason if it is simply too old."""
    seen, source = (
        (scope.swept_at, "SWEEP")
        if was_listed_last(resource, scope, now)
        else (resource.seen_at, str(resource.seen_source))
    )
    if seen is None or seen > now:
        # An instant in the future gives no age.
        seen, age_source, seconds = None, None, None
    else:
        age_source, seconds = source, (now - seen).total_seconds()
    missing = resource.missing_since
    if resource.live.status == "DELETED":
        return OracleAge("FRESH", seen, seconds, age_source, None, None)
    if not is_configured(scope, account):
        return OracleAge("STALE", seen, seconds, age_source, "NOT_CONFIGURED", missing)
    if missing is not None:
        return OracleAge("UNCONFIRMED", seen, seconds, age_source, "ABSENT", missing)
    if seen is not None and seen >= demand.not_before(account):
        return OracleAge("FRESH", seen, seconds, age_source, None, None)
    return OracleAge("STALE", seen, seconds, age_source, why, None)


def is_configured(scope: ScopeRecord, account: WorldAccount) -> bool:
    """Return whether the scope is still swept."""
    return scope.configured and account.configured


def has_swept(scope: ScopeRecord, account: WorldAccount, demand: OracleDemand, now: datetime) -> bool:
    """Return whether a sweep that is new enough has ended, with any result; without a configuration there is none to wait for."""
    if not is_configured(scope, account):
        return True
    return scope.tried_at is not None and demand.not_before(account) <= scope.tried_at <= now


def has_probed(resource: ResourceRecord, demand: OracleDemand, account: WorldAccount, now: datetime) -> bool:
    """Return whether a probe that is new enough has ended."""
    return resource.probed_at is not None and demand.not_before(account) <= resource.probed_at <= now
