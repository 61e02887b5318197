"""Encodes traces as compact JSON. They are arrays and not objects, because every resource row has one."""

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


def encode_trace(trace: ObservationTrace | None) -> str | None:
    """Encode the trace of a resource."""
    if trace is None:
        return None
    call = None if trace.call is None else astuple(trace.call)
    return _text((trace.source.value, to_text(trace.sent_at), trace.readers, call))


def decode_trace(text: str | None) -> ObservationTrace | None:
    """Decode a text that `encode_trace` wrote."""
    if text is None:
        return None
    source, sent_at, readers, call = json.loads(text)
    return ObservationTrace(
        ObservationSource(source), from_text(sent_at), readers, None if call is None else CallTrace(*call)
    )


def encode_sweep_trace(trace: SweepTrace | None) -> str | None:
    """Encode the trace of a scope's sweep."""
    if trace is None:
        return None
    return _text((to_text(trace.sent_at), trace.readers, [astuple(call) for call in trace.calls], trace.ids))


def decode_sweep_trace(text: str | None) -> SweepTrace | None:
    """Decode a text that `encode_sweep_trace` wrote."""
    if text is None:
        return None
    sent_at, readers, calls, ids = json.loads(text)
    return SweepTrace(from_text(sent_at), readers, tuple(CallTrace(*call) for call in calls), tuple(map(tuple, ids)))


def encode_failures(flights: tuple[FailedFlight, ...]) -> str | None:
    """Encode failed flights; return `None` if there are none."""
    if not flights:
        return None
    return _text(
        [(flight.number, flight.source.value, to_text(flight.sent_at), flight.reason.value) for flight in flights]
    )


def decode_failures(text: str | None) -> tuple[FailedFlight, ...]:
    """Decode a text that `encode_failures` wrote."""
    rows: list[Any] = [] if text is None else json.loads(text)
    return tuple(
        FailedFlight(number, ObservationSource(source), from_text(sent_at), StaleReason(reason))
        for number, source, sent_at, reason in rows
    )
