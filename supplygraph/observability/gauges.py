"""How accounts and scopes stand, as gauges: set anew whenever the metrics are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, Gauge

from domain.enums import AccountState, BreakerState, ScopeState
from domain.timestamps import from_text

_SCOPE: Final = ("account", "kind", "region")


class Gauges:
    """Registered once; what is no longer configured is left out."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"supplygraph_{name}", text, labels, registry=registry)

        self._state = gauge("account_state", "1 for the state that the account is in.", "account", "state")
        self._budget = gauge("budget_remaining", "Calls that could be sent at once, where a budget is kept.", "account")
        self._resources = gauge("scope_resources", "Living resources.", *_SCOPE)
        self._missing = gauge("scope_missing", "Resources that the last complete listing lacks.", *_SCOPE)
        self._suspect = gauge("scope_suspect", "1 while the scope is suspect.", *_SCOPE)
        self._breaker = gauge("scope_breaker", "1 for the state that the breaker is in.", *_SCOPE, "state")
        self._caches = gauge("cache_fill", "How full a cache is, 1 at its bound.", "cache")
        self._swept = gauge("scope_swept_timestamp_seconds", "When the last complete listing was sent.", *_SCOPE)

    def show(self, accounts: Sequence[Mapping[str, Any]], caches: Mapping[str, float]) -> None:
        """Set them all. `caches` tells how full each is."""
        for name, fill in caches.items():
            self._caches.labels(name).set(fill)
        every = (self._state, self._budget, self._resources, self._missing, self._suspect, self._breaker, self._swept)
        for each in every:
            each.clear()
        for account in accounts:
            if account["state"] != AccountState.REMOVED:
                self._account(account)

    def _account(self, account: Mapping[str, Any]) -> None:
        name, budget = account["name"], account["budget"]
        for state in AccountState:
            self._state.labels(name, state.value).set(account["state"] == state)
        if budget is not None and budget["remaining"] is not None:
            self._budget.labels(name).set(budget["remaining"])
        for scope in account["scopes"]:
            if scope["state"] != ScopeState.REMOVED:
                self._scope((name, scope["kind"], scope["region"] or ""), scope)

    def _scope(self, labels: tuple[str, str, str], scope: Mapping[str, Any]) -> None:
        self._resources.labels(*labels).set(scope["resourceCount"])
        self._missing.labels(*labels).set(scope["missingCount"])
        self._suspect.labels(*labels).set(scope["state"] == ScopeState.SUSPECT)
        for state in BreakerState:
            self._breaker.labels(*labels, state.value).set(scope["breaker"] == state)
        if scope["sweptAt"] is not None:
            self._swept.labels(*labels).set(from_text(scope["sweptAt"]).timestamp())
