"""What explains answers, as compact JSON: arrays, since every resource has one."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

from domain.enums import ObservationSource, StaleReason
from domain.records.observation import CallTrace
from domain.records.traces import FailedFlight, ObservationTrace, SweepTrace
from domain.timestamps import from_text, to_text


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def encode_trace(told: ObservationTrace | None) -> str | None:
    """One resource's."""
    if told is None:
        return None
    call = None if told.call is None else astuple(told.call)
    return _text((told.source.value, to_text(told.sent_at), told.readers, call))


def decode_trace(text: str | None) -> ObservationTrace | None:
    """As `encode_trace` wrote it."""
    if text is None:
        return None
    source, sent_at, readers, call = json.loads(text)
    return ObservationTrace(
        ObservationSource(source), from_text(sent_at), readers, None if call is None else CallTrace(*call)
    )


def encode_sweep_trace(told: SweepTrace | None) -> str | None:
    """One scope's."""
    if told is None:
        return None
    return _text((to_text(told.sent_at), told.readers, [astuple(call) for call in told.calls], told.ids))


def decode_sweep_trace(text: str | None) -> SweepTrace | None:
    """As `encode_sweep_trace` wrote it."""
    if text is None:
        return None
    sent_at, readers, calls, ids = json.loads(text)
    return SweepTrace(from_text(sent_at), readers, tuple(CallTrace(*call) for call in calls), tuple(map(tuple, ids)))


def encode_failures(tries: tuple[FailedFlight, ...]) -> str | None:
    """Null where there are none."""
    if not tries:
        return None
    return _text([(one.number, one.source.value, to_text(one.sent_at), one.reason.value) for one in tries])


def decode_failures(text: str | None) -> tuple[FailedFlight, ...]:
    """As `encode_failures` wrote them."""
    told: list[Any] = [] if text is None else json.loads(text)
    return tuple(
        FailedFlight(number, ObservationSource(source), from_text(sent_at), StaleReason(reason))
        for number, source, sent_at, reason in told
    )
