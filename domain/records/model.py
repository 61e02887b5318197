"""What we record: scopes, resources, links, offers, history; and the changes that one flight makes to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from domain.enums import (
    LinkType,
    ObservationSource,
    OfferRole,
    ResourceKind,
    ResourceStatus,
    ResourceType,
    ScopeState,
    StaleReason,
)
from domain.records.observation import NO_PRICE, Access, Json, Price, Spec, Terms, UpstreamResource
from domain.records.traces import FailedFlight, ObservationTrace, SweepTrace


class ScopeKey(NamedTuple):
    """What names a scope: account, kind, and region where the vendor's API is regional (else None)."""

    account: str
    kind: ResourceKind
    region: str | None


class VendorKey(NamedTuple):
    """What names a living resource within its account."""

    kind: ResourceKind
    vendor_id: str


@dataclass(frozen=True, slots=True)
class FlightTicket:
    """A flight's number, rising by one in its account, and when it was sent by the database's clock."""

    number: int
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class ScopeRecord:
    """A scope and what its flights told.

    `swept_*`: the last complete sweep; `tried_*`: the last sweep that ended, whatever its outcome. `good_no` is the number of
    the last complete sweep that nothing puts in doubt, and `held` the number of living resources it showed. `hold_until` is the
    earliest time of the next sweep after a failure. `sweep_trace` explains the last complete sweep; `failed_flights` are the
    failures since.
    """

    scope_id: int
    key: ScopeKey
    configured: bool = True
    swept_no: int = 0
    swept_at: datetime | None = None
    tried_no: int = 0
    tried_at: datetime | None = None
    state: ScopeState = ScopeState.NEVER_SWEPT
    problem: StaleReason | None = None
    problem_detail: str | None = None
    failures: int = 0
    hold_until: datetime | None = None
    held: int = 0
    good_no: int = 0
    fingerprint: str | None = None
    proven_no: int = 0
    """The last flight that saw something by the credential of the fingerprint."""
    listed_no: int = 0
    """The last complete sweep by the credential of the fingerprint."""
    sweep_trace: SweepTrace | None = None
    failed_flights: tuple[FailedFlight, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveState:
    """The live fields of a resource, apart from its links."""

    status: ResourceStatus
    vendor_status: str | None = None
    status_message: str | None = None
    name: str | None = None
    access: Access | None = None
    spec: Spec = field(default_factory=Spec)
    price: Price = NO_PRICE
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """One resource.

    `seen_*` describe the last flight written to the row. While the last complete listing lacks it, `missing_since` is when the
    first such listing was sent and `absent_no` the number of the last one. `absence_count` counts the listings that may
    contribute to a verdict; the first of them has number `first_absence_no` and was sent at `first_absence_at`. `deleted_by` is
    `VENDOR` if the vendor itself reported the deletion. `probed_at` is when the last finished probe was sent. `trace` explains
    the flight of `seen_no`; `failed_flights` are the probes since the last good one that did not show the resource.
    """

    resource_id: UUID
    account: str
    kind: ResourceKind
    vendor_id: str
    generation: int
    scope_id: int
    resource_type: ResourceType
    vendor_region: str
    created_at: datetime
    vendor_created_at: datetime | None
    first_seen_at: datetime
    live: LiveState
    seen_no: int
    seen_at: datetime
    seen_source: ObservationSource
    terms: Terms | None = None
    terms_status: ResourceStatus | None = None
    missing_since: datetime | None = None
    absent_no: int | None = None
    absence_count: int = 0
    first_absence_no: int | None = None
    first_absence_at: datetime | None = None
    deleted_by: Literal["VENDOR", "ABSENCE"] | None = None
    deleted_at: datetime | None = None
    probed_no: int = 0
    probed_at: datetime | None = None
    probe_problem: StaleReason | None = None
    first_no: int = 0
    """The flight that was the first to see it; or, where another credential showed what was missing, that one."""
    trace: ObservationTrace | None = None
    failed_flights: tuple[FailedFlight, ...] = ()
    upstream: UpstreamResource | None = None
    """What an aggregator says that the machine is at its cloud."""

    @property
    def key(self) -> VendorKey:
        """Kind and vendor id."""
        return VendorKey(self.kind, self.vendor_id)

    @property
    def deleted(self) -> bool:
        """Whether it is a tombstone."""
        return self.live.status is ResourceStatus.DELETED


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """A link in its owner's direction, kept by both vendor ids; an end's UUID is None until that end is recorded."""

    account: str
    link_type: LinkType
    from_key: VendorKey
    to_key: VendorKey
    linked_since: datetime
    from_id: UUID | None = None
    to_id: UUID | None = None
    linked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of one field, or (`field` = "resource") a full snapshot in `after`."""

    resource_id: UUID
    account: str
    field: str
    before: Json
    after: Json
    observed_at: datetime
    source: ObservationSource
    flight_no: int


@dataclass(frozen=True, slots=True)
class ProvenanceEntry:
    """That a resource came from an offer, in which role, since when."""

    resource_id: UUID
    account: str
    terms: Terms
    role: OfferRole
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LockedState:
    """What a decision may look at, read under the account's lock.

    `resources` are the living ones of the scope and those that the flight names; `tombstones` the newest tombstone of each
    named vendor id; `swept` the last complete sweep (number, instant) of every scope that these resources belong to;
    `links` the open links whose owner's end is among them; `ends` the UUIDs of living resources at the other ends.
    """

    scope: ScopeRecord
    resources: Mapping[VendorKey, ResourceRecord]
    tombstones: Mapping[VendorKey, ResourceRecord]
    swept: Mapping[int, tuple[int, datetime | None]]
    links: tuple[LinkRecord, ...]
    ends: Mapping[VendorKey, UUID]


@dataclass(frozen=True, slots=True)
class Changes:
    """What to write, in one transaction. Empty where nothing new was told. Links are written in both directions."""

    scope: ScopeRecord | None = None
    resources: tuple[ResourceRecord, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    opened: tuple[LinkRecord, ...] = ()
    closed: tuple[LinkRecord, ...] = ()
    provenance: tuple[ProvenanceEntry, ...] = ()


def without_problem(scope: ScopeRecord) -> ScopeRecord:
    """The scope after a flight that went well."""
    return replace(scope, problem=None, problem_detail=None, failures=0, hold_until=None)
