"""Input types: a freshness demand, a filter and an order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry

from domain.enums import Direction, ResourceOrderField, ResourceStatus, ResourceType
from schema import enums as enums  # noqa: PLC0414  # importing it registers the enums named above


@strawberry.input(description="How recent the values must be, counted back from the moment when the request arrived.")
class FreshnessDemand:
    """A max age or force, and a max wait."""

    max_age_seconds: int | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "The maximum age of the values in seconds. Without it, the default of each account applies. "
            "0 is the same as `forceRefresh`; both together are an error."
        ),
    )
    force_refresh: bool = strawberry.field(
        default=False,
        description=(
            "Ask the clouds again for the live fields that the operation uses, whatever the age of the recorded values. "
            "Without a live field no cloud is asked. Requires the permission `refresh`."
        ),
    )
    max_wait_seconds: float | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "The maximum time to wait for the clouds, in seconds. Then the recorded values are returned; those that are "
            "too old have the reason `DEADLINE`. 0 returns the recorded values at once and refreshes in the background."
        ),
    )


def _condition(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(
    description=(
        "Conditions that a resource must meet, all of them. A list that is null or omitted is not a condition; an empty "
        "list matches nothing. Conditions on live fields (status, gpuType, gpuFamily, nameContains, linkedTo) demand "
        "freshness."
    )
)
class ResourceFilter:
    """Conditions on resources."""

    resource_id: list[UUID] | None = _condition("The `resourceId` is one of these.")
    vendor_id: list[str] | None = _condition("The vendor's id is one of these.")
    vendor: list[str] | None = _condition("The vendor is one of these.")
    account: list[str] | None = _condition("The name of the account is one of these.")
    vendor_region: list[str] | None = _condition("The region, by the vendor's name, is one of these.")
    status: list[ResourceStatus] | None = _condition("The status is one of these. DELETED implies `includeDeleted`.")
    resource_type: list[ResourceType] | None = _condition("The resource type is one of these.")
    gpu_type: list[str] | None = _condition("The GPU type is one of these.")
    gpu_family: list[str] | None = _condition("The GPU family is one of these.")
    name_contains: str | None = _condition("The name contains this text; the case of letters is ignored.")
    offer_id: UUID | None = _condition("The offer history contains this offer.")
    linked_to: UUID | None = _condition("An open link connects the resource with this one.")
    unconfirmed: bool | None = _condition(
        "True: the last complete listing does not contain the resource. False: it does."
    )
    include_deleted: bool = strawberry.field(default=False, description="Include deleted resources.")
    include_duplicates: bool = strawberry.field(
        default=False,
        description=(
            "Include each further record of a machine that is visible through several accounts. Without it, such a "
            "machine is listed once."
        ),
    )


@strawberry.input(description="The order of a list.")
class ResourceOrder:
    """A field and a direction."""

    field: ResourceOrderField = strawberry.field(description="The field by which the list is ordered.")
    direction: Direction = strawberry.field(default=Direction.DESC, description="The direction of the order.")
