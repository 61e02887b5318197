"""Traces are decoded as they were encoded."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from db.record.trace_codec import (
    decode_failures,
    decode_sweep_trace,
    decode_trace,
    encode_failures,
    encode_sweep_trace,
    encode_trace,
)
from domain.records.observation import CallTrace
from domain.records.traces import FailedFlight, ObservationTrace, SweepTrace
from tests.clock import START

_TEXTS = st.text(max_size=8)
_INSTANTS = st.integers(0, 10**15).map(lambda elapsed: START + timedelta(microseconds=elapsed))
_SECONDS = st.floats(0, 100)
_CALLS = st.builds(CallTrace, _TEXTS, st.integers(1, 999), st.integers(200, 299), _SECONDS, st.none() | _TEXTS)
_READERS = st.integers(0, 9)
_TRACES = st.builds(ObservationTrace, sent_at=_INSTANTS, readers=_READERS, call=st.none() | _CALLS)
_SWEEP_TRACES = st.builds(
    SweepTrace,
    _INSTANTS,
    _READERS,
    st.lists(_CALLS, max_size=3).map(tuple),
    st.lists(st.lists(_TEXTS).map(tuple), max_size=3).map(tuple),
)
_FAILURES = st.lists(st.builds(FailedFlight, number=st.integers(1, 9), sent_at=_INSTANTS), max_size=5).map(tuple)


@given(trace=st.none() | _TRACES)
def test_the_trace_of_a_resource(trace: ObservationTrace | None) -> None:
    """Encoding and decoding return an equal trace."""
    assert trace == decode_trace(encode_trace(trace))


@given(trace=st.none() | _SWEEP_TRACES)
def test_the_trace_of_a_scope(trace: SweepTrace | None) -> None:
    """Encoding and decoding return an equal trace."""
    assert trace == decode_sweep_trace(encode_sweep_trace(trace))


@given(flights=_FAILURES)
def test_failed_flights(flights: tuple[FailedFlight, ...]) -> None:
    """Encoding and decoding return equal flights. No flights are encoded as `None`."""
    text = encode_failures(flights)

    assert flights == decode_failures(text)
    assert (text is None) == (flights == ())
