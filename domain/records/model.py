"""The recorded data: scopes, resources, links, offers and history, and the changes that one flight makes to them."""

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
from domain.records.timeline import AccountTimeline
from domain.records.traces import FailedFlight, ObservationTrace, SweepTrace


class ScopeKey(NamedTuple):
    """The key of a scope: account, kind, and region if the vendor's API is regional (else `None`)."""

    account: str
    kind: ResourceKind
    region: str | None


class VendorKey(NamedTuple):
    """The key of a living resource within its account."""

    kind: ResourceKind
    vendor_id: str


@dataclass(frozen=True, slots=True)
class FlightTicket:
    """The number of a flight, which rises by one within its account, and when it was sent.

    `sent_at` is by the database's clock and only shows age. `timeline` measures how far apart flights were sent.
    """

    number: int
    sent_at: datetime
    timeline: AccountTimeline


@dataclass(frozen=True, slots=True)
class ScopeRecord:
    """A scope and the state that its flights left.

    - `swept_*`: the last complete sweep.
    - `tried_*`: the last sweep that ended, with whatever outcome.
    - `good_no`: the number of the last complete sweep that is not in doubt; `held` is the number of living resources in it.
    - `hold_until`: the earliest time of the next sweep after a failure.
    - `sweep_trace`: the trace of the last complete sweep; `failed_flights` are the failures since.
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
    """The last flight that saw a resource with the credential of the fingerprint."""
    listed_no: int = 0
    """The last complete sweep with the credential of the fingerprint."""
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

    - `seen_*`: the last flight written to the row.
    - `missing_since`: set while the last complete listing lacks the resource; the time at which the first such listing was sent.
      `absent_no` is the number of the last such listing.
    - `absence_count`: the number of listings that count as evidence of deletion. The first of them has the number
      `first_absence_no`.
    - `*_elapsed`: the point of the account's timeline, in seconds, at which the resource was first seen, became missing, was
      first absent from a listing that counts, and was deleted.
    - `deleted_by`: `VENDOR` if the vendor itself reported the deletion.
    - `probed_at`: when the last finished probe was sent.
    - `trace`: the trace of flight `seen_no`; `failed_flights` are the failed probes since the last successful one.
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
    missing_elapsed: float | None = None
    absent_no: int | None = None
    absence_count: int = 0
    first_absence_no: int | None = None
    first_absence_elapsed: float | None = None
    deleted_by: Literal["VENDOR", "ABSENCE"] | None = None
    deleted_at: datetime | None = None
    deleted_elapsed: float | None = None
    probed_no: int = 0
    probed_at: datetime | None = None
    probe_problem: StaleReason | None = None
    first_seen_elapsed: float = 0.0
    first_no: int = 0
    """The flight that first saw the resource, or the flight that found a missing resource with a new credential."""
    trace: ObservationTrace | None = None
    failed_flights: tuple[FailedFlight, ...] = ()
    upstream: UpstreamResource | None = None
    """The machine at its cloud, as an aggregator reports it."""

    @property
    def key(self) -> VendorKey:
        """The kind and vendor id."""
        return VendorKey(self.kind, self.vendor_id)

    @property
    def deleted(self) -> bool:
        """Whether the resource is a tombstone."""
        return self.live.status is ResourceStatus.DELETED


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """A link in its owner's direction. An end's UUID is `None` until a resource with its vendor id is recorded."""

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
    """A change of one field. If `field` is `resource`, `after` is a full snapshot instead."""

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
    """A relation of a resource to an offer: its role and when it began."""

    resource_id: UUID
    account: str
    terms: Terms
    role: OfferRole
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LockedState:
    """The data on which a decision is based, loaded under the account's lock.

    - `resources`: the living resources of the scope and those in the flight's observations.
    - `tombstones`: the newest tombstone of each vendor id in the observations that has no living resource.
    - `swept`: the last complete sweep (number, instant) of every scope of the account, by scope id.
    - `links`: the open links of these resources.
    - `ends`: the UUIDs of the living resources at the ends of these links.
    - `identity`: the identity of the account, from which the UUIDs of its resources are derived.
    """

    identity: str
    scope: ScopeRecord
    resources: Mapping[VendorKey, ResourceRecord]
    tombstones: Mapping[VendorKey, ResourceRecord]
    swept: Mapping[int, tuple[int, datetime | None]]
    links: tuple[LinkRecord, ...]
    ends: Mapping[VendorKey, UUID]


@dataclass(frozen=True, slots=True)
class Changes:
    """The rows to write in one transaction; empty if nothing changed. Links are written in both directions."""

    scope: ScopeRecord | None = None
    resources: tuple[ResourceRecord, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    opened: tuple[LinkRecord, ...] = ()
    closed: tuple[LinkRecord, ...] = ()
    provenance: tuple[ProvenanceEntry, ...] = ()


def without_problem(scope: ScopeRecord) -> ScopeRecord:
    """Return the scope as it is after a successful flight."""
    return replace(scope, problem=None, problem_detail=None, failures=0, hold_until=None)
