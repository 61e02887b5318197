"""The results of flights: observations, sweep and probe outcomes, and problems."""

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
    """The type of `NOT_REPORTED`: the call does not return the field, so the recorded value stays."""

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
    """The hardware and image of a machine or volume. `vendor` holds allow-listed fields that have no common name.

    `memory_gb` and `disk_gb` are in gigabytes as the vendor counts them.
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
    """The hourly price of the resource alone, in its current status.

    `amount` is `None` if the price is unknown, and 0 only if the vendor reports 0. `as_of` is `None` if the price comes from the
    same call as the observation.
    """

    amount: float | None
    currency: str | None
    source: PriceSource
    as_of: datetime | None = None


NO_PRICE: Final = Price(None, None, PriceSource.NONE)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms under which a resource is rented. `running_rate` is its hourly price while running, `None` if not reported."""

    offer_type: OfferType
    contract_type: ContractType
    sku: str | None
    running_rate: float | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class UpstreamResource:
    """The cloud's own id of a machine that an aggregator rents in the team's account at that cloud.

    `vendor` is the cloud's name as it is used in account configurations.
    """

    vendor: str
    vendor_id: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """One link, as its owner reports it: the link type, the kind and vendor id of the other end, and the time of attachment."""

    link_type: LinkType
    kind: ResourceKind
    vendor_id: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """The state of one resource as one flight observed it. Fields that the call does not return are `NOT_REPORTED`.

    - `call`: the index, in the flight's trace, of the call that returned the resource.
    - `links`: reported only by the owner of the links. An empty tuple means that there are none.
    - `created_at`: the vendor's creation time, `None` if it reports none.
    - `upstream`: reported only by aggregators.
    - `partial_spec`: the rest of `spec` comes from a price list that is not available, so recorded values of the same SKU stay.
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
    """One completed call of a flight: the vendor's operation, the page of its listing (from 1), and the HTTP status.

    `seconds` is the time from sending the request to the last byte of the response. `request_id` is the vendor's, `None` if the
    response carries no plausible one.
    """

    operation: str
    page: int
    http_status: int
    seconds: float
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a flight failed or is incomplete.

    `detail` is safe to show to an operator: it contains no secret and no URL with credentials. `retry_at` is when the vendor
    allows the next call, `None` if it does not say.
    """

    reason: StaleReason
    detail: str
    retry_at: datetime | None = None


class SweepOutcome(StrEnum):
    """The outcome of a sweep. Only a COMPLETE sweep is evidence of absence."""

    COMPLETE = "COMPLETE"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The result of a sweep. `problem` is set unless the sweep is COMPLETE. `dropped` counts impossible values left out.

    `trace` lists the calls whose responses could be parsed, in order.
    """

    outcome: SweepOutcome
    observations: tuple[Observation, ...]
    problem: Problem | None = None
    calls: int = 0
    dropped: int = 0
    trace: tuple[CallTrace, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of a probe.

    The outcome is `found` with an observation, `gone` if the vendor reports that the resource does not exist, `empty` if
    the response has nothing where the resource should be, or `failed` with a problem.
    `trace` holds the call that returned the resource.
    """

    outcome: Literal["found", "gone", "empty", "failed"]
    observation: Observation | None = None
    problem: Problem | None = None
    calls: int = 0
    trace: tuple[CallTrace, ...] = field(default=(), compare=False)
