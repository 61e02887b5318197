"""Converts between values and rows with canonical text."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final, cast
from uuid import UUID

import orjson
from sqlalchemy import RowMapping

from db.record.trace_codec import (
    decode_failures,
    decode_sweep_trace,
    decode_trace,
    encode_failures,
    encode_sweep_trace,
    encode_trace,
)
from domain.enums import (
    STATUS_RANK,
    ContractType,
    LinkType,
    ObservationSource,
    OfferType,
    PriceSource,
    ResourceKind,
    ResourceStatus,
    ResourceType,
    ScopeState,
    StaleReason,
)
from domain.records.fields import ACCESS_FIELDS, RESOURCE_FIELDS, SPEC_FIELDS, FieldKind, LiveField
from domain.records.model import LinkRecord, LiveState, ResourceRecord, ScopeKey, ScopeRecord, VendorKey
from domain.records.observation import Access, Json, Price, Spec, Terms, UpstreamResource
from domain.records.timeline import AccountTimeline, Pause
from domain.timestamps import from_text, optional_instant, optional_text, to_text

Row = RowMapping


def json_text(value: Json) -> str:
    """Format compact JSON. Raises ValueError on NaN and infinities, which are not valid in responses."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def number_text(value: float | None) -> str | None:
    """Format the shortest decimal that parses to the same number. Raises ValueError if the number is not finite."""
    if value is None:
        return None
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be stored: numbers must be finite")
    # The same text as when a client decodes a response and encodes it again with orjson.
    return orjson.dumps(float(value)).decode()


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _unchanged(value: Any) -> Any:
    return value


_ENCODERS: Final[Mapping[FieldKind, Callable[[Any], Any]]] = {
    FieldKind.TEXT: _unchanged,
    FieldKind.INTEGER: _unchanged,
    FieldKind.NUMBER: number_text,
    FieldKind.INSTANT: optional_text,
}
_DECODERS: Final[Mapping[FieldKind, Callable[[Any], Any]]] = {
    FieldKind.TEXT: _unchanged,
    FieldKind.INTEGER: _unchanged,
    FieldKind.NUMBER: _number,
    FieldKind.INSTANT: optional_instant,
}


def _terms_text(terms: Terms | None) -> str | None:
    return None if terms is None else json_text(cast("Json", asdict(terms)))


def _terms(text: str | None) -> Terms | None:
    if text is None:
        return None
    terms = json.loads(text)
    return Terms(
        OfferType(terms["offer_type"]),
        ContractType(terms["contract_type"]),
        terms["sku"],
        terms["running_rate"],
        terms["currency"],
    )


def _live_row(live: LiveState) -> dict[str, Any]:
    spec, price = live.spec, live.price
    return {
        **_columns(live, RESOURCE_FIELDS),
        **_columns(live.access or Access(), ACCESS_FIELDS),
        **_columns(spec, SPEC_FIELDS),
        "name_folded": None if live.name is None else live.name.casefold(),
        "status": live.status.value,
        "status_rank": STATUS_RANK[live.status],
        "has_access": live.access is not None,
        "spec_vendor": json_text(cast("Json", dict(spec.vendor))),
        "price": price.amount,
        "price_text": number_text(price.amount),
        "currency": price.currency,
        "pricing_source": price.source.value,
        "pricing_as_of": optional_text(price.as_of),
    }


def _columns(holder: LiveState | Access | Spec, fields: Iterable[LiveField]) -> dict[str, Any]:
    return {field.column: _ENCODERS[field.kind](getattr(holder, field.attribute)) for field in fields}


def _attributes(row: Row, fields: Iterable[LiveField]) -> dict[str, Any]:
    return {field.attribute: _DECODERS[field.kind](row[field.column]) for field in fields}


def resource_row(record: ResourceRecord, account_id: int, vendor: str) -> dict[str, Any]:
    """Return the row of a resource."""
    return {
        "resource_id": str(record.resource_id),
        "account_id": account_id,
        "scope_id": record.scope_id,
        "kind": record.kind.value,
        "vendor_id": record.vendor_id,
        "generation": record.generation,
        "resource_type": record.resource_type.value,
        "vendor": vendor,
        "vendor_region": record.vendor_region,
        "created_at": to_text(record.created_at),
        "vendor_created_at": optional_text(record.vendor_created_at),
        "first_seen_at": to_text(record.first_seen_at),
        "first_seen_elapsed": record.first_seen_elapsed,
        "first_no": record.first_no,
        **_live_row(record.live),
        "terms": _terms_text(record.terms),
        "terms_status": record.terms_status,
        "seen_no": record.seen_no,
        "seen_at": to_text(record.seen_at),
        "seen_source": record.seen_source.value,
        "missing_since": optional_text(record.missing_since),
        "missing_elapsed": record.missing_elapsed,
        "absent_no": record.absent_no,
        "absence_count": record.absence_count,
        "first_absence_no": record.first_absence_no,
        "first_absence_elapsed": record.first_absence_elapsed,
        "deleted_by": record.deleted_by,
        "deleted_at": optional_text(record.deleted_at),
        "deleted_elapsed": record.deleted_elapsed,
        "probed_no": record.probed_no,
        "probed_at": optional_text(record.probed_at),
        "probe_problem": record.probe_problem,
        "trace": encode_trace(record.trace),
        "failed_flights": encode_failures(record.failed_flights),
        "upstream_vendor": None if record.upstream is None else record.upstream.vendor,
        "upstream_id": None if record.upstream is None else record.upstream.vendor_id,
    }


def _live(row: Row) -> LiveState:
    price = Price(
        _number(row["price_text"]),
        row["currency"],
        PriceSource(row["pricing_source"]),
        optional_instant(row["pricing_as_of"]),
    )
    return LiveState(
        status=ResourceStatus(row["status"]),
        access=Access(**_attributes(row, ACCESS_FIELDS)) if row["has_access"] else None,
        spec=Spec(**_attributes(row, SPEC_FIELDS), vendor=json.loads(row["spec_vendor"])),
        price=price,
        **_attributes(row, RESOURCE_FIELDS),
    )


def resource_record(row: Row, account: str) -> ResourceRecord:
    """Return the resource of a row."""
    return ResourceRecord(
        resource_id=UUID(row["resource_id"]),
        account=account,
        kind=ResourceKind(row["kind"]),
        vendor_id=row["vendor_id"],
        generation=row["generation"],
        scope_id=row["scope_id"],
        resource_type=ResourceType(row["resource_type"]),
        vendor_region=row["vendor_region"],
        created_at=from_text(row["created_at"]),
        vendor_created_at=optional_instant(row["vendor_created_at"]),
        first_seen_at=from_text(row["first_seen_at"]),
        first_seen_elapsed=row["first_seen_elapsed"],
        first_no=row["first_no"],
        live=_live(row),
        seen_no=row["seen_no"],
        seen_at=from_text(row["seen_at"]),
        seen_source=ObservationSource(row["seen_source"]),
        terms=_terms(row["terms"]),
        terms_status=None if row["terms_status"] is None else ResourceStatus(row["terms_status"]),
        missing_since=optional_instant(row["missing_since"]),
        missing_elapsed=row["missing_elapsed"],
        absent_no=row["absent_no"],
        absence_count=row["absence_count"],
        first_absence_no=row["first_absence_no"],
        first_absence_elapsed=row["first_absence_elapsed"],
        deleted_by=row["deleted_by"],
        deleted_at=optional_instant(row["deleted_at"]),
        deleted_elapsed=row["deleted_elapsed"],
        probed_no=row["probed_no"],
        probed_at=optional_instant(row["probed_at"]),
        probe_problem=_reason(row["probe_problem"]),
        trace=decode_trace(row["trace"]),
        failed_flights=decode_failures(row["failed_flights"]),
        upstream=None if row["upstream_id"] is None else UpstreamResource(row["upstream_vendor"], row["upstream_id"]),
    )


def _reason(text: str | None) -> StaleReason | None:
    return None if text is None else StaleReason(text)


def scope_record(row: Row) -> ScopeRecord:
    """Return the scope of a row that `db.record.load.scope_columns` selects."""
    return ScopeRecord(
        scope_id=row["scope_id"],
        key=ScopeKey(row["account"], ResourceKind(row["kind"]), row["region"] or None),
        configured=bool(row["configured"] and row["account_configured"]),
        swept_no=row["swept_no"],
        swept_at=optional_instant(row["swept_at"]),
        tried_no=row["tried_no"],
        tried_at=optional_instant(row["tried_at"]),
        state=ScopeState(row["state"]),
        problem=_reason(row["problem"]),
        problem_detail=row["problem_detail"],
        failures=row["failures"],
        hold_until=optional_instant(row["hold_until"]),
        held=row["held"],
        good_no=row["good_no"],
        fingerprint=row["fingerprint"],
        proven_no=row["proven_no"],
        listed_no=row["listed_no"],
        sweep_trace=decode_sweep_trace(row["sweep_trace"]),
        failed_flights=decode_failures(row["failed_flights"]),
    )


_FLIGHT_COLUMNS: Final = (
    "swept_no tried_no state problem problem_detail failures held good_no fingerprint proven_no listed_no".split()  # noqa: SIM905 - shorter than a list of quoted names
)


def scope_row(scope: ScopeRecord) -> dict[str, Any]:
    """Return the columns of a scope that flights write."""
    return {
        **{name: getattr(scope, name) for name in _FLIGHT_COLUMNS},
        "swept_at": optional_text(scope.swept_at),
        "tried_at": optional_text(scope.tried_at),
        "hold_until": optional_text(scope.hold_until),
        "sweep_trace": encode_sweep_trace(scope.sweep_trace),
        "failed_flights": encode_failures(scope.failed_flights),
    }


def timeline_row(timeline: AccountTimeline) -> dict[str, Any]:
    """Return the columns of an account that contain its timeline."""
    return {"elapsed": timeline.elapsed, "pauses": json_text([list(pause) for pause in timeline.pauses])}


def decode_timeline(elapsed: float, pauses: str) -> AccountTimeline:
    """Return the timeline of the columns that `timeline_row` returned."""
    return AccountTimeline(elapsed, tuple(Pause(*pause) for pause in json.loads(pauses)))


def link_record(row: Row, account: str) -> LinkRecord:
    """Return the link of a row in its owner's direction."""
    return LinkRecord(
        account=account,
        link_type=LinkType(row["link_type"]),
        from_key=VendorKey(ResourceKind(row["from_kind"]), row["from_vendor_id"]),
        to_key=VendorKey(ResourceKind(row["to_kind"]), row["to_vendor_id"]),
        linked_since=from_text(row["linked_since"]),
        from_id=None if row["from_id"] is None else UUID(row["from_id"]),
        to_id=None if row["to_id"] is None else UUID(row["to_id"]),
        linked_until=optional_instant(row["linked_until"]),
    )


def offer_row(offer_id: UUID, terms: Terms, account_id: int) -> dict[str, Any]:
    """Return the row of an offer."""
    return {
        "offer_id": str(offer_id),
        "account_id": account_id,
        "offer_type": terms.offer_type.value,
        "contract_type": terms.contract_type.value,
        "vendor_sku": terms.sku,
        "price_text": number_text(terms.running_rate),
        "currency": terms.currency,
    }
