"""What explains answers, as the record keeps it."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from db.telling import read_told, read_told_all, read_tries, told_all_text, told_text, tries_text
from domain.observation import CallTrace
from domain.telling import FailedTry, Told, ToldAll
from tests.clock import START

_TEXTS = st.text(max_size=8)
_INSTANTS = st.integers(0, 10**15).map(lambda passed: START + timedelta(microseconds=passed))
_SECONDS = st.floats(0, 100)
_CALLS = st.builds(CallTrace, _TEXTS, st.integers(1, 999), st.integers(200, 299), _SECONDS, st.none() | _TEXTS)
_READERS = st.integers(0, 9)
_TOLD = st.builds(Told, sent_at=_INSTANTS, readers=_READERS, call=st.none() | _CALLS)
_ALL = st.builds(
    ToldAll,
    _INSTANTS,
    _READERS,
    st.lists(_CALLS, max_size=3).map(tuple),
    st.lists(st.lists(_TEXTS).map(tuple), max_size=3).map(tuple),
)
_TRIES = st.lists(st.builds(FailedTry, number=st.integers(1, 9), sent_at=_INSTANTS), max_size=5).map(tuple)


@given(told=st.none() | _TOLD)
def test_of_a_resource(told: Told | None) -> None:
    """It is read as it was written."""
    assert told == read_told(told_text(told))


@given(told=st.none() | _ALL)
def test_of_a_scope(told: ToldAll | None) -> None:
    """It is read as it was written."""
    assert told == read_told_all(told_all_text(told))


@given(tries=_TRIES)
def test_of_what_failed(tries: tuple[FailedTry, ...]) -> None:
    """It is read as it was written; none is no text at all."""
    text = tries_text(tries)

    assert tries == read_tries(text)
    assert (text is None) == (tries == ())
