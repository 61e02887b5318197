"""What explains answers, as the record keeps it."""

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
_INSTANTS = st.integers(0, 10**15).map(lambda passed: START + timedelta(microseconds=passed))
_SECONDS = st.floats(0, 100)
_CALLS = st.builds(CallTrace, _TEXTS, st.integers(1, 999), st.integers(200, 299), _SECONDS, st.none() | _TEXTS)
_READERS = st.integers(0, 9)
_TOLD = st.builds(ObservationTrace, sent_at=_INSTANTS, readers=_READERS, call=st.none() | _CALLS)
_ALL = st.builds(
    SweepTrace,
    _INSTANTS,
    _READERS,
    st.lists(_CALLS, max_size=3).map(tuple),
    st.lists(st.lists(_TEXTS).map(tuple), max_size=3).map(tuple),
)
_TRIES = st.lists(st.builds(FailedFlight, number=st.integers(1, 9), sent_at=_INSTANTS), max_size=5).map(tuple)


@given(told=st.none() | _TOLD)
def test_of_a_resource(told: ObservationTrace | None) -> None:
    """It is read as it was written."""
    assert told == decode_trace(encode_trace(told))


@given(told=st.none() | _ALL)
def test_of_a_scope(told: SweepTrace | None) -> None:
    """It is read as it was written."""
    assert told == decode_sweep_trace(encode_sweep_trace(told))


@given(tries=_TRIES)
def test_of_what_failed(tries: tuple[FailedFlight, ...]) -> None:
    """It is read as it was written; none is no text at all."""
    text = encode_failures(tries)

    assert tries == decode_failures(text)
    assert (text is None) == (tries == ())
