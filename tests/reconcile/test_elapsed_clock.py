"""The time that passed between two instants, whatever was done to the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconcile.elapsed_clock import ElapsedClock
from reconcile.rules.absence import clock_seconds
from tests.clock import START


def test_a_step_forward_makes_nothing_older() -> None:
    """Ten seconds stay ten seconds if the clock jumps by an hour between them."""
    clock = ElapsedClock()
    clock.sample(START, 0)
    clock.sample(START + timedelta(hours=1, seconds=10), 10)
    assert 10 == clock.elapsed(START, START + timedelta(hours=1, seconds=10))


def test_an_instant_before_this_process_is_as_old_as_the_process() -> None:
    """The clock may have been set while no process ran, so waiting starts again with a restart."""
    clock = ElapsedClock()
    clock.sample(START, 500)
    clock.sample(START + timedelta(seconds=7), 507)
    assert 7 == clock.elapsed(START - timedelta(days=1), START + timedelta(seconds=7))


@given(moves=st.lists(st.tuples(st.floats(0, 500), st.floats(-5000, 5000)), min_size=1, max_size=20))
def test_never_more_time_has_passed_than_really_did(moves: list[tuple[float, float]]) -> None:
    """Between any two samples, with any steps of the clock in both directions."""
    clock, steady, now = ElapsedClock(), 0.0, START
    samples: list[tuple[datetime, float]] = []
    for seconds, step in moves:
        steady += seconds
        now += timedelta(seconds=seconds + step)
        clock.sample(now, steady)
        samples.append((now, steady))
    until, end = samples[-1]
    for since, start in samples:
        assert clock.elapsed(since, until) <= end - start + 2.5 * len(moves)


@given(seconds=st.floats(0, 1e6))
def test_without_steps_the_clocks_own_time_has_passed(seconds: float) -> None:
    """To the millisecond."""
    clock = ElapsedClock()
    clock.sample(START, 0)
    until = START + timedelta(seconds=seconds)
    clock.sample(until, seconds)
    assert abs(clock.elapsed(START, until) - clock_seconds(START, until)) < 1e-3
