"""Whether all that was read is fresh, seen at a glance: the common case, without an object for each resource. Pure.

It says yes only where `resolvers.verdicts` would find every age fresh and `resolvers.wanting` nothing to ask for. Where an
account has a scope that was not listed in time, or a resource is missing, deleted or was probed, those look closer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.reading import Reading
from db.reading.facts import Listed
from db.reading.marks import is_asked, plainly_seen
from domain.freshness import Demand


@dataclass(frozen=True, slots=True)
class Glance:
    """What is fresh: when the oldest of it was seen, None where nothing was, and the accounts that were demanded."""

    oldest: datetime | None
    accounts: frozenset[str]


def glance(reading: Reading, demand: Demand, arrived_at: datetime, now: datetime) -> Glance | None:
    """What a look at one reading shows; None where it must be looked at closer."""
    possible = reading.facts.listed_possible if reading.demand.scopes else ()
    if demand.force or possible is None:
        return None
    age = None if demand.max_age_seconds is None else timedelta(seconds=demand.max_age_seconds)
    if not _settled(possible, age, arrived_at, now):
        return None
    accounts = {scope.account for scope in possible}
    oldest: datetime | None = None
    for kind in reading.marked.kinds:
        told = plainly_seen(kind)
        scope = None if told is None else reading.facts.listed.get(told[0])
        if told is None or scope is None or not _settled((scope,), age, arrived_at, now):
            return None
        seen_at = scope.swept_at if scope.swept_no > told[1] else told[2]
        if not arrived_at - (scope.cooldown if age is None else age) <= seen_at <= now:
            return None
        if is_asked(kind):
            accounts.add(scope.account)
        oldest = seen_at if oldest is None or seen_at < oldest else oldest
    return Glance(oldest, frozenset(accounts) if reading.demand.live else frozenset())


def _settled(scopes: Iterable[Listed], age: timedelta | None, arrived_at: datetime, now: datetime) -> bool:
    """Whether all of their accounts were listed and tried late enough, and not in the future."""
    return all(
        arrived_at - (scope.cooldown if age is None else age) <= scope.first and scope.last <= now for scope in scopes
    )
