"""Time that passed, whatever was done to the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconcile.background.elapsed_clock import ElapsedClock, by_the_clock
from tests.clock import START


def test_a_step_forward_makes_nothing_older() -> None:
    """Ten seconds stay ten seconds when the clock jumps by an hour between them."""
    steady = ElapsedClock()
    steady.sample(START, 0)
    steady.sample(START + timedelta(hours=1, seconds=10), 10)
    assert 10 == steady.elapsed(START, START + timedelta(hours=1, seconds=10))


def test_what_was_recorded_before_this_process_is_as_old_as_the_process() -> None:
    """The clock may have been set while nobody looked, so patience begins anew with a restart."""
    steady = ElapsedClock()
    steady.sample(START, 500)
    steady.sample(START + timedelta(seconds=7), 507)
    assert 7 == steady.elapsed(START - timedelta(days=1), START + timedelta(seconds=7))


@given(moves=st.lists(st.tuples(st.floats(0, 500), st.floats(-5000, 5000)), min_size=1, max_size=20))
def test_never_more_time_has_passed_than_really_did(moves: list[tuple[float, float]]) -> None:
    """Whatever steps the clock makes, both ways, between whichever two samples."""
    steady, loop_time, now = ElapsedClock(), 0.0, START
    noted: list[tuple[datetime, float]] = []
    for passed, step in moves:
        loop_time += passed
        now += timedelta(seconds=passed + step)
        steady.sample(now, loop_time)
        noted.append((now, loop_time))
    until, ended = noted[-1]
    for since, began in noted:
        assert steady.elapsed(since, until) <= ended - began + 2.5 * len(moves)


@given(passed=st.floats(0, 1e6))
def test_without_steps_it_is_the_clocks_own_time(passed: float) -> None:
    """To the microsecond."""
    steady = ElapsedClock()
    steady.sample(START, 0)
    until = START + timedelta(seconds=passed)
    steady.sample(until, passed)
    assert abs(steady.elapsed(START, until) - by_the_clock(START, until)) < 1e-3
