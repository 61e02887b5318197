"""How an account fares, told from its scopes. Pure; the one place that decides it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from domain.enums import AccountState, ScopeState, StaleReason


@dataclass(frozen=True, slots=True)
class ScopeHealth:
    """What an account's state is told from. `listed` is whether the scope was ever listed completely."""

    configured: bool
    listed: bool
    state: ScopeState
    problem: StaleReason | None


def account_state(configured: bool, scopes: Iterable[ScopeHealth]) -> AccountState:
    """The worst that is true, in this order.

    REMOVED: the account is not configured. AUTH_REJECTED: a scope's credentials were rejected. SUSPECT: a scope shows far less
    than it held. DOWN: every scope's last sweep failed. NEVER_SYNCED: no scope was ever listed completely. DEGRADED: a scope
    failed, was cut or was never listed. Else OK. Scopes that are no longer configured say nothing.
    """
    asked = [scope for scope in scopes if scope.configured]
    suspect = any(scope.state is ScopeState.SUSPECT or scope.problem is StaleReason.SUSPECT_SWEEP for scope in asked)
    truths = (
        (AccountState.REMOVED, not configured),
        (AccountState.AUTH_REJECTED, any(scope.problem is StaleReason.AUTH_REJECTED for scope in asked)),
        (AccountState.SUSPECT, suspect),
        (AccountState.DOWN, bool(asked) and all(scope.state is ScopeState.FAILED for scope in asked)),
        (AccountState.NEVER_SYNCED, not any(scope.listed for scope in asked)),
        (AccountState.DEGRADED, not all(scope.listed and scope.state is ScopeState.OK for scope in asked)),
    )
    return next((state for state, true in truths if true), AccountState.OK)
