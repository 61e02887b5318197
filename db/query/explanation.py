"""Objects of `freshness.explain`, and of the budget and call count of an account in a running gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.query.account_state import ScopeRow
from db.query.shape import Shape
from db.record.trace_codec import decode_failures, decode_sweep_trace, decode_trace
from domain.freshness import Sighting, inherits
from domain.records.traces import FailedFlight, ObservationTrace, failures_since
from domain.runtime_stats import BudgetLeft, CallCount
from domain.timestamps import optional_text, to_text


@dataclass(frozen=True, slots=True)
class RowTrace:
    """The part of an explanation that is stored in the resource's own row. The traces are as stored."""

    sighting: Sighting
    vendor_id: str
    trace: str | None
    failed_flights: str | None


def explanation_object(shape: Shape, row: RowTrace, scope: ScopeRow, vendor: str, now: datetime) -> dict[str, Any]:
    """Return the call that reported the resource, the attempts that failed since, and the time of the next allowed attempt."""
    trace, number = _newest_trace(row, scope, now)
    call = None if trace is None else trace.call
    hold = scope.facts.hold_until if scope.facts.configured and not row.sighting.deleted else None
    fields: Mapping[str, Any] = {
        "vendor": vendor,
        "operation": None if call is None else call.operation,
        "page": None if call is None else call.page,
        "httpStatus": None if call is None else call.http_status,
        "latencySeconds": None if call is None else call.seconds,
        "requestId": None if call is None else call.request_id,
        "sentAt": None if trace is None else to_text(trace.sent_at),
        "source": None if trace is None else trace.source.value,
        "readers": None if trace is None else trace.readers,
        "nextAllowedAt": optional_text(hold) if hold is not None and hold > now else None,
    }
    failures = failures_since(number, decode_failures(scope.failed_flights), decode_failures(row.failed_flights))
    return shape.to_object(
        lambda child: (
            [_attempt_object(child, failure) for failure in failures]
            if child.name == "failedAttempts"
            else fields[child.name]
        )
    )


def _newest_trace(row: RowTrace, scope: ScopeRow, now: datetime) -> tuple[ObservationTrace | None, int]:
    """Return the trace and number of the newest flight that saw the resource, by the rule that also decides its age."""
    facts = scope.facts
    if inherits(row.sighting, facts.swept_no, facts.swept_at, now):
        sweep = decode_sweep_trace(scope.sweep_trace)
        return None if sweep is None else sweep.of(row.vendor_id), facts.swept_no
    trace = decode_trace(row.trace) if row.sighting.seen_at <= now else None
    return trace, row.sighting.seen_no


def _attempt_object(shape: Shape, failure: FailedFlight) -> dict[str, Any]:
    fields = {"source": failure.source.value, "sentAt": to_text(failure.sent_at), "reason": failure.reason.value}
    return shape.to_object(lambda child: fields[child.name])


def budget_object(shape: Shape, budget: BudgetLeft | None) -> dict[str, Any] | None:
    """Return the remaining budget of an account; None outside a running gateway."""
    if budget is None:
        return None
    fields = {"remaining": budget.remaining, "resetsAt": optional_text(budget.resets_at)}
    return shape.to_object(lambda child: fields[child.name])


def calls_object(shape: Shape, count: CallCount | None) -> dict[str, Any] | None:
    """Return the call count of an account over the last hour; None outside a running gateway."""
    if count is None:
        return None
    fields = {"made": count.sent, "saved": count.saved}
    return shape.to_object(lambda child: fields[child.name])
