"""Sweeping in the background: how often, and whether at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from domain.ports import KeepFresh
from reconcile.background.missing_watch import pauses
from reconcile.background.refresh import pause, wanted

KEEP = KeepFresh(300, 60, 900)


@given(jitter=st.floats(0, 1), moving=st.booleans())
def test_the_cadence_is_higher_while_something_moves(jitter: float, moving: bool) -> None:
    """Never later than configured, and at most a tenth earlier, so that accounts drift apart."""
    told = pause(KEEP, moving=moving, jitter=jitter)
    configured = 60 if moving else 300
    assert 0.9 * configured <= told <= configured


def test_none_while_nobody_reads_if_so_configured() -> None:
    """Without `idle_seconds` it goes on always; with it, as long as a reader was there lately."""
    assert wanted(KeepFresh(300, 60), None, 0)
    assert not wanted(KEEP, None, 10_000)
    assert wanted(KEEP, 9_100, 10_000)
    assert not wanted(KEEP, 9_099, 10_000)


def test_a_scope_with_marks_sweeps_after_2_5_and_15_minutes_then_hourly() -> None:
    """Counted from the mark."""
    steps = pauses()
    at, times = 0.0, []
    for _ in range(5):
        at += next(steps)
        times.append(at / 60)
    assert [2, 5, 15, 75, 135] == times
