"""Turning observations into resource records: a reported field replaces the recorded value, any other field stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeVar

from domain.enums import (
    UNKNOWN_REGION,
    ContractType,
    ObservationSource,
    OfferType,
    ResourceStatus,
    ResourceType,
)
from domain.records.fields import RESOURCE_FIELDS
from domain.records.identity import resource_uuid
from domain.records.model import FlightTicket, LiveState, LockedState, ResourceRecord, ScopeRecord
from domain.records.observation import NO_PRICE, NOT_REPORTED, NotReported, Observation, Price, Spec, Terms

_STORAGE: Final = frozenset({ResourceType.BLOCK_DISK, ResourceType.FILESYSTEM})
_HARDWARE: Final = ("gpu_type", "gpu_family", "gpu_count", "vcpu_count", "memory_gb")

# A vendor may round one instant differently in its listing and in its answer to a probe.
SAME_INSTANT: Final = timedelta(seconds=1)

T = TypeVar("T")


def _reported_or(value: T | NotReported, otherwise: T) -> T:
    return otherwise if value is NOT_REPORTED else value


def merge_live(live: LiveState, observation: Observation) -> LiveState:
    """Return the live fields after an observation."""
    reported = {field.attribute: getattr(observation, field.attribute) for field in RESOURCE_FIELDS}
    after = replace(
        live,
        status=observation.status,
        access=_reported_or(observation.access, live.access),
        spec=_merge_spec(live.spec, observation),
        price=_merge_price(live, observation),
        **{attribute: value for attribute, value in reported.items() if value is not NOT_REPORTED},
    )
    return deleted_live(after) if observation.status is ResourceStatus.DELETED else after


def _merge_spec(recorded: Spec, observation: Observation) -> Spec:
    spec = _reported_or(observation.spec, recorded)
    if not observation.partial_spec or recorded.vendor_sku != spec.vendor_sku:
        return spec
    absent = [name for name in _HARDWARE if getattr(spec, name) is None]
    return replace(spec, **{name: getattr(recorded, name) for name in absent})


def _merge_price(live: LiveState, observation: Observation) -> Price:
    """A price that is not reported stays, unless the sku or size changed: then it is the price of something else."""
    if observation.price is not NOT_REPORTED:
        return observation.price
    spec = _reported_or(observation.spec, live.spec)
    same = (spec.vendor_sku, spec.disk_gb) == (live.spec.vendor_sku, live.spec.disk_gb)
    return live.price if same else NO_PRICE


def deleted_live(live: LiveState) -> LiveState:
    """Return the live fields of a tombstone: nothing can be reached, and no present price is known."""
    return replace(live, status=ResourceStatus.DELETED, access=None, price=NO_PRICE)


def delete_by_absence(record: ResourceRecord, ticket: FlightTicket) -> ResourceRecord:
    """Return the tombstone of a resource that is no longer listed."""
    return replace(
        record,
        live=deleted_live(record.live),
        missing_since=None,
        missing_elapsed=None,
        deleted_by="ABSENCE",
        deleted_at=ticket.sent_at,
        deleted_elapsed=ticket.timeline.elapsed,
    )


def delete_replaced(record: ResourceRecord, ticket: FlightTicket) -> ResourceRecord:
    """Return the tombstone of a resource whose vendor id now names another resource, according to the vendor."""
    return replace(delete_by_absence(record, ticket), deleted_by="VENDOR", absent_no=ticket.number)


def confirm_deletion(
    tombstone: ResourceRecord, observation: Observation, scope: ScopeRecord, ticket: FlightTicket
) -> ResourceRecord:
    """Return the tombstone of a resource deleted by absence, after the vendor itself reported it as deleted."""
    after = merge_observation(tombstone, observation, scope, ticket)
    return replace(after, deleted_by="VENDOR", deleted_elapsed=ticket.timeline.elapsed)


def merge_observation(
    record: ResourceRecord, observation: Observation, scope: ScopeRecord, ticket: FlightTicket
) -> ResourceRecord:
    """Return the resource after an observation, without changing its flight numbers and its absence."""
    live = merge_live(record.live, observation)
    after = replace(
        record,
        scope_id=scope.scope_id,
        resource_type=observation.resource_type,
        vendor_region=observation.region or record.vendor_region,
        vendor_created_at=record.vendor_created_at or observation.created_at,
        created_at=record.created_at if record.vendor_created_at else observation.created_at or record.created_at,
        live=live,
        upstream=_reported_or(observation.upstream, record.upstream),
    )
    if live.status is ResourceStatus.DELETED and not record.deleted:
        return _deleted_by_vendor(after, ticket)
    return after


def _deleted_by_vendor(record: ResourceRecord, ticket: FlightTicket) -> ResourceRecord:
    elapsed = ticket.timeline.elapsed
    return replace(record, deleted_by="VENDOR", deleted_at=ticket.sent_at, deleted_elapsed=elapsed)


def new_record(
    observation: Observation,
    state: LockedState,
    ticket: FlightTicket,
    source: ObservationSource,
    generation: int,
    *,
    twin: bool = False,
) -> ResourceRecord:
    """Return the record of a resource that was never seen before.

    `generation` counts the earlier resources of the same vendor id. `twin`: the one before was created at the same instant.
    """
    live = merge_live(LiveState(status=observation.status), observation)
    created_at, scope = observation.created_at, state.scope
    kind, vendor_id = observation.kind, observation.vendor_id
    record = ResourceRecord(
        resource_id=resource_uuid(state.identity, kind, vendor_id, created_at, generation, twin=twin),
        account=scope.key.account,
        kind=kind,
        vendor_id=vendor_id,
        generation=generation,
        scope_id=scope.scope_id,
        resource_type=observation.resource_type,
        vendor_region=observation.region or scope.key.region or UNKNOWN_REGION,
        created_at=created_at or ticket.sent_at,
        vendor_created_at=created_at,
        first_seen_at=ticket.sent_at,
        first_seen_elapsed=ticket.timeline.elapsed,
        first_no=ticket.number,
        live=live,
        seen_no=ticket.number,
        seen_at=ticket.sent_at,
        seen_source=source,
        terms=observed_terms(observation),
        terms_status=observation.status,
        upstream=_reported_or(observation.upstream, None),
    )
    return _deleted_by_vendor(record, ticket) if record.deleted else record


def observed_terms(observation: Observation) -> Terms:
    """Return the reported terms, else an offer with an unknown contract, so that every resource has terms."""
    if observation.terms is not NOT_REPORTED:
        return observation.terms
    spec, resource_type = _reported_or(observation.spec, Spec()), observation.resource_type
    # All other types are offered under their own name.
    offer_type = OfferType.STORAGE if resource_type in _STORAGE else OfferType(resource_type.value)
    return Terms(offer_type, ContractType.UNKNOWN, spec.vendor_sku, None, None)


def is_created_later(observation: Observation, record: ResourceRecord) -> bool:
    """Whether the vendor reports a later creation time than the recorded one: its id now names another resource."""
    return _created_after(record, observation) > SAME_INSTANT


def is_created_earlier(observation: Observation, record: ResourceRecord) -> bool:
    """Whether this is a late answer about an earlier resource with the same vendor id."""
    return -_created_after(record, observation) > SAME_INSTANT


def _created_after(record: ResourceRecord, observation: Observation) -> timedelta:
    """Return how much later the observed resource was created than the recorded one; zero if that is not known."""
    before, after = record.vendor_created_at, observation.created_at
    return timedelta() if before is None or after is None else after - before


def _rate_changed(old: Terms, new: Terms) -> bool:
    both_reported = old.running_rate is not None and new.running_rate is not None
    # A spot rate floats, so a new one is not a change of terms. The history records it.
    floats = ContractType.SPOT in {old.contract_type, new.contract_type}
    return both_reported and not floats and (old.running_rate, old.currency) != (new.running_rate, new.currency)


def update_terms(record: ResourceRecord, observation: Observation) -> tuple[ResourceRecord, bool]:
    """Return the resource with the terms to compare with next time, and whether the terms changed.

    Terms are compared only between observations of the same status. Terms seen while running are preferred.
    """
    if observation.terms is NOT_REPORTED or observation.status is ResourceStatus.DELETED:
        return record, False
    old, new = record.terms, observation.terms
    if old is None or record.terms_status is not observation.status:
        better = old is None or observation.status is ResourceStatus.RUNNING
        return (replace(record, terms=new, terms_status=observation.status) if better else record), False
    changed = (old.sku, old.contract_type) != (new.sku, new.contract_type) or _rate_changed(old, new)
    if not changed and new.running_rate is None:
        # The last reported rate stays the one to compare with.
        new = replace(new, running_rate=old.running_rate, currency=old.currency)
    return replace(record, terms=new), changed
