"""The calls of the last hour."""

from __future__ import annotations

import pytest

from domain.runtime_stats import CallCount
from reconcile.call_stats import CallCounter, saved_calls
from tests.clock import ManualClock


@pytest.mark.parametrize(("expected", "calls", "readers"), [(0, 3, 0), (0, 3, 1), (3, 3, 2), (147, 3, 50), (0, 0, 9)])
def test_sharing_saves_the_calls_of_every_reader_but_the_first(expected: int, calls: int, readers: int) -> None:
    """A background flight has no reader and saves nothing."""
    assert expected == saved_calls(calls, readers)


def test_the_counts_cover_one_hour() -> None:
    """To the minute, for each account."""
    clock = ManualClock()
    counter = CallCounter(clock)
    counter.add_call("east")
    clock.advance(1800)
    counter.add_call("east")
    counter.add_saved_calls("east", 7)
    after_half_an_hour = counter.count("east")
    clock.advance(1800)
    after_an_hour = counter.count("east")
    clock.advance(1800)

    assert (CallCount(2, 7), CallCount(1, 7), CallCount()) == (after_half_an_hour, after_an_hour, counter.count("east"))
    assert CallCount() == counter.count("west")


def test_setting_the_clock_changes_no_count() -> None:
    """Only steady time passes."""
    clock = ManualClock()
    counter = CallCounter(clock)
    counter.add_call("east")
    clock.step(86_400)

    assert CallCount(1, 0) == counter.count("east")
