"""Ages, after the rules of truth: when something was last seen, whether that is enough, and why it is no newer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.records.model import ResourceRecord, ScopeRecord
from tests.equality.world import Account

_LONGEST = 1e9


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader wants: a max age in seconds, None for the account's own; force; and when it arrived."""

    arrived: datetime
    max_age: float | None = None
    force: bool = False

    def since(self, account: Account) -> datetime:
        """The earliest moment at which a flight that is new enough was sent."""
        age = account.cooldown_seconds if self.max_age is None else self.max_age
        return self.arrived if self.force else self.arrived - timedelta(seconds=min(age, _LONGEST))


@dataclass(frozen=True, slots=True)
class Age:
    """What is told of one resource's age, in the words of the graph."""

    state: str
    seen: datetime | None
    seconds: float | None
    source: str | None
    reason: str | None
    missing_since: datetime | None


def listed_last(resource: ResourceRecord, scope: ScopeRecord, now: datetime) -> bool:
    """Whether the newest flight that saw it was its scope's last complete sweep."""
    if resource.live.status == "DELETED" or resource.missing_since is not None:
        return False
    return scope.swept_no > resource.seen_no and scope.swept_at is not None and scope.swept_at <= now


def age_of(
    resource: ResourceRecord, scope: ScopeRecord, account: Account, wish: Wish, now: datetime, why: str | None
) -> Age:
    """Judge. `why` is the reason to tell if it is simply too old."""
    seen, source = (
        (scope.swept_at, "SWEEP")
        if listed_last(resource, scope, now)
        else (resource.seen_at, str(resource.seen_source))
    )
    if seen is None or seen > now:
        seen, told_source, seconds = None, None, None
    else:
        told_source, seconds = source, (now - seen).total_seconds()
    missing = resource.missing_since
    if resource.live.status == "DELETED":
        return Age("FRESH", seen, seconds, told_source, None, None)
    if not configured(scope, account):
        return Age("STALE", seen, seconds, told_source, "NOT_CONFIGURED", missing)
    if missing is not None:
        return Age("UNCONFIRMED", seen, seconds, told_source, "ABSENT", missing)
    if seen is not None and seen >= wish.since(account):
        return Age("FRESH", seen, seconds, told_source, None, None)
    return Age("STALE", seen, seconds, told_source, why, None)


def configured(scope: ScopeRecord, account: Account) -> bool:
    """Whether somebody still asks there."""
    return scope.configured and account.configured


def sweep_ended(scope: ScopeRecord, account: Account, wish: Wish, now: datetime) -> bool:
    """Whether a sweep that is new enough has ended, whatever it said; what is no longer configured is settled at once."""
    if not configured(scope, account):
        return True
    return scope.tried_at is not None and wish.since(account) <= scope.tried_at <= now


def probe_ended(resource: ResourceRecord, wish: Wish, account: Account, now: datetime) -> bool:
    """Whether a probe that is new enough has ended."""
    return resource.probed_at is not None and wish.since(account) <= resource.probed_at <= now
