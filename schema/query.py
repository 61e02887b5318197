"""The root fields."""

from __future__ import annotations

from typing import Annotated, TypeAlias
from uuid import UUID

import strawberry

from domain.enums import TotalsKey
from schema.accounts import VendorAccount
from schema.connection import ResourceChangeConnection, ResourceConnection
from schema.declared import answered_by_the_operation, declared
from schema.inputs import FreshnessDemand, ResourceFilter, ResourceOrder
from schema.resource import Node, Resource
from schema.totals import ResourceTotals

Filter: TypeAlias = Annotated[
    ResourceFilter | None, strawberry.argument(description="Which resources; left out, all that live.")
]
Demand: TypeAlias = Annotated[
    FreshnessDemand | None, strawberry.argument(description="How fresh; left out, by the accounts' own defaults.")
]
After: TypeAlias = Annotated[str | None, strawberry.argument(description="Go on behind this cursor.")]


@strawberry.type(description="What can be asked.")
class Query:
    """Every root field; each is answered by one statement."""

    @declared("One resource, or null when there is none that the viewer may see.")
    def resource(
        self,
        resource_id: Annotated[UUID, strawberry.argument(description="Its `resourceId`.")],
        freshness: Demand = strawberry.UNSET,
    ) -> Resource | None:
        """Declare the field."""
        answered_by_the_operation()

    @declared("Newest first unless ordered otherwise; `first` is at most 1000.")
    def resources(
        self,
        filter: Filter = strawberry.UNSET,  # noqa: A002  # the contract's name
        order_by: Annotated[
            ResourceOrder | None, strawberry.argument(description="The order; left out, newest first.")
        ] = strawberry.UNSET,
        first: Annotated[int, strawberry.argument(description="The page's size, 1 to 1000.")] = 50,
        after: After = strawberry.UNSET,
        freshness: Demand = strawberry.UNSET,
    ) -> ResourceConnection:
        """Declare the field."""
        answered_by_the_operation()

    @declared("Counts and hourly cost of what the filter matches, one row a group.")
    def resource_totals(
        self,
        filter: Filter = strawberry.UNSET,  # noqa: A002  # the contract's name
        group_by: Annotated[
            list[TotalsKey], strawberry.argument(description="One row for each combination; none: one row in all.")
        ] = (),  # type: ignore[assignment]  # an immutable default; GraphQL sees []
        freshness: Demand = strawberry.UNSET,
    ) -> list[ResourceTotals]:
        """Declare the field."""
        answered_by_the_operation()

    @declared("What changed, in the order it was recorded; keep `endCursor` and go on from it later.")
    def changes(
        self,
        filter: Filter = strawberry.UNSET,  # noqa: A002  # the contract's name
        first: Annotated[int, strawberry.argument(description="The page's size, 1 to 1000.")] = 100,
        after: After = strawberry.UNSET,
    ) -> ResourceChangeConnection:
        """Declare the field."""
        answered_by_the_operation()

    accounts: list[VendorAccount] = strawberry.field(description="The accounts that the viewer may see.")

    @declared("The object of an `id`, or null when there is none that the viewer may see.")
    def node(
        self,
        id: Annotated[strawberry.ID, strawberry.argument(description="As `id` told it.")],  # noqa: A002  # the contract's name
        freshness: Demand = strawberry.UNSET,
    ) -> Node | None:
        """Declare the field."""
        answered_by_the_operation()
