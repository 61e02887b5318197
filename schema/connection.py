"""Pages of resources and of changes, as Relay's connections."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from domain.enums import ObservationSource
from schema.accounts import ListCoverage
from schema.fields import describe, documented
from schema.resource import Resource


@documented(strawberry.type)
class PageInfo:
    """The position of a page in its list."""

    has_next_page: bool = describe("Whether there are entries after this page.")
    has_previous_page: bool = describe("Whether there are entries before this page.")
    start_cursor: str | None = describe("The cursor of the first entry of the page; null if the page is empty.")
    end_cursor: str | None = describe(
        "The cursor of the last entry of the page, for `after` of the next request; null if the page is empty."
    )


@documented(strawberry.type)
class ResourceEdge:
    """A resource and its position in a list."""

    cursor: str = describe("The position in the list. Opaque.")
    node: Resource = describe("The resource.")


@documented(strawberry.type)
class ResourceConnection:
    """A page of resources."""

    edges: list[ResourceEdge] = describe("The resources of the page, with their cursors.")
    nodes: list[Resource] = describe("The resources of the page.")
    page_info: PageInfo = describe("The position of the page in the list.")
    total_count: int = describe("The number of resources that match, on all pages together.")
    coverage: ListCoverage = describe(
        "Whether the list is current. A scope that could not be listed in time may hold resources that it lacks."
    )


@documented(strawberry.type)
class ResourceChange:
    """One change of one field of a resource."""

    resource: Resource = describe("The resource that changed.")
    field: str = describe(
        "The name of the field in the graph; `resource` if the entry is a snapshot of the whole resource."
    )
    before: JSON | None = describe("The previous value; null if there was none.")
    after: JSON | None = describe("The new value; null if there is none.")
    observed_at: datetime = describe("When the request that showed the change was sent.")
    source: ObservationSource = describe("The kind of request that showed the change.")


@documented(strawberry.type)
class ResourceChangeEdge:
    """A change and its position in a history."""

    cursor: str = describe("The position in the history. Opaque.")
    node: ResourceChange = describe("The change.")


@documented(strawberry.type)
class ResourceChangeConnection:
    """A page of changes, in the order in which they were recorded."""

    edges: list[ResourceChangeEdge] = describe("The changes of the page, with their cursors.")
    nodes: list[ResourceChange] = describe("The changes of the page.")
    page_info: PageInfo = describe("The position of the page in the history.")
