"""Calls of the last hour."""

from __future__ import annotations

import pytest

from domain.runtime_stats import CallCount
from reconcile.call_stats import CallCounter, saved_calls
from tests.clock import ManualClock


@pytest.mark.parametrize(("expected", "calls", "readers"), [(0, 3, 0), (0, 3, 1), (3, 3, 2), (147, 3, 50), (0, 0, 9)])
def test_sharing_saves_what_every_other_reader_would_have_cost(expected: int, calls: int, readers: int) -> None:
    """The flight's calls, once for each reader but the first; one in the background has none."""
    assert expected == saved_calls(calls, readers)


def test_an_hour_is_remembered_and_no_more() -> None:
    """By the minute; each account has its own."""
    clock = ManualClock()
    hourly = CallCounter(clock)
    hourly.add_call("east")
    clock.advance(1800)
    hourly.add_call("east")
    hourly.add_saved_calls("east", 7)
    half = hourly.count("east")
    clock.advance(1800)
    whole = hourly.count("east")
    clock.advance(1800)

    assert (CallCount(2, 7), CallCount(1, 7), CallCount()) == (half, whole, hourly.count("east"))
    assert CallCount() == hourly.count("west")


def test_setting_the_clock_forgets_nothing() -> None:
    """Steady time alone passes."""
    clock = ManualClock()
    hourly = CallCounter(clock)
    hourly.add_call("east")
    clock.step(86_400)

    assert CallCount(1, 0) == hourly.count("east")
