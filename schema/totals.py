"""Counts and hourly cost."""

from __future__ import annotations

import strawberry

from domain.enums import ResourceStatus, ResourceType
from schema.accounts import ListCoverage
from schema.live import mark_live


@strawberry.type(description="An amount an hour in one currency.")
class Money:
    """One currency's sum."""

    currency: str = strawberry.field(description="The currency's code, as the vendor tells it.")
    amount: float = strawberry.field(description="The sum an hour.")


@mark_live
@strawberry.type(description="One group of resources. Keys that were not grouped by are null.")
class ResourceTotals:
    """A row of totals."""

    vendor: str | None = strawberry.field(description="The group's vendor.")
    account: str | None = strawberry.field(description="The group's account.")
    vendor_region: str | None = strawberry.field(description="The group's region, in the vendor's own words.")
    status: ResourceStatus | None = strawberry.field(description="The group's status.")
    resource_type: ResourceType | None = strawberry.field(description="The group's type.")
    gpu_type: str | None = strawberry.field(description="The group's type of GPU.")
    count: int = strawberry.field(description="How many resources.")
    gpu_count: int = strawberry.field(description="How many GPUs they have together.")
    hourly: list[Money] = strawberry.field(description="One entry a currency; money is never added across currencies.")
    unpriced_count: int = strawberry.field(
        description="How many of them have no known price and are in none of the sums."
    )
    coverage: ListCoverage = strawberry.field(description="Whether the group may lack resources.")
