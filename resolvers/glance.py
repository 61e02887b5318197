"""Whether all that was read is fresh, seen at a glance: the common case, without an object for each resource. Pure.

It says yes only where `resolvers.verdicts` would find every age fresh and `resolvers.wanting` nothing to ask for. Where an
account has a scope that was not listed in time, or a resource is missing, deleted or was probed, those look closer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.query import Reading
from db.query.annotated_text import is_asked, plainly_seen
from domain.freshness import Demand


@dataclass(slots=True)
class Glance:
    """What is fresh: when the oldest of it was seen, None where nothing was, and the accounts that were demanded."""

    oldest: datetime | None
    accounts: Collection[str]


def glance(reading: Reading, demand: Demand, arrived_at: datetime, now: datetime) -> Glance | None:
    """What a look at one reading shows; None where it must be looked at closer."""
    possible = reading.facts.listed_possible if reading.demand.scopes else ()
    if demand.force or possible is None:
        return None
    # By the default max age of each account, or by what is demanded of all of them.
    same = None if demand.max_age_seconds is None else arrived_at - timedelta(seconds=demand.max_age_seconds)
    accounts: set[str] = set()
    for scope in possible:
        if scope.first < (same or arrived_at - scope.cooldown) or scope.last > now:
            return None
        accounts.add(scope.account)
    listed = reading.facts.listed
    oldest: datetime | None = None
    for kind in reading.marked.kinds:
        told = plainly_seen(kind)
        if told is None or told[0] not in listed:
            return None
        scope = listed[told[0]]
        seen_at = scope.swept_at if scope.swept_no > told[1] else told[2]
        not_before = same or arrived_at - scope.cooldown
        if scope.first < not_before or seen_at < not_before or seen_at > now or scope.last > now:
            return None
        if is_asked(kind):
            accounts.add(scope.account)
        if oldest is None or seen_at < oldest:
            oldest = seen_at
    return Glance(oldest, accounts if reading.demand.live else ())
