"""Counts and hourly cost."""

from __future__ import annotations

import strawberry

from domain.enums import ResourceStatus, ResourceType
from schema.accounts import ListCoverage
from schema.fields import describe, documented
from schema.live import mark_live


@documented(strawberry.type)
class Money:
    """An amount per hour in one currency."""

    currency: str = describe("The code of the currency, as the vendor reports it.")
    amount: float = describe("The amount per hour.")


@mark_live
@documented(strawberry.type)
class ResourceTotals:
    """The totals of one group of resources. A key that is not in `groupBy` is null."""

    vendor: str | None = describe("The vendor of the group.")
    account: str | None = describe("The account of the group.")
    vendor_region: str | None = describe("The region of the group, by the vendor's name.")
    status: ResourceStatus | None = describe("The status of the group.")
    resource_type: ResourceType | None = describe("The resource type of the group.")
    gpu_type: str | None = describe("The GPU type of the group; null also for the group of resources without one.")
    count: int = describe("The number of resources.")
    gpu_count: int = describe("The number of GPUs of all these resources together.")
    hourly: list[Money] = describe(
        "The cost per hour, one entry per currency. Amounts of different currencies are never added."
    )
    unpriced_count: int = describe("The number of resources whose price is unknown, which `hourly` does not include.")
    coverage: ListCoverage = describe("Whether the group may lack resources.")
