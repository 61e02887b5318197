"""Decides on a refresh request: nothing, join a flight, or send one; and how long failures hold flights back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from domain.records.model import ScopeRecord

MAX_PROBES: Final = 3
"""A request for more resources than this is served by a sweep."""
# A vendor may ask for a pause, but not for ever.
_MAX_RETRY_AFTER: Final = timedelta(hours=1)
# The longest pause that a vendor can impose, and some time for the flight itself.
_MAX_HOLD: Final = timedelta(hours=1, minutes=5)


class Action(Enum):
    """The decision on a request for one scope."""

    SETTLED = auto()
    """Nothing: a sweep that is recent enough has ended, or the scope is not configured."""
    HELD = auto()
    """Nothing: the scope failed recently and must not be swept yet."""
    JOIN_RUNNING = auto()
    JOIN_QUEUED = auto()
    QUEUE = auto()
    START = auto()
    PROBE = auto()


@dataclass(frozen=True, slots=True)
class Underway:
    """The sweeps of a scope at this moment. `sent_at` is None while the running one has not been sent yet."""

    running: bool = False
    sent_at: datetime | None = None
    queued: bool = False


@dataclass(frozen=True, slots=True)
class SchedulingInput:
    """The parts of a request that decide about its action.

    `in_order` is whether the running sweep was sent after the reader arrived, or need not be, or was not sent yet.
    `probes` is how many probes would serve the request, None if probes cannot. `sweep_calls` is the cost of a sweep.
    """

    not_before: datetime
    in_order: bool = True
    probes: int | None = None
    sweep_calls: int = 1


def can_join(underway: Underway, demand: SchedulingInput, now: datetime) -> bool:
    """Whether the running sweep was, or will be, sent at or after the demanded time.

    Two clocks must agree: the database's, which measures age, and the order of events in this process, which no clock step
    changes.
    """
    if not underway.running:
        return False
    if underway.sent_at is None:
        return True
    return demand.not_before <= underway.sent_at <= now and demand.in_order


def is_held(hold_until: datetime | None, now: datetime) -> bool:
    """Whether a hold still lasts. A hold longer than possible is a past one, seen after the clock was set back."""
    return hold_until is not None and now < hold_until <= now + _MAX_HOLD


def is_impossible_hold(hold_until: datetime | None, now: datetime) -> bool:
    """Whether a hold is longer than possible, because the clock was set back since."""
    return hold_until is not None and hold_until > now + _MAX_HOLD


def is_never_swept(scope: ScopeRecord, now: datetime) -> bool:
    """Whether the scope has no complete sweep. One from the future does not count, because its age is unknown."""
    return scope.swept_at is None or scope.swept_at > now


def choose_action(scope: ScopeRecord, underway: Underway, demand: SchedulingInput, now: datetime) -> Action:
    """Choose the action for one request for one scope."""
    tried = scope.tried_at
    if not scope.configured or (tried is not None and demand.not_before <= tried <= now):
        return Action.SETTLED
    if can_join(underway, demand, now):
        return Action.JOIN_RUNNING
    if is_held(scope.hold_until, now):
        return Action.HELD
    fewer_calls = demand.probes is not None and demand.probes < demand.sweep_calls
    if demand.probes is not None and (underway.running or fewer_calls):
        return Action.PROBE
    if underway.queued:
        return Action.JOIN_QUEUED
    return Action.QUEUE if underway.running else Action.START


def hold_seconds(failures: int, base: float, longest: float, jitter: float) -> float:
    """Return the seconds for which to hold back a scope or resource after `failures` failures in a row.

    The time doubles from `base` to at most `longest`. `jitter` in 0 to 1 adds up to a fifth, so that scopes that failed
    together are not retried together.
    """
    doubled = base * float(2 ** min(max(failures, 1) - 1, 16))
    return min(doubled, longest) * (1 + 0.2 * jitter)


def hold_end(now: datetime, seconds: float, retry_at: datetime | None) -> datetime:
    """Return the end of a hold of `seconds`, or the vendor's own time for a retry if later, at most an hour from now."""
    end = now + timedelta(seconds=seconds)
    return end if retry_at is None else max(end, min(retry_at, now + _MAX_RETRY_AFTER))
