"""What a reader may hand in: a demand, a filter, an order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry

from domain.enums import Direction, ResourceOrderField, ResourceStatus, ResourceType
from schema import enums as enums  # noqa: PLC0414  # importing it publishes the enums named above


@strawberry.input(description="How fresh the answer must be, counted back from the moment the request arrived.")
class FreshnessDemand:
    """Max age or force, and max wait."""

    max_age_seconds: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="Seconds. Omitted: the account's own default. 0 is the same as forceRefresh.",
    )
    force_refresh: bool = strawberry.field(
        default=False, description="Ask the clouds after this request arrived; never older."
    )
    max_wait_seconds: float | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "Seconds to wait for the clouds at most, then the record is answered and marked. "
            "0: answer now, refresh behind."
        ),
    )


def _condition(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(
    description=(
        "Conditions that all hold. A list that is null or left out is no condition, an empty one matches nothing. "
        "Live conditions (status, gpuType, gpuFamily, nameContains, linkedTo) demand freshness."
    )
)
class ResourceFilter:
    """Conditions on resources."""

    resource_id: list[UUID] | None = _condition("One of these resources.")
    vendor_id: list[str] | None = _condition("One of these ids of the vendor's.")
    vendor: list[str] | None = _condition("At one of these vendors.")
    account: list[str] | None = _condition("In one of these accounts.")
    vendor_region: list[str] | None = _condition("In one of these regions, in the vendor's own words.")
    status: list[ResourceStatus] | None = _condition("In one of these statuses; DELETED implies includeDeleted.")
    resource_type: list[ResourceType] | None = _condition("Of one of these types.")
    gpu_type: list[str] | None = _condition("With one of these types of GPU.")
    gpu_family: list[str] | None = _condition("With a GPU of one of these families.")
    name_contains: str | None = _condition("The name holds this text, whatever the case.")
    offer_id: UUID | None = _condition("Came from this offer.")
    linked_to: UUID | None = _condition("Linked to this resource at present.")
    unconfirmed: bool | None = _condition("Missing from the last complete listing, or not.")
    include_deleted: bool = strawberry.field(default=False, description="Deleted resources as well.")
    include_duplicates: bool = strawberry.field(
        default=False, description="Machines seen through a second account as well, once for each account."
    )


@strawberry.input(description="The order of a list.")
class ResourceOrder:
    """By what, and which way."""

    field: ResourceOrderField = strawberry.field(description="By what.")
    direction: Direction = strawberry.field(default=Direction.DESC, description="Which way.")
