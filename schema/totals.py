"""Counts and hourly cost."""

from __future__ import annotations

import strawberry

from domain.enums import ResourceStatus, ResourceType
from schema.accounts import ListCoverage
from schema.live import mark_live


@strawberry.type(description="An amount per hour in one currency.")
class Money:
    """The sum of one currency."""

    currency: str = strawberry.field(description="The code of the currency, as the vendor reports it.")
    amount: float = strawberry.field(description="The amount per hour.")


@mark_live
@strawberry.type(description="The totals of one group of resources. A key that is not in `groupBy` is null.")
class ResourceTotals:
    """One row of totals."""

    vendor: str | None = strawberry.field(description="The vendor of the group.")
    account: str | None = strawberry.field(description="The account of the group.")
    vendor_region: str | None = strawberry.field(description="The region of the group, by the vendor's name.")
    status: ResourceStatus | None = strawberry.field(description="The status of the group.")
    resource_type: ResourceType | None = strawberry.field(description="The resource type of the group.")
    gpu_type: str | None = strawberry.field(
        description="The GPU type of the group; null also for the group of resources without one."
    )
    count: int = strawberry.field(description="The number of resources.")
    gpu_count: int = strawberry.field(description="The number of GPUs of all these resources together.")
    hourly: list[Money] = strawberry.field(
        description="The cost per hour, one entry per currency. Amounts of different currencies are never added."
    )
    unpriced_count: int = strawberry.field(
        description="The number of resources whose price is unknown, which `hourly` does not include."
    )
    coverage: ListCoverage = strawberry.field(description="Whether the group may lack resources.")
