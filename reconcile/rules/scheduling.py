"""What to do about a want: answer, join a flight, or send one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from domain.records.model import ScopeRecord

# An hour of a vendor's own asking, and some for the time that the flight took.
_LONGEST_HOLD: Final = timedelta(hours=1, minutes=5)
MOST_PROBES: Final = 3
"""A demand for more resources than this goes by sweep."""


class Action(Enum):
    """What to do."""

    SETTLED = auto()
    HELD = auto()
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
    """A want, reduced to what decides.

    `in_order` is whether the running sweep, as far as it was sent, was sent after this reader's arrival or need not be.
    `probes` is how many probes would serve, None where they cannot.
    """

    not_before: datetime
    in_order: bool = True
    probes: int | None = None
    sweep_calls: int = 1


def joins(underway: Underway, question: SchedulingInput, now: datetime) -> bool:
    """Whether the running sweep was, or will be, sent at or after what is wanted.

    Two clocks must agree: the record's, which tells age, and the order of events here, which no clock step upsets.
    """
    if not underway.running:
        return False
    if underway.sent_at is None:
        return True
    return question.not_before <= underway.sent_at <= now and question.in_order


def held_back(hold_until: datetime | None, now: datetime) -> bool:
    """Whether a hold lasts. One longer than any hold can be is what a clock that was set back makes of a past one."""
    return hold_until is not None and now < hold_until <= now + _LONGEST_HOLD


def impossible(hold_until: datetime | None, now: datetime) -> bool:
    """Whether a hold is longer than any can be: the clock was set back since it was made."""
    return hold_until is not None and hold_until > now + _LONGEST_HOLD


def never_swept(scope: ScopeRecord, now: datetime) -> bool:
    """Whether no complete sweep tells anything. One from the future tells no age, so it counts as none."""
    return scope.swept_at is None or scope.swept_at > now


def choose(scope: ScopeRecord, underway: Underway, question: SchedulingInput, now: datetime) -> Action:
    """Choose for one want of one scope."""
    tried = scope.tried_at
    if not scope.configured or (tried is not None and question.not_before <= tried <= now):
        return Action.SETTLED
    if joins(underway, question, now):
        return Action.JOIN_RUNNING
    if held_back(scope.hold_until, now):
        return Action.HELD
    fewer = question.probes is not None and question.probes < question.sweep_calls
    if question.probes is not None and (underway.running or fewer):
        return Action.PROBE
    if underway.queued:
        return Action.JOIN_QUEUED
    return Action.QUEUE if underway.running else Action.START


def hold_seconds(failures: int, base: float, longest: float, jitter: float) -> float:
    """How long a scope that failed so often in a row is left alone: doubling, at most `longest`.

    `jitter` in 0 to 1 adds up to a fifth, so that scopes that failed together do not return together.
    """
    doubled = base * float(2 ** min(max(failures, 1) - 1, 16))
    return min(doubled, longest) * (1 + 0.2 * jitter)
