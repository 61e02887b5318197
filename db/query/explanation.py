"""What explains an answer, and what a running gateway tells of itself, as selected."""

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
class Own:
    """What a resource's own row has to explain it by; the texts as the record keeps them."""

    sighting: Sighting
    vendor_id: str
    trace: str | None
    failed_flights: str | None


def explanation_object(shape: Shape, own: Own, scope: ScopeRow, vendor: str, now: datetime) -> dict[str, Any]:
    """Which call told us, what was tried since, when the next try is allowed."""
    told, number = _told(own, scope, now)
    call = None if told is None else told.call
    hold = scope.facts.hold_until if scope.facts.configured and not own.sighting.deleted else None
    fields: Mapping[str, Any] = {
        "vendor": vendor,
        "operation": None if call is None else call.operation,
        "page": None if call is None else call.page,
        "httpStatus": None if call is None else call.http_status,
        "latencySeconds": None if call is None else call.seconds,
        "requestId": None if call is None else call.request_id,
        "sentAt": None if told is None else to_text(told.sent_at),
        "source": None if told is None else told.source.value,
        "readers": None if told is None else told.readers,
        "nextAllowedAt": optional_text(hold) if hold is not None and hold > now else None,
    }
    tries = failures_since(number, decode_failures(scope.failed_flights), decode_failures(own.failed_flights))
    return shape.shown(
        lambda child: (
            [_try_object(child, one) for one in tries] if child.name == "failedAttempts" else fields[child.name]
        )
    )


def _told(own: Own, scope: ScopeRow, now: datetime) -> tuple[ObservationTrace | None, int]:
    """What told of it last, by the same rule as its age, and that flight's number."""
    facts = scope.facts
    if inherits(own.sighting, facts.swept_no, facts.swept_at, now):
        listing = decode_sweep_trace(scope.sweep_trace)
        return None if listing is None else listing.of(own.vendor_id), facts.swept_no
    told = decode_trace(own.trace) if own.sighting.seen_at <= now else None
    return told, own.sighting.seen_no


def _try_object(shape: Shape, one: FailedFlight) -> dict[str, Any]:
    told = {"source": one.source.value, "sentAt": to_text(one.sent_at), "reason": one.reason.value}
    return shape.shown(lambda child: told[child.name])


def budget_object(shape: Shape, left: BudgetLeft | None) -> dict[str, Any] | None:
    """An account's budget; null where no gateway runs."""
    if left is None:
        return None
    told = {"remaining": left.remaining, "resetsAt": optional_text(left.resets_at)}
    return shape.shown(lambda child: told[child.name])


def calls_object(shape: Shape, count: CallCount | None) -> dict[str, Any] | None:
    """An account's calls of the last hour; null where no gateway runs."""
    if count is None:
        return None
    told = {"made": count.sent, "saved": count.saved}
    return shape.shown(lambda child: told[child.name])
