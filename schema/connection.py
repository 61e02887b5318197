"""Pages of resources and of changes, after Relay's connections."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from domain.enums import ObservationSource
from schema.accounts import ListCoverage
from schema.resource import Resource


@strawberry.type(description="Where a page lies in the whole.")
class PageInfo:
    """Relay's page info."""

    has_next_page: bool = strawberry.field(description="Whether more follows.")
    has_previous_page: bool = strawberry.field(description="Whether something comes before.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first entry; null if there is none.")
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last entry: hand it in as `after` to go on."
    )


@strawberry.type(description="A resource in its place in a list.")
class ResourceEdge:
    """A resource and its cursor."""

    cursor: str = strawberry.field(description="This place in the list; opaque.")
    node: Resource = strawberry.field(description="The resource.")


@strawberry.type(description="A page of resources.")
class ResourceConnection:
    """What `resources` answers."""

    edges: list[ResourceEdge] = strawberry.field(description="The page, with cursors.")
    nodes: list[Resource] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page lies in the list.")
    total_count: int = strawberry.field(description="How many match, on all pages.")
    coverage: ListCoverage = strawberry.field(
        description=(
            "Whether the list itself is current: a scope that could not be asked may hold resources that are not in it."
        )
    )


@strawberry.type(description="One change of one field of a resource.")
class ResourceChange:
    """An entry of the history."""

    resource: Resource = strawberry.field(description="What changed.")
    field: str = strawberry.field(description="The field's name in the graph; `resource` for a whole snapshot.")
    before: JSON | None = strawberry.field(description="The value before; null if there was none.")
    after: JSON | None = strawberry.field(description="The value since.")
    observed_at: datetime = strawberry.field(description="When the request that told of it was sent.")
    source: ObservationSource = strawberry.field(description="Which kind of request that was.")


@strawberry.type(description="A change in its place in a history.")
class ResourceChangeEdge:
    """A change and its cursor."""

    cursor: str = strawberry.field(description="This place in the history; opaque.")
    node: ResourceChange = strawberry.field(description="The change.")


@strawberry.type(description="A page of changes, in the order in which they were recorded.")
class ResourceChangeConnection:
    """What `history` and `changes` answer."""

    edges: list[ResourceChangeEdge] = strawberry.field(description="The page, with cursors.")
    nodes: list[ResourceChange] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page lies in the history.")
