"""What one flight told: observations, the outcome of a sweep or a probe, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final, Literal, TypeAlias

from domain.enums import (
    ContractType,
    LinkType,
    OfferType,
    PriceSource,
    ResourceKind,
    ResourceStatus,
    ResourceType,
    StaleReason,
)

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class NotReported(Enum):
    """The one value that says: this call does not carry the field, so what is recorded stays."""

    NOT_REPORTED = "NOT_REPORTED"

    def __repr__(self) -> str:
        return "NOT_REPORTED"


NOT_REPORTED: Final = NotReported.NOT_REPORTED


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a machine. `ssh_port` is 1 to 65535."""

    external_ip: str | None = None
    internal_ip: str | None = None
    ssh_command: str | None = None
    ssh_port: int | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """The common facts of a machine or volume; `vendor` holds allow-listed facts without a common name.

    `memory_gb` and `disk_gb` are in the vendor's own gigabytes.
    """

    gpu_type: str | None = None
    gpu_family: str | None = None
    gpu_count: int | None = None
    vcpu_count: float | None = None
    memory_gb: float | None = None
    disk_gb: float | None = None
    vendor_sku: str | None = None
    image: str | None = None
    vendor: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Price:
    """What the resource alone costs an hour in its present status.

    `amount` None is unknown; 0 only if the vendor says so. `as_of` is None where the vendor told it in this very call.
    """

    amount: float | None
    currency: str | None
    source: PriceSource
    as_of: datetime | None = None


NO_PRICE: Final = Price(None, None, PriceSource.NONE)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms under which a resource is rented. `running_rate` is its price an hour while running, None where not told."""

    offer_type: OfferType
    contract_type: ContractType
    sku: str | None
    running_rate: float | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class UpstreamResource:
    """What an aggregator says of a machine that it rents in the team's own account at a cloud: the cloud's own id of it.

    `vendor` is the cloud's name here, as accounts are configured with it.
    """

    vendor: str
    vendor_id: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """One link told by its owner: the other end's kind and vendor id, what that end is to this one, and since when."""

    link_type: LinkType
    kind: ResourceKind
    vendor_id: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What one flight told of one resource: the fields that its call carries; the others are NOT_REPORTED.

    `call` is the place, in the flight's trace, of the call that told it.
    `links` is told by the owner of the links alone: an empty tuple says that there are none, NOT_REPORTED says nothing.
    `created_at` is the vendor's time of creation, None where it tells none. `elsewhere` is told by aggregators alone.
    `partial_spec`: what `spec` leaves open is told by a price list that is not known: what is recorded of the same sku stays.
    """

    kind: ResourceKind
    vendor_id: str
    resource_type: ResourceType
    status: ResourceStatus
    vendor_status: str | None
    region: str | None = None
    created_at: datetime | None = None
    name: str | NotReported | None = NOT_REPORTED
    status_message: str | NotReported | None = NOT_REPORTED
    access: Access | NotReported | None = NOT_REPORTED
    spec: Spec | NotReported = NOT_REPORTED
    price: Price | NotReported = NOT_REPORTED
    terms: Terms | NotReported = NOT_REPORTED
    valid_from: datetime | NotReported | None = NOT_REPORTED
    valid_to: datetime | NotReported | None = NOT_REPORTED
    links: tuple[Attachment, ...] | NotReported = NOT_REPORTED
    upstream: UpstreamResource | NotReported | None = NOT_REPORTED
    partial_spec: bool = False
    call: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CallTrace:
    """One answered call of a flight: the vendor's operation, the page of its listing (from 1), how it was answered.

    `seconds` from sending it to its last byte; `request_id` is the vendor's own, None where it gives none that could be one.
    """

    operation: str
    page: int
    http_status: int
    seconds: float
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a flight did not tell everything. `detail` is safe to show to an operator: no secret, no URL with credentials.

    `retry_at` is when the vendor says it may be asked again, None where it says nothing.
    """

    reason: StaleReason
    detail: str
    retry_at: datetime | None = None


class SweepOutcome(StrEnum):
    """How a sweep ended; only COMPLETE says anything about what is absent."""

    COMPLETE = "COMPLETE"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What a sweep told. `problem` is set unless COMPLETE; `dropped` counts impossible values that were left out.

    `trace` are the calls whose answers could be read, in order.
    """

    outcome: SweepOutcome
    observations: tuple[Observation, ...]
    problem: Problem | None = None
    calls: int = 0
    dropped: int = 0
    trace: tuple[CallTrace, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe told: `found` with an observation, `gone` in the vendor's own words, or `failed` with a problem.

    `trace` is the call that found it.
    """

    outcome: Literal["found", "gone", "failed"]
    observation: Observation | None = None
    problem: Problem | None = None
    calls: int = 0
    trace: tuple[CallTrace, ...] = field(default=(), compare=False)
