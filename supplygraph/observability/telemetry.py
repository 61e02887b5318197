"""Metrics for Prometheus, and log lines for requests, flights and internal errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from domain.errors import DatabaseUnavailable, RecordNotWritten
from reconcile.call_stats import CallCounter, saved_calls
from reconcile.reports import FlightReport
from supplygraph.observability.gauges import Gauges
from supplygraph.observability.logs import log_request, logger
from supplygraph.observability.pipeline_metrics import PipelineCollector

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_AGES: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 900, 3_600, 86_400)


class Telemetry:
    """Receives the events of the transport, the reconciler and the HTTP side. No method blocks or raises.

    Each application has one instance.
    """

    def __init__(self, hourly: CallCounter | None = None) -> None:
        self._hourly = hourly
        self._registry = registry = CollectorRegistry()
        self._gauges = Gauges(registry)

        def counter(name: str, documentation: str, *labels: str) -> Counter:
            return Counter(f"supplygraph_{name}", documentation, labels, registry=registry)

        def histogram(name: str, documentation: str, buckets: Sequence[float], *labels: str) -> Histogram:
            return Histogram(f"supplygraph_{name}", documentation, labels, registry=registry, buckets=buckets)

        self._requests = counter("requests", "HTTP requests by route.", "route", "method", "status")
        self._request_seconds = histogram("request_seconds", "Duration of HTTP requests in seconds.", _SECONDS, "route")
        self._calls = counter(
            "vendor_calls", "Calls to vendor APIs, retries included.", "account", "operation", "outcome"
        )
        self._flights = histogram(
            "flight_seconds", "Duration of flights in seconds.", _SECONDS, "account", "what", "outcome"
        )
        self._ended = counter(
            "flights",
            "Finished flights; the reason is empty if the flight was complete.",
            *("account", "what", "outcome", "reason"),
        )
        self._saved = counter("calls_saved", "Vendor calls saved because readers shared a flight.", "account")
        # By route, method and status, all of which are few: looking labels up takes longer than counting.
        self._by_request: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.pipeline = PipelineCollector()
        registry.register(self.pipeline)
        self._ages = histogram("served_age_seconds", "Age of the oldest value in a response, in seconds.", _AGES)

    def exposition(
        self, accounts: Sequence[Mapping[str, Any]] = (), caches: Mapping[str, float] = MappingProxyType({})
    ) -> bytes:
        """Return all metrics in the text format of Prometheus.

        `accounts` is the current result of `supplygraph.observability.account_status`. `caches` maps each cache to its
        fill ratio.
        """
        self._gauges.show(accounts, caches)
        return generate_latest(self._registry)

    def request_ended(self, route: str, method: str, status: int, seconds: float, correlation_id: str) -> None:
        """Count and log one request. `route` is the route template, without ids and query string."""
        key = route, method, status
        metrics = self._by_request.get(key)
        if metrics is None:
            counter, histogram = self._requests.labels(route, method, str(status)), self._request_seconds.labels(route)
            metrics = self._by_request[key] = counter, histogram
        metrics[0].inc()
        metrics[1].observe(seconds)
        log_request(correlation_id, route=route, method=method, status=status, seconds=round(seconds, 4))

    def call_ended(self, account: str, operation: str, outcome: str, seconds: float) -> None:
        """Count one vendor call. Implements `vendors.client.transport.CallObserver`."""
        self._calls.labels(account, operation, outcome).inc()
        if self._hourly is not None:
            self._hourly.add_call(account)

    def flight_ended(self, report: FlightReport) -> None:
        """Count and log one flight. Implements `reconcile.reports.Observer`."""
        account = report.scope.account
        self._flights.labels(account, report.what, report.outcome).observe(max(0.0, report.seconds))
        self._ended.labels(account, report.what, report.outcome, report.reason or "").inc()
        saved = saved_calls(report.calls, report.readers)
        self._saved.labels(account).inc(saved)
        if self._hourly is not None:
            self._hourly.add_saved_calls(account, saved)
        _log_suspicion(report)
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
        """Record the age of the oldest value of one response."""
        self._ages.observe(seconds)

    def task_failed(self, what: str, error: BaseException) -> None:
        """Log an error of our own in the background (`reconcile.runner.ErrorListener`)."""
        if isinstance(error, DatabaseUnavailable):
            logger("background").error("database_unavailable", what=what, cause=error.cause)
        elif isinstance(error, RecordNotWritten):
            logger("background").error("record_not_written", what=what, cause=error.cause)
        else:
            logger("background").error("task_failed", what=what, exc_info=error)


def _log_suspicion(report: FlightReport) -> None:
    scope = report.scope
    fields = {"account": scope.account, "kind": scope.kind.value, "region": scope.region, "number": report.number}
    if report.suspicion == "ended":
        logger("scopes").info("scope_recovered", **fields)
    elif report.suspicion is not None:
        logger("scopes").warning(
            "scope_suspect", newly_suspect=report.suspicion == "begun", detail=report.doubt, **fields
        )
