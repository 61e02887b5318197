"""Pages of resources and of changes, as Relay's connections."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from domain.enums import ObservationSource
from schema.accounts import ListCoverage
from schema.resource import Resource


@strawberry.type(description="The position of a page in its list.")
class PageInfo:
    """Relay's page information."""

    has_next_page: bool = strawberry.field(description="Whether there are entries after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are entries before this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first entry of the page; null if the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last entry of the page, for `after` of the next request; null if the page is empty."
    )


@strawberry.type(description="A resource and its position in a list.")
class ResourceEdge:
    """A resource with its cursor."""

    cursor: str = strawberry.field(description="The position in the list. Opaque.")
    node: Resource = strawberry.field(description="The resource.")


@strawberry.type(description="A page of resources.")
class ResourceConnection:
    """The result of `resources`."""

    edges: list[ResourceEdge] = strawberry.field(description="The resources of the page, with their cursors.")
    nodes: list[Resource] = strawberry.field(description="The resources of the page.")
    page_info: PageInfo = strawberry.field(description="The position of the page in the list.")
    total_count: int = strawberry.field(description="The number of resources that match, on all pages together.")
    coverage: ListCoverage = strawberry.field(
        description=(
            "Whether the list is current. A scope that could not be listed in time may hold resources that it lacks."
        )
    )


@strawberry.type(description="One change of one field of a resource.")
class ResourceChange:
    """An entry of the history."""

    resource: Resource = strawberry.field(description="The resource that changed.")
    field: str = strawberry.field(
        description="The name of the field in the graph; `resource` if the entry is a snapshot of the whole resource."
    )
    before: JSON | None = strawberry.field(description="The previous value; null if there was none.")
    after: JSON | None = strawberry.field(description="The new value; null if there is none.")
    observed_at: datetime = strawberry.field(description="When the request that showed the change was sent.")
    source: ObservationSource = strawberry.field(description="The kind of request that showed the change.")


@strawberry.type(description="A change and its position in a history.")
class ResourceChangeEdge:
    """A change with its cursor."""

    cursor: str = strawberry.field(description="The position in the history. Opaque.")
    node: ResourceChange = strawberry.field(description="The change.")


@strawberry.type(description="A page of changes, in the order in which they were recorded.")
class ResourceChangeConnection:
    """The result of `history` and `changes`."""

    edges: list[ResourceChangeEdge] = strawberry.field(description="The changes of the page, with their cursors.")
    nodes: list[ResourceChange] = strawberry.field(description="The changes of the page.")
    page_info: PageInfo = strawberry.field(description="The position of the page in the history.")
