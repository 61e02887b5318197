"""The root fields, with their arguments and resolvers.

All resolvers call `resolve_root_field`. They do not pass the arguments on: these are part of the operation, which is compiled
before it is executed.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias
from uuid import UUID

import strawberry
from strawberry.types import Info

from domain.enums import TotalsKey
from resolvers.roots import OperationRead, resolve_root_field
from schema.accounts import VendorAccount
from schema.connection import ResourceChangeConnection, ResourceConnection
from schema.fields import declare_field, documented
from schema.inputs import FreshnessDemand, ResourceFilter, ResourceOrder
from schema.resource import Node, Resource
from schema.totals import ResourceTotals

Filter: TypeAlias = Annotated[
    ResourceFilter | None,
    strawberry.argument("Which resources to include. If it is omitted, all that are not deleted."),
]
ChangeFilter: TypeAlias = Annotated[
    ResourceFilter | None,
    strawberry.argument("Which resources to include changes of. If it is omitted, all, deleted ones too."),
]
Demand: TypeAlias = Annotated[
    FreshnessDemand | None,
    strawberry.argument("How fresh the answer must be. If it is omitted, the defaults of the accounts apply."),
]
ReadInfo: TypeAlias = Info[OperationRead, None]
After: TypeAlias = Annotated[str | None, strawberry.argument("Return what follows this cursor.")]


@documented(strawberry.type)
class Query:
    """The root fields."""

    @declare_field("One resource; null if it does not exist or the viewer may not see it.")
    def resource(
        self,
        info: ReadInfo,
        resource_id: Annotated[UUID, strawberry.argument("The `resourceId` of the resource.")],
        freshness: Demand = strawberry.UNSET,
    ) -> Resource | None:
        """Resolve the field from the operation's read."""
        return resolve_root_field(info)  # type: ignore[no-any-return] # a dict by response keys

    @declare_field("The resources that the filter matches, page by page.")
    def resources(
        self,
        info: ReadInfo,
        filter: Filter = strawberry.UNSET,  # noqa: A002  # the name in the schema
        order_by: Annotated[
            ResourceOrder | None,
            strawberry.argument("The order. If it is omitted, the newest resource comes first."),
        ] = strawberry.UNSET,
        first: Annotated[int, strawberry.argument("The maximum number of items on the page, 1 to 1000.")] = 50,
        after: After = strawberry.UNSET,
        freshness: Demand = strawberry.UNSET,
    ) -> ResourceConnection:
        """Resolve the field from the operation's read."""
        return resolve_root_field(info)  # type: ignore[no-any-return] # a dict by response keys

    @declare_field("Counts and hourly cost of the resources that the filter matches, by group.")
    def resource_totals(
        self,
        info: ReadInfo,
        filter: Filter = strawberry.UNSET,  # noqa: A002  # the name in the schema
        group_by: Annotated[
            list[TotalsKey],
            strawberry.argument(
                "Return one row for each combination of these keys. Without keys, one row for everything."
            ),
        ] = (),  # type: ignore[assignment]  # an immutable default; GraphQL sees []
        freshness: Demand = strawberry.UNSET,
    ) -> list[ResourceTotals]:
        """Resolve the field from the operation's read."""
        return resolve_root_field(info)  # type: ignore[no-any-return] # a dict by response keys

    @declare_field(
        "The changes of resources, in the order in which they were recorded. To continue later, store `endCursor`."
    )
    def changes(
        self,
        info: ReadInfo,
        filter: ChangeFilter = strawberry.UNSET,  # noqa: A002  # the name in the schema
        first: Annotated[int, strawberry.argument("The maximum number of items on the page, 1 to 1000.")] = 100,
        after: After = strawberry.UNSET,
    ) -> ResourceChangeConnection:
        """Resolve the field from the operation's read."""
        return resolve_root_field(info)  # type: ignore[no-any-return] # a dict by response keys

    @declare_field("The accounts that the viewer may see.")
    def accounts(self, info: ReadInfo) -> list[VendorAccount]:
        """Resolve the field from the operation's read."""
        return resolve_root_field(info)  # type: ignore[no-any-return] # a dict by response keys

    @declare_field("The object with this `id`; null if it does not exist or the viewer may not see it.")
    def node(
        self,
        info: ReadInfo,
        id: Annotated[strawberry.ID, strawberry.argument("The value of the field `id`.")],  # noqa: A002  # the name in the schema
    ) -> Node | None:
        """Resolve the field from the operation's read."""
        return resolve_root_field(info)  # type: ignore[no-any-return] # a dict by response keys
