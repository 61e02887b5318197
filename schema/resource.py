"""A machine or volume and what belongs to it."""

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
from schema.declared import declared, resolved_from_dict
from schema.live import mark_live

if TYPE_CHECKING:
    from schema.connection import ResourceChangeConnection


@strawberry.interface(description="Something that `node` finds again.")
class Node:
    """Relay's node."""

    id: strawberry.ID = strawberry.field(description="An identification for `node`; opaque.")


@strawberry.type(description="What a machine or volume is made of, in common names.")
class ResourceSpec:
    """Common facts; null where the vendor tells none."""

    gpu_type: str | None = strawberry.field(
        description=(
            "The GPU model in one common spelling, such as `nvidia-h100-sxm5-80gb`; "
            "the vendor's own name if it is not recognized."
        )
    )
    gpu_family: str | None = strawberry.field(
        description="The GPU family, such as `H100`; null if the GPU is not recognized."
    )
    gpu_count: int | None = strawberry.field(description="How many GPUs; 0 is none.")
    vcpu_count: float | None = strawberry.field(description="How many virtual CPUs.")
    memory_gb: float | None = strawberry.field(description="Memory in the vendor's own gigabytes.")
    disk_gb: float | None = strawberry.field(description="Disk, or the volume's size, in the vendor's own gigabytes.")
    vendor_sku: str | None = strawberry.field(description="The vendor's own name of the type.")
    image: str | None = strawberry.field(description="What it was started from.")
    vendor: JSON = strawberry.field(description="Allow-listed facts of this vendor that have no common name.")


@strawberry.type(description="How to reach a machine.")
class ResourceAccess:
    """Addresses; null where the vendor tells none."""

    external_ip: str | None = strawberry.field(description="Its address on the internet.")
    internal_ip: str | None = strawberry.field(description="Its address in the vendor's network.")
    ssh_command: str | None = strawberry.field(description="A command that logs in.")
    ssh_port: int | None = strawberry.field(description="The port of SSH, 1 to 65535.")


@strawberry.type(description="A request that was sent since and did not tell of the resource.")
class FailedAttempt:
    """A failed request."""

    source: ObservationSource = strawberry.field(description="Which kind of request it was.")
    sent_at: datetime = strawberry.field(description="When it was sent.")
    reason: StaleReason = strawberry.field(description="Why it told nothing.")


@strawberry.type(description="Where an age comes from: the call that told us last, and what was tried since.")
class Explanation:
    """Of the newest request that saw the resource; null what is not known of it."""

    vendor: str = strawberry.field(description="The cloud that was asked.")
    operation: str | None = strawberry.field(description="What it was asked, as the vendor names it.")
    page: int | None = strawberry.field(description="Which page of the listing told it, from 1.")
    http_status: int | None = strawberry.field(description="The answer's HTTP status.")
    latency_seconds: float | None = strawberry.field(description="How long the answer took.")
    request_id: str | None = strawberry.field(description="The vendor's own id of the request, for its support.")
    sent_at: datetime | None = strawberry.field(description="When the request was sent: the same as `observedAt`.")
    source: ObservationSource | None = strawberry.field(description="Which kind of request it was.")
    readers: int | None = strawberry.field(description="How many readers shared it; 0 is one in the background.")
    failed_attempts: list[FailedAttempt] = strawberry.field(description="What failed since, newest last; at most 5.")
    next_allowed_at: datetime | None = strawberry.field(
        description="Before this moment its scope is not asked again; null is now."
    )


@strawberry.type(description="The truth about an age.")
class Freshness:
    """How old what is told is, and why."""

    state: FreshnessState = strawberry.field(description="Whether it is as fresh as was demanded.")
    observed_at: datetime | None = strawberry.field(description="When the newest request that saw it was sent.")
    age_seconds: float | None = strawberry.field(description="How many seconds ago that was.")
    source: ObservationSource | None = strawberry.field(description="Which kind of request that was.")
    reason: StaleReason | None = strawberry.field(description="Why it is no fresher; null when it is fresh.")
    missing_since: datetime | None = strawberry.field(
        description="Set while the last complete listing lacks the resource: since when."
    )
    explain: Explanation | None = strawberry.field(description="Which call told us, and what was tried since.")


@strawberry.type(description="One set of terms.")
class Offer:
    """What is sold, how, for how much."""

    offer_id: UUID = strawberry.field(description="Ours; the same terms have the same id.")
    offer_type: OfferType = strawberry.field(description="What it sells.")
    contract_type: ContractType = strawberry.field(description="How it rents.")
    vendor_sku: str | None = strawberry.field(description="The vendor's own name of the type.")
    price_hourly: float | None = strawberry.field(description="Price an hour while running; null is unknown.")
    currency: str | None = strawberry.field(description="The price's currency.")


@strawberry.type(description="That a resource came from an offer, in which role, since when.")
class OfferProvenance:
    """One entry of the offer history."""

    offer_id: UUID = strawberry.field(description="The offer.")
    offer_type: OfferType = strawberry.field(description="What the offer sells.")
    role: OfferRole = strawberry.field(description="What the offer was to the resource.")
    created_at: datetime = strawberry.field(description="Since when.")
    offer: Offer = strawberry.field(description="The offer itself.")


@mark_live
@strawberry.type(description="A relation to another resource, over a span of time.")
class LinkedResource:
    """A link, seen from one end."""

    resource_id: UUID = strawberry.field(description="The linked resource.")
    resource_type: ResourceType = strawberry.field(description="What the linked resource is.")
    name: str | None = strawberry.field(description="The linked resource's name.")
    status: ResourceStatus = strawberry.field(description="The linked resource's status.")
    freshness: Freshness = strawberry.field(
        description="Of the linked resource: it is often listed by another scope than this one."
    )
    link_type: LinkType = strawberry.field(description="What the linked resource is to this one.")
    linked_since: datetime = strawberry.field(
        description="Since when: the vendor's time of attachment, or when it was first seen."
    )
    linked_until: datetime | None = strawberry.field(description="Until when; null while it lasts.")
    resource: Resource = strawberry.field(description="The linked resource itself; such walks go 4 deep at most.")


@mark_live
@strawberry.type(description="Our record of a machine or volume. Live fields are the vendor's, all others ours.")
class Resource(Node):
    """A machine or volume."""

    resource_id: UUID = strawberry.field(description="Ours, for as long as the resource lives and after.")
    resource_type: ResourceType = strawberry.field(description="What it is.")
    vendor: str = strawberry.field(description="The cloud: `aws`, `lambda`, ...")
    vendor_region: str = strawberry.field(
        description="The vendor's own name of the region; `unknown` where it tells none."
    )
    account: VendorAccount = strawberry.field(description="The account it was seen through.")
    vendor_id: str = strawberry.field(description="The vendor's own id.")
    name: str | None = strawberry.field(description="The vendor's name for it.")
    status: ResourceStatus = strawberry.field(description="How it is, in our common words.")
    vendor_status: str | None = strawberry.field(description="How it is, in the vendor's own word.")
    status_message: str | None = strawberry.field(description="What the vendor says about the status.")
    access: ResourceAccess | None = strawberry.field(description="How to reach it; null if there is no way.")
    spec: ResourceSpec = strawberry.field(description="What it is made of.")

    @declared("What it is linked to; open links first.")
    def linked_resources(
        self,
        include_ended: Annotated[bool, strawberry.argument(description="Links that have ended as well.")] = False,
    ) -> list[LinkedResource]:
        """Declare the field."""
        resolved_from_dict()

    offer_history: list[OfferProvenance] = strawberry.field(description="The offers it came from, oldest first.")
    pricing_total_hourly: float | None = strawberry.field(
        description="What this resource alone costs an hour in its present status; null is unknown, never zero."
    )
    currency: str | None = strawberry.field(description="The price's currency.")
    pricing_source: PriceSource = strawberry.field(description="Who told the price.")
    pricing_as_of: datetime | None = strawberry.field(
        description="When the price was read; a catalogue's price is older than the resource."
    )
    valid_from: datetime | None = strawberry.field(description="Since when the terms hold; null if there is no term.")
    valid_to: datetime | None = strawberry.field(
        description="Until when: the end of a rental, or an announced reclaim; null if there is none."
    )
    last_synced_at: datetime | None = strawberry.field(
        description="When the newest request that saw this resource was sent. The same instant as freshness.observedAt."
    )
    created_at: datetime = strawberry.field(
        description="The vendor's time of creation; where it tells none, when we first saw it."
    )
    first_seen_at: datetime = strawberry.field(description="When we first saw it.")
    freshness: Freshness = strawberry.field(description="The truth about the age of what is told here.")

    @declared("What changed, in the order it was recorded.")
    def history(
        self,
        first: Annotated[int, strawberry.argument(description="At most so many changes; 1 to 1000.")] = 50,
        after: Annotated[str | None, strawberry.argument(description="Go on behind this cursor.")] = strawberry.UNSET,
        fields: Annotated[
            list[str] | None, strawberry.argument(description="Changes of these fields alone, named as in the graph.")
        ] = strawberry.UNSET,
        since: Annotated[
            datetime | None, strawberry.argument(description="Changes observed at or after this moment.")
        ] = strawberry.UNSET,
    ) -> Annotated[ResourceChangeConnection, strawberry.lazy("schema.connection")]:
        """Declare the field."""
        resolved_from_dict()
