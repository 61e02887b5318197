"""How healthy scopes and accounts are, judged from their recorded state. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.enums import AccountState, BreakerState, ScopeState, StaleReason


@dataclass(frozen=True, slots=True)
class ScopeHealth:
    """The facts about a scope that determine the state of its account.

    `listed` is true once the scope has been listed completely at least once.
    """

    configured: bool
    listed: bool
    state: ScopeState
    problem: StaleReason | None


def account_state(configured: bool, scopes: Iterable[ScopeHealth]) -> AccountState:
    """Return the worst state that applies to an account.

    The states are tested in this order:

    - REMOVED: the account is not configured.
    - AUTH_REJECTED: the vendor rejected the credentials of a scope.
    - SUSPECT: a scope shows far fewer resources than before.
    - DOWN: the last sweep of every scope failed.
    - NEVER_SYNCED: no scope was ever listed completely.
    - DEGRADED: a scope failed, was listed only in part or was never listed.
    - OK: none of the above.

    Scopes that are no longer configured are ignored.
    """
    active = [scope for scope in scopes if scope.configured]
    suspect = any(scope.state is ScopeState.SUSPECT or scope.problem is StaleReason.SUSPECT_SWEEP for scope in active)
    conditions = (
        (AccountState.REMOVED, not configured),
        (AccountState.AUTH_REJECTED, any(scope.problem is StaleReason.AUTH_REJECTED for scope in active)),
        (AccountState.SUSPECT, suspect),
        (AccountState.DOWN, bool(active) and all(scope.state is ScopeState.FAILED for scope in active)),
        (AccountState.NEVER_SYNCED, not any(scope.listed for scope in active)),
        (AccountState.DEGRADED, not all(scope.listed and scope.state is ScopeState.OK for scope in active)),
    )
    return next((state for state, applies in conditions if applies), AccountState.OK)


def breaker_state(failures: int, hold_until: datetime | None, now: datetime) -> BreakerState:
    """Return the state of a scope's circuit breaker.

    - OPEN: until `hold_until` no call is sent.
    - HALF_OPEN: the hold has ended, and the next sweep is a trial.
    - CLOSED: no failure is recorded.
    """
    if hold_until is not None and hold_until > now:
        return BreakerState.OPEN
    return BreakerState.HALF_OPEN if failures > 0 else BreakerState.CLOSED
