"""The root fields."""

from __future__ import annotations

from typing import Annotated, TypeAlias
from uuid import UUID

import strawberry
from strawberry.types import Info

from domain.enums import TotalsKey
from resolvers import roots
from schema.accounts import VendorAccount
from schema.connection import ResourceChangeConnection, ResourceConnection
from schema.declared import declared
from schema.inputs import FreshnessDemand, ResourceFilter, ResourceOrder
from schema.resource import Node, Resource
from schema.totals import ResourceTotals

Filter: TypeAlias = Annotated[
    ResourceFilter | None, strawberry.argument(description="Which resources; left out, all that live.")
]
Demand: TypeAlias = Annotated[
    FreshnessDemand | None, strawberry.argument(description="How fresh; left out, by the accounts' own defaults.")
]
ReadInfo: TypeAlias = Info[roots.OperationRead, None]
After: TypeAlias = Annotated[str | None, strawberry.argument(description="Go on behind this cursor.")]


@strawberry.type(description="What can be asked.")
class Query:
    """The root fields. Each resolver belongs to `resolvers.roots`; the first one of an operation starts its read."""

    @declared("One resource, or null when there is none that the viewer may see.")
    def resource(
        self,
        info: ReadInfo,
        resource_id: Annotated[UUID, strawberry.argument(description="Its `resourceId`.")],
        freshness: Demand = strawberry.UNSET,
    ) -> Resource | None:
        """Resolve the field."""
        return roots.resolve_resource(info)  # type: ignore[no-any-return] # a dict, see resolvers.roots

    @declared("Newest first unless ordered otherwise; `first` is at most 1000.")
    def resources(
        self,
        info: ReadInfo,
        filter: Filter = strawberry.UNSET,  # noqa: A002  # the contract's name
        order_by: Annotated[
            ResourceOrder | None, strawberry.argument(description="The order; left out, newest first.")
        ] = strawberry.UNSET,
        first: Annotated[int, strawberry.argument(description="The page's size, 1 to 1000.")] = 50,
        after: After = strawberry.UNSET,
        freshness: Demand = strawberry.UNSET,
    ) -> ResourceConnection:
        """Resolve the field."""
        return roots.resolve_resources(info)  # type: ignore[no-any-return] # a dict, see resolvers.roots

    @declared("Counts and hourly cost of what the filter matches, one row a group.")
    def resource_totals(
        self,
        info: ReadInfo,
        filter: Filter = strawberry.UNSET,  # noqa: A002  # the contract's name
        group_by: Annotated[
            list[TotalsKey], strawberry.argument(description="One row for each combination; none: one row in all.")
        ] = (),  # type: ignore[assignment]  # an immutable default; GraphQL sees []
        freshness: Demand = strawberry.UNSET,
    ) -> list[ResourceTotals]:
        """Resolve the field."""
        return roots.resolve_resource_totals(info)  # type: ignore[no-any-return] # a dict, see resolvers.roots

    @declared("What changed, in the order it was recorded; keep `endCursor` and go on from it later.")
    def changes(
        self,
        info: ReadInfo,
        filter: Filter = strawberry.UNSET,  # noqa: A002  # the contract's name
        first: Annotated[int, strawberry.argument(description="The page's size, 1 to 1000.")] = 100,
        after: After = strawberry.UNSET,
    ) -> ResourceChangeConnection:
        """Resolve the field."""
        return roots.resolve_changes(info)  # type: ignore[no-any-return] # a dict, see resolvers.roots

    @declared("The accounts that the viewer may see.")
    def accounts(self, info: ReadInfo) -> list[VendorAccount]:
        """Resolve the field."""
        return roots.resolve_accounts(info)  # type: ignore[no-any-return] # a dict, see resolvers.roots

    @declared("The object of an `id`, or null when there is none that the viewer may see.")
    def node(
        self,
        info: ReadInfo,
        id: Annotated[strawberry.ID, strawberry.argument(description="As in the field `id`.")],  # noqa: A002  # the contract's name
    ) -> Node | None:
        """Resolve the field."""
        return roots.resolve_node(info)  # type: ignore[no-any-return] # a dict, see resolvers.roots
