"""Gauges of accounts, scopes and caches. They are set each time the metrics are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, Gauge

from domain.enums import AccountState, BreakerState, ScopeState
from domain.timestamps import from_text

_SCOPE: Final = ("account", "kind", "region")


class Gauges:
    """Gauges of one registry. Accounts and scopes that are no longer configured are left out."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, documentation: str, *labels: str) -> Gauge:
            return Gauge(f"supplygraph_{name}", documentation, labels, registry=registry)

        self._state = gauge(
            "account_state", "1 for the current state of the account, 0 for the others.", "account", "state"
        )
        self._budget = gauge(
            "budget_remaining", "Vendor calls that the rate limits allow now; absent without rate limits.", "account"
        )
        self._resources = gauge("scope_resources", "Resources that are not deleted.", *_SCOPE)
        self._missing = gauge("scope_missing", "Resources that are missing from the last complete listing.", *_SCOPE)
        self._suspect = gauge("scope_suspect", "1 while the scope is suspect, otherwise 0.", *_SCOPE)
        self._breaker = gauge(
            "scope_breaker", "1 for the current state of the circuit breaker, 0 for the others.", *_SCOPE, "state"
        )
        self._caches = gauge("cache_fill", "Fill ratio of a cache, from 0 to 1.", "cache")
        self._swept = gauge(
            "scope_swept_timestamp_seconds", "Unix time at which the last complete listing was requested.", *_SCOPE
        )

    def show(self, accounts: Sequence[Mapping[str, Any]], caches: Mapping[str, float]) -> None:
        """Set all gauges. `caches` maps each cache to its fill ratio."""
        for name, fill in caches.items():
            self._caches.labels(name).set(fill)
        for gauge in (
            *(self._state, self._budget, self._resources, self._missing),
            *(self._suspect, self._breaker, self._swept),
        ):
            gauge.clear()
        for account in accounts:
            if account["state"] != AccountState.REMOVED:
                self._show_account(account)

    def _show_account(self, account: Mapping[str, Any]) -> None:
        name, budget = account["name"], account["budget"]
        for state in AccountState:
            self._state.labels(name, state.value).set(account["state"] == state)
        if budget is not None and budget["remaining"] is not None:
            self._budget.labels(name).set(budget["remaining"])
        for scope in account["scopes"]:
            if scope["state"] != ScopeState.REMOVED:
                self._show_scope((name, scope["kind"], scope["region"] or ""), scope)

    def _show_scope(self, labels: tuple[str, str, str], scope: Mapping[str, Any]) -> None:
        self._resources.labels(*labels).set(scope["resourceCount"])
        self._missing.labels(*labels).set(scope["missingCount"])
        self._suspect.labels(*labels).set(scope["state"] == ScopeState.SUSPECT)
        for state in BreakerState:
            self._breaker.labels(*labels, state.value).set(scope["breaker"] == state)
        if scope["sweptAt"] is not None:
            self._swept.labels(*labels).set(from_text(scope["sweptAt"]).timestamp())
