"""Resources (machines and volumes) and the types of their fields."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from domain.enums import (
    ContractType,
    FreshnessState,
    LinkType,
    ObservationSource,
    OfferRole,
    OfferType,
    PriceSource,
    ResourceStatus,
    ResourceType,
    StaleReason,
)
from schema.accounts import VendorAccount
from schema.fields import declare_field, describe, documented, resolve_from_parent
from schema.live import mark_live

if TYPE_CHECKING:
    from schema.connection import ResourceChangeConnection


@documented(strawberry.interface)
class Node:
    """An object that `node` returns for its `id`."""

    id: strawberry.ID = describe("The identifier for `node`. Opaque.")


@documented(strawberry.type)
class ResourceSpec:
    """The properties of a machine or volume, by common names. A field is null if the vendor does not report it."""

    gpu_type: str | None = describe(
        "The GPU model in one common spelling, such as `nvidia-h100-sxm5-80gb`; the vendor's own name if it is not "
        "recognized."
    )
    gpu_family: str | None = describe("The GPU family, such as `H100`; null if the GPU is not recognized.")
    gpu_count: int | None = describe("The number of GPUs; 0 for a machine without one.")
    vcpu_count: float | None = describe("The number of virtual CPUs, which may be a fraction.")
    memory_gb: float | None = describe("The memory in gigabytes, in the vendor's unit (10^9 or 2^30 bytes).")
    disk_gb: float | None = describe(
        "The size of the disk or volume in gigabytes, in the vendor's unit (10^9 or 2^30 bytes)."
    )
    vendor_sku: str | None = describe("The vendor's name of the machine or volume type.")
    image: str | None = describe("The image from which the machine was started.")
    vendor: JSON = describe(
        "Further properties by the vendor's own names, an object. Only properties on an allow-list are in it."
    )


@documented(strawberry.type)
class ResourceAccess:
    """How to connect to a machine. A field is null if the vendor does not report it."""

    external_ip: str | None = describe("The public IP address.")
    internal_ip: str | None = describe("The IP address in the vendor's private network.")
    ssh_command: str | None = describe("A shell command that logs in.")
    ssh_port: int | None = describe("The port of the SSH server, 1 to 65535.")


@documented(strawberry.type)
class FailedAttempt:
    """A request that failed after the newest successful one was sent."""

    source: ObservationSource = describe("The kind of request.")
    sent_at: datetime = describe("When the request was sent.")
    reason: StaleReason = describe("Why the request failed.")


@documented(strawberry.type)
class Explanation:
    """The origin of a value: the newest request that saw the resource, and the attempts that failed since.

    A field is null if that detail was not recorded.
    """

    vendor: str = describe("The vendor that was asked.")
    operation: str | None = describe("The vendor's name of the API operation.")
    page: int | None = describe("The page of the listing that contained the resource, from 1.")
    http_status: int | None = describe("The HTTP status of the response.")
    latency_seconds: float | None = describe(
        "The time from sending the request to the last byte of the response, in seconds."
    )
    request_id: str | None = describe("The vendor's id of the request, by which its support can find the request.")
    sent_at: datetime | None = describe("When the request was sent: the same instant as `observedAt`.")
    source: ObservationSource | None = describe("The kind of request.")
    readers: int | None = describe(
        "The number of API requests that shared the result; 0 if it was sent in the background."
    )
    failed_attempts: list[FailedAttempt] = describe("The attempts that failed since, the newest last; at most 5.")
    next_allowed_at: datetime | None = describe(
        "When the vendor may be asked for the scope again; null if it may be asked now."
    )


@documented(strawberry.type)
class Freshness:
    """The age of the live fields, and the reason for it."""

    state: FreshnessState = describe("Whether the values are as recent as was demanded.")
    observed_at: datetime | None = describe(
        "When the newest request that saw the object was sent; null if the time is not known."
    )
    age_seconds: float | None = describe("The time since `observedAt`, in seconds; null if that is null.")
    source: ObservationSource | None = describe("The kind of request that saw the object.")
    reason: StaleReason | None = describe("Why the values are not more recent; null if the state is `FRESH`.")
    missing_since: datetime | None = describe(
        "Since when complete listings do not contain the resource; null if the last one contains it."
    )
    explain: Explanation | None = describe("The request that the values come from, and the attempts that failed since.")


@documented(strawberry.type)
class Offer:
    """The terms under which a vendor rents a resource."""

    offer_id: UUID = describe("The gateway's id of the offer. Equal terms in one account have the same id.")
    offer_type: OfferType = describe("The kind of resource that is offered.")
    contract_type: ContractType = describe("The kind of contract.")
    vendor_sku: str | None = describe("The vendor's name of the machine or volume type.")
    price_hourly: float | None = describe("The price per hour while the resource runs; null if it is unknown.")
    currency: str | None = describe("The currency of the price; null if the price is unknown.")


@documented(strawberry.type)
class OfferProvenance:
    """The role of an offer in the life of a resource."""

    offer_id: UUID = describe("The id of the offer.")
    offer_type: OfferType = describe("The kind of resource that is offered.")
    role: OfferRole = describe("The role of the offer.")
    created_at: datetime = describe("Since when the offer has the role.")
    offer: Offer = describe("The offer.")


@mark_live
@documented(strawberry.type)
class LinkedResource:
    """A relation to another resource, over a span of time."""

    resource_id: UUID = describe("The `resourceId` of the linked resource.")
    resource_type: ResourceType = describe("The type of the linked resource.")
    name: str | None = describe("The name of the linked resource; null if it has none.")
    status: ResourceStatus = describe("The status of the linked resource.")
    freshness: Freshness = describe(
        "The freshness of the linked resource, which may differ from this resource's since another scope may list it."
    )
    link_type: LinkType = describe("The relation of the linked resource to this one.")
    linked_since: datetime = describe(
        "When the link began: the vendor's time of attachment, or when the link was first seen."
    )
    linked_until: datetime | None = describe("When the link ended; null while it is open.")
    resource: Resource = describe(
        "The linked resource. The setting `limits.links_depth` bounds such nesting, to at most 4 levels."
    )


@mark_live
@documented(strawberry.type)
class Resource(Node):
    """A machine or volume, as it was last observed.

    The values of live fields belong to the vendor, all others to the gateway.
    """

    resource_id: UUID = describe(
        "The gateway's id of the resource. It never changes, and stays after the resource is deleted."
    )
    resource_type: ResourceType = describe("The type of the resource.")
    vendor: str = describe("The vendor's name, such as `aws` or `lambda`.")
    vendor_region: str = describe("The vendor's name of the region; `unknown` if the vendor does not report one.")
    account: VendorAccount = describe("The account through which the resource is visible.")
    vendor_id: str = describe("The vendor's id of the resource.")
    name: str | None = describe("The name of the resource at the vendor; null if it has none.")
    status: ResourceStatus = describe("The status, in terms that all vendors share.")
    vendor_status: str | None = describe(
        "The status in the vendor's own terms; null if the vendor does not report one."
    )
    status_message: str | None = describe("The vendor's explanation of the status; null if there is none.")
    access: ResourceAccess | None = describe("How to connect to the resource; null if it cannot be connected to.")
    spec: ResourceSpec = describe("The properties of the resource.")

    @declare_field("The linked resources, open links first.")
    def linked_resources(
        self,
        include_ended: Annotated[bool, strawberry.argument("Include links that have ended.")] = False,
    ) -> list[LinkedResource]:
        """Declare the field."""
        resolve_from_parent()

    offer_history: list[OfferProvenance] = describe("The offers by which the resource was rented, oldest first.")
    pricing_total_hourly: float | None = describe(
        "The cost of this resource alone per hour in its present status. Null if it is unknown; 0 only if the vendor "
        "reports 0."
    )
    currency: str | None = describe("The currency of the price; null if the price is unknown.")
    pricing_source: PriceSource = describe("The source of the price.")
    pricing_as_of: datetime | None = describe(
        "When the price was read, which may be before `observedAt` if it comes from a catalogue; null if the price is "
        "unknown."
    )
    valid_from: datetime | None = describe("When the rental term began; null if there is no term.")
    valid_to: datetime | None = describe(
        "When the rental term ends, or when the vendor will reclaim the resource; null if neither is known."
    )
    last_synced_at: datetime | None = describe(
        "When the newest request that saw the resource was sent: the same instant as `freshness.observedAt`."
    )
    created_at: datetime = describe(
        "The vendor's time of creation, or when the resource was first seen if the vendor does not report it."
    )
    first_seen_at: datetime = describe("When the resource was first seen.")
    freshness: Freshness = describe("The age of the live fields, and the reason for it.")

    @declare_field("The changes of the resource, in the order in which they were recorded.")
    def history(
        self,
        first: Annotated[int, strawberry.argument("The maximum number of changes on the page, 1 to 1000.")] = 50,
        after: Annotated[str | None, strawberry.argument("Return the changes after this cursor.")] = strawberry.UNSET,
        fields: Annotated[
            list[str] | None,
            strawberry.argument("Return changes of these fields only, by their names in the graph."),
        ] = strawberry.UNSET,
        since: Annotated[
            datetime | None,
            strawberry.argument("Return changes that were observed at or after this instant."),
        ] = strawberry.UNSET,
    ) -> Annotated[ResourceChangeConnection, strawberry.lazy("schema.connection")]:
        """Declare the field."""
        resolve_from_parent()
