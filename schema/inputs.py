"""Input types: a freshness demand, a filter and an order."""

from __future__ import annotations

from functools import partial
from typing import Final
from uuid import UUID

import strawberry

from domain.enums import Direction, ResourceOrderField, ResourceStatus, ResourceType
from schema import enums as enums  # noqa: PLC0414  # importing it registers the enums named above
from schema.fields import describe, documented

_optional: Final = partial(describe, default=strawberry.UNSET)


@documented(strawberry.input)
class FreshnessDemand:
    """How recent the values must be, counted back from the moment when the request arrived."""

    max_age_seconds: int | None = _optional(
        "The maximum age of the values in seconds. Without it, the default of each account applies. 0 is the same as "
        "`forceRefresh`; both together are an error."
    )
    force_refresh: bool = describe(
        "Ask the clouds again for the live fields that the operation uses, whatever the age of the recorded values. "
        "Without a live field no cloud is asked. Requires the permission `refresh`.",
        default=False,
    )
    max_wait_seconds: float | None = _optional(
        "The maximum time to wait for the clouds, in seconds. Then the recorded values are returned; those that are "
        "too old have the reason `DEADLINE`. 0 returns the recorded values at once and refreshes in the background."
    )


@documented(strawberry.input)
class ResourceFilter:
    """Conditions that a resource must meet, all of them.

    A list that is null or omitted is not a condition; an empty list matches nothing. Conditions on live fields (status,
    gpuType, gpuFamily, nameContains, linkedTo) demand freshness.
    """

    resource_id: list[UUID] | None = _optional("The `resourceId` is one of these.")
    vendor_id: list[str] | None = _optional("The vendor's id is one of these.")
    vendor: list[str] | None = _optional("The vendor is one of these.")
    account: list[str] | None = _optional("The name of the account is one of these.")
    vendor_region: list[str] | None = _optional("The region, by the vendor's name, is one of these.")
    status: list[ResourceStatus] | None = _optional("The status is one of these. DELETED implies `includeDeleted`.")
    resource_type: list[ResourceType] | None = _optional("The resource type is one of these.")
    gpu_type: list[str] | None = _optional("The GPU type is one of these.")
    gpu_family: list[str] | None = _optional("The GPU family is one of these.")
    name_contains: str | None = _optional("The name contains this text; the case of letters is ignored.")
    offer_id: UUID | None = _optional("The offer history contains this offer.")
    linked_to: UUID | None = _optional("An open link connects the resource with this one.")
    unconfirmed: bool | None = _optional(
        "True: the last complete listing does not contain the resource. False: it does."
    )
    include_deleted: bool = describe("Include deleted resources.", default=False)
    include_duplicates: bool = describe(
        "Include each further record of a machine that is visible through several accounts. Without it, such a machine "
        "is listed once.",
        default=False,
    )


@documented(strawberry.input)
class ResourceOrder:
    """The order of a list."""

    field: ResourceOrderField = describe("The field by which the list is ordered.")
    direction: Direction = describe("The direction of the order.", default=Direction.DESC)
