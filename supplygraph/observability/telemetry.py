"""What the gateway tells of itself: metrics for Prometheus, a line for each request, flight and breakdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from domain.errors import DatabaseUnavailable
from reconcile.call_stats import CallCounter, saved_calls
from reconcile.reports import FlightReport
from supplygraph.observability.gauges import Gauges
from supplygraph.observability.logs import logger, tell_request

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_AGES: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 900, 3_600, 86_400)


class Telemetry:
    """Told by the transport, the reconciler and the HTTP side. Nothing here blocks or raises. One of it an application."""

    def __init__(self, hourly: CallCounter | None = None) -> None:
        self._hourly = hourly
        self._registry = CollectorRegistry()
        self._gauges = Gauges(self._registry)
        self._requests = Counter(
            "supplygraph_requests", "Requests by route.", ("route", "method", "status"), registry=self._registry
        )
        self._request_seconds = Histogram(
            "supplygraph_request_seconds",
            "Seconds until a request was answered.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._calls = Counter(
            "supplygraph_vendor_calls",
            "Calls to vendors, repeated ones included.",
            ("account", "operation", "outcome"),
            registry=self._registry,
        )
        self._flights = Histogram(
            "supplygraph_flight_seconds",
            "Seconds from a flight's sending to its end.",
            ("account", "what", "outcome"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._ended = Counter(
            "supplygraph_flights",
            "Flights that ended; the reason is empty where all was told.",
            ("account", "what", "outcome", "reason"),
            registry=self._registry,
        )
        self._saved = Counter(
            "supplygraph_calls_saved",
            "Vendor calls that readers were spared by sharing flights.",
            ("account",),
            registry=self._registry,
        )
        operations = Counter(
            "supplygraph_operations",
            "Valid operations: answered as a plan, or rendered by graphql-core.",
            ("path",),
            registry=self._registry,
        )
        self._ran = {True: operations.labels("plan"), False: operations.labels("rendered")}
        self._short = (
            self._requests.labels("/graphql", "POST", "200"),
            self._request_seconds.labels("/graphql"),
        )
        self._ages = Histogram(
            "supplygraph_served_age_seconds",
            "Age of the oldest value in an answer.",
            buckets=_AGES,
            registry=self._registry,
        )

    def exposition(
        self, accounts: Sequence[Mapping[str, Any]] = (), caches: Mapping[str, float] = MappingProxyType({})
    ) -> bytes:
        """All metrics in Prometheus' text format. `accounts` is how they stand now (`supplygraph.observability.account_status`).

        `caches` tells how full each is.
        """
        self._gauges.show(accounts, caches)
        return generate_latest(self._registry)

    def request_ended(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count and log one request. `route` is the template: no id and no query string gets in."""
        self._requests.labels(route, method, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)
        logger("http").info("request", route=route, method=method, status=status, seconds=round(seconds, 4))

    def short_way_ended(self, seconds: float, correlation_id: str) -> None:
        """The same of an operation that came by the short way in."""
        self._short[0].inc()
        self._short[1].observe(seconds)
        tell_request(correlation_id, route="/graphql", method="POST", status=200, seconds=round(seconds, 4))

    def operation_ran(self, *, planned: bool) -> None:
        """Count one operation that was valid."""
        self._ran[planned].inc()

    def call_ended(self, account: str, operation: str, outcome: str, seconds: float) -> None:
        """Count one vendor call (`vendors.client.transport.CallObserver`)."""
        self._calls.labels(account, operation, outcome).inc()
        if self._hourly is not None:
            self._hourly.made(account)

    def flight_ended(self, report: FlightReport) -> None:
        """Count and log one flight (`reconcile.reports.Observer`)."""
        account = report.scope.account
        self._flights.labels(account, report.what, report.outcome).observe(max(0.0, report.seconds))
        self._ended.labels(account, report.what, report.outcome, report.reason or "").inc()
        saved = saved_calls(report.calls, report.readers)
        self._saved.labels(account).inc(saved)
        if self._hourly is not None:
            self._hourly.saved(account, saved)
        _tell_suspicion(report)
        log = logger("flights").info if report.reason is None else logger("flights").warning
        log(
            "flight",
            what=report.what,
            account=report.scope.account,
            kind=report.scope.kind.value,
            region=report.scope.region,
            number=report.number,
            outcome=report.outcome,
            reason=report.reason,
            detail=report.detail,
            seconds=round(report.seconds, 4),
            calls=report.calls,
            dropped=report.dropped,
            written=report.written,
            readers=report.readers,
        )

    def age_served(self, seconds: float) -> None:
        """Note the age of the oldest value of one answer."""
        self._ages.observe(seconds)

    def broke(self, what: str, error: BaseException) -> None:
        """Log an error of our own in the background (`reconcile.runner.ErrorListener`)."""
        if isinstance(error, DatabaseUnavailable):
            logger("background").error("database_unavailable", what=what, cause=error.cause)
        else:
            logger("background").error("task_failed", what=what, exc_info=error)


def _tell_suspicion(report: FlightReport) -> None:
    scope = report.scope
    named = {"account": scope.account, "kind": scope.kind.value, "region": scope.region, "number": report.number}
    if report.suspicion == "ended":
        logger("scopes").info("scope_recovered", **named)
    elif report.suspicion is not None:
        logger("scopes").warning("scope_suspect", since_now=report.suspicion == "begun", detail=report.doubt, **named)
