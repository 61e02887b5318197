"""Making records of observations: what is told replaces, what is not told stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeVar

from domain.enums import (
    UNKNOWN_REGION,
    ContractType,
    ObservationSource,
    OfferRole,
    OfferType,
    ResourceStatus,
    ResourceType,
)
from domain.records.identity import resource_uuid
from domain.records.model import FlightTicket, LiveState, ProvenanceEntry, ResourceRecord, ScopeRecord
from domain.records.observation import NO_PRICE, NOT_REPORTED, NotReported, Observation, Price, Spec, Terms

_OFFER_OF_TYPE: Final = {
    ResourceType.VM: OfferType.VM,
    ResourceType.CONTAINER: OfferType.CONTAINER,
    ResourceType.BARE_METAL: OfferType.BARE_METAL,
    ResourceType.CLUSTER: OfferType.CLUSTER,
    ResourceType.BLOCK_DISK: OfferType.STORAGE,
    ResourceType.FILESYSTEM: OfferType.STORAGE,
    ResourceType.OTHER: OfferType.OTHER,
}

T = TypeVar("T")

# Vendors round one instant differently in their listing and in their answer by id.
SAME_INSTANT: Final = timedelta(seconds=1)


_HARDWARE: Final = ("gpu_type", "gpu_family", "gpu_count", "vcpu_count", "memory_gb")


def _told(value: T | NotReported, otherwise: T) -> T:
    return otherwise if value is NOT_REPORTED else value


def merged_live(live: LiveState, told: Observation) -> LiveState:
    """The live fields after an observation."""
    after = LiveState(
        status=told.status,
        vendor_status=told.vendor_status,
        status_message=_told(told.status_message, live.status_message),
        name=_told(told.name, live.name),
        access=_told(told.access, live.access),
        spec=_spec(live.spec, told),
        price=_price(live, told),
        valid_from=_told(told.valid_from, live.valid_from),
        valid_to=_told(told.valid_to, live.valid_to),
    )
    return gone(after) if told.status is ResourceStatus.DELETED else after


def _spec(known: Spec, told: Observation) -> Spec:
    spec = _told(told.spec, known)
    if not told.partial_spec or known.vendor_sku != spec.vendor_sku:
        return spec
    open_ones = [name for name in _HARDWARE if getattr(spec, name) is None]
    return replace(spec, **{name: getattr(known, name) for name in open_ones})


def _price(live: LiveState, told: Observation) -> Price:
    """Where none is told the recorded one stays, but that of another sku or size is no price of this one."""
    if told.price is not NOT_REPORTED:
        return told.price
    spec = _told(told.spec, live.spec)
    same = (spec.vendor_sku, spec.disk_gb) == (live.spec.vendor_sku, live.spec.disk_gb)
    return live.price if same else NO_PRICE


def gone(live: LiveState) -> LiveState:
    """The live fields of a tombstone: there is nothing to reach, and what it costs now nobody told."""
    return replace(live, status=ResourceStatus.DELETED, access=None, price=NO_PRICE)


def lost(record: ResourceRecord, ticket: FlightTicket) -> ResourceRecord:
    """The tombstone of what is not listed any more."""
    return replace(record, live=gone(record.live), missing_since=None, deleted_by="ABSENCE", deleted_at=ticket.sent_at)


def replaced(record: ResourceRecord, ticket: FlightTicket) -> ResourceRecord:
    """The tombstone of a resource whose id the vendor tells to be another's now."""
    return replace(lost(record, ticket), deleted_by="VENDOR", absent_no=ticket.number)


def said_deleted(
    tombstone: ResourceRecord, told: Observation, scope: ScopeRecord, ticket: FlightTicket
) -> ResourceRecord:
    """The tombstone of what was deleted by absence, once the vendor itself calls it deleted."""
    return replace(merged(tombstone, told, scope, ticket), deleted_by="VENDOR")


def merged(record: ResourceRecord, told: Observation, scope: ScopeRecord, ticket: FlightTicket) -> ResourceRecord:
    """The record after an observation, its order and marks apart."""
    live = merged_live(record.live, told)
    after = replace(
        record,
        scope_id=scope.scope_id,
        resource_type=told.resource_type,
        vendor_region=told.region or record.vendor_region,
        vendor_created_at=record.vendor_created_at or told.created_at,
        created_at=record.created_at if record.vendor_created_at or told.created_at is None else told.created_at,
        live=live,
        upstream=_told(told.upstream, record.upstream),
    )
    if live.status is ResourceStatus.DELETED and not record.deleted:
        return replace(after, deleted_by="VENDOR", deleted_at=ticket.sent_at)
    return after


def first_sight(
    told: Observation,
    scope: ScopeRecord,
    ticket: FlightTicket,
    source: ObservationSource,
    generation: int,
    *,
    twin: bool = False,
) -> ResourceRecord:
    """The record of a resource that was never seen before. `twin`: the one before it was made at the same instant."""
    live = merged_live(LiveState(status=told.status), told)
    deleted = live.status is ResourceStatus.DELETED
    return ResourceRecord(
        resource_id=resource_uuid(scope.key.account, told.kind, told.vendor_id, told.created_at, generation, twin=twin),
        account=scope.key.account,
        kind=told.kind,
        vendor_id=told.vendor_id,
        generation=generation,
        scope_id=scope.scope_id,
        resource_type=told.resource_type,
        vendor_region=told.region or scope.key.region or UNKNOWN_REGION,
        created_at=told.created_at or ticket.sent_at,
        vendor_created_at=told.created_at,
        first_seen_at=ticket.sent_at,
        first_no=ticket.number,
        live=live,
        seen_no=ticket.number,
        seen_at=ticket.sent_at,
        seen_source=source,
        terms=terms_of(told),
        terms_status=told.status,
        deleted_by="VENDOR" if deleted else None,
        deleted_at=ticket.sent_at if deleted else None,
        upstream=_told(told.upstream, None),
    )


def terms_of(told: Observation) -> Terms:
    """The terms told; where none are, an offer of an unknown contract, so that every resource has one."""
    if told.terms is not NOT_REPORTED:
        return told.terms
    spec = _told(told.spec, Spec())
    return Terms(_OFFER_OF_TYPE[told.resource_type], ContractType.UNKNOWN, spec.vendor_sku, None, None)


def created_later(record: ResourceRecord, told: Observation) -> bool:
    """Whether the vendor tells a later time of creation: then its id names another resource now."""
    if record.vendor_created_at is None or told.created_at is None:
        return False
    return told.created_at - record.vendor_created_at > SAME_INSTANT


def created_earlier(record: ResourceRecord, told: Observation) -> bool:
    """Whether the vendor tells of the one before, of the same id: a late answer."""
    if record.vendor_created_at is None or told.created_at is None:
        return False
    return record.vendor_created_at - told.created_at > SAME_INSTANT


def _rate_changed(old: Terms, new: Terms) -> bool:
    known = old.running_rate is not None and new.running_rate is not None
    # A rate that floats by nature is no new terms; the history has it.
    floats = ContractType.SPOT in {old.contract_type, new.contract_type}
    return known and not floats and (old.running_rate, old.currency) != (new.running_rate, new.currency)


def with_terms(record: ResourceRecord, told: Observation) -> tuple[ResourceRecord, bool]:
    """The record with the terms to compare with next time, and whether they are new terms.

    Terms are compared in the same status only; those seen while running are the ones to keep.
    """
    if told.terms is NOT_REPORTED or told.status is ResourceStatus.DELETED:
        return record, False
    old, new = record.terms, told.terms
    if old is None or record.terms_status is not told.status:
        better = old is None or told.status is ResourceStatus.RUNNING
        return (replace(record, terms=new, terms_status=told.status) if better else record), False
    changed = (old.sku, old.contract_type) != (new.sku, new.contract_type) or _rate_changed(old, new)
    if not changed and new.running_rate is None:
        # A rate that is not told this time is still the one to compare with next time.
        new = replace(new, running_rate=old.running_rate, currency=old.currency)
    return replace(record, terms=new), changed


def provenance(record: ResourceRecord, terms: Terms, role: OfferRole, ticket: FlightTicket) -> ProvenanceEntry:
    """That the resource came from these terms, as of this flight."""
    return ProvenanceEntry(record.resource_id, record.account, terms, role, ticket.sent_at)
