"""The state of the circuit breaker follows from failures and holds."""

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
    """The breaker is open during a hold, half open until the trial after it, and closed without failures."""
    until = None if hold is None else START + timedelta(seconds=hold)

    assert expected is breaker_state(failures, until, START)
