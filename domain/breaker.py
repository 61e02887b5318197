"""The breaker of a scope: what its failures and its hold say of the next try. Pure."""

from __future__ import annotations

from datetime import datetime

from domain.enums import BreakerState


def breaker_state(failures: int, hold_until: datetime | None, now: datetime) -> BreakerState:
    """OPEN while a hold lasts; HALF_OPEN from its end until the next try, which is a trial; CLOSED where nothing failed."""
    if hold_until is not None and hold_until > now:
        return BreakerState.OPEN
    return BreakerState.HALF_OPEN if failures > 0 else BreakerState.CLOSED
