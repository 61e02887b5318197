"""What explains answers, as compact JSON: arrays, since every resource has one."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

from domain.instants import from_text, to_text
from domain.observation import CallTrace
from domain.telling import FailedTry, Told, ToldAll
from domain.words import ObservationSource, StaleReason


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def told_text(told: Told | None) -> str | None:
    """One resource's."""
    if told is None:
        return None
    call = None if told.call is None else astuple(told.call)
    return _text((told.source.value, to_text(told.sent_at), told.readers, call))


def read_told(text: str | None) -> Told | None:
    """As `told_text` wrote it."""
    if text is None:
        return None
    source, sent_at, readers, call = json.loads(text)
    return Told(ObservationSource(source), from_text(sent_at), readers, None if call is None else CallTrace(*call))


def told_all_text(told: ToldAll | None) -> str | None:
    """One scope's."""
    if told is None:
        return None
    return _text((to_text(told.sent_at), told.readers, [astuple(call) for call in told.calls], told.ids))


def read_told_all(text: str | None) -> ToldAll | None:
    """As `told_all_text` wrote it."""
    if text is None:
        return None
    sent_at, readers, calls, ids = json.loads(text)
    return ToldAll(from_text(sent_at), readers, tuple(CallTrace(*call) for call in calls), tuple(map(tuple, ids)))


def tries_text(tries: tuple[FailedTry, ...]) -> str | None:
    """Null where there are none."""
    if not tries:
        return None
    return _text([(one.number, one.source.value, to_text(one.sent_at), one.reason.value) for one in tries])


def read_tries(text: str | None) -> tuple[FailedTry, ...]:
    """As `tries_text` wrote them."""
    told: list[Any] = [] if text is None else json.loads(text)
    return tuple(
        FailedTry(number, ObservationSource(source), from_text(sent_at), StaleReason(reason))
        for number, source, sent_at, reason in told
    )
