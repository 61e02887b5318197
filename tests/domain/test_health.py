"""What failures and holds say of the next try."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.enums import BreakerState
from domain.health import breaker_state
from tests.clock import START


@pytest.mark.parametrize(
    ("expected", "failures", "hold"),
    [
        (BreakerState.CLOSED, 0, None),
        (BreakerState.CLOSED, 0, -1),
        (BreakerState.OPEN, 1, 1),
        (BreakerState.OPEN, 7, 3600),
        (BreakerState.HALF_OPEN, 1, 0),
        (BreakerState.HALF_OPEN, 1, -5),
        (BreakerState.HALF_OPEN, 2, None),
    ],
)
def test_the_breaker(expected: BreakerState, failures: int, hold: float | None) -> None:
    """Open while a hold lasts, half open until the trial that follows it, closed where nothing failed."""
    until = None if hold is None else START + timedelta(seconds=hold)

    assert expected is breaker_state(failures, until, START)
