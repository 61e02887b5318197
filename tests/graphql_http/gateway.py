"""The `/graphql` route over a reader that answers from memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx
import orjson
from graphql import (
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from domain.enums import Permission
from domain.errors import ReaderError, Unauthenticated
from domain.rules import OperationLimits
from domain.selection import TYPENAME, Selected
from domain.viewer import Viewer
from resolvers.reader import Prepared
from schema.build import Graph, build
from supplygraph.graphql_errors import ErrorMasker
from supplygraph.http.graphql import Served, graphql_route
from tests.clock import ManualClock

ARRIVAL = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
TOKEN = "a-token-of-the-tests"
RESOURCE_ID = "5f0b1e5c-0c0a-5d3c-9b39-0a53f44d6f6a"
CORRELATION_ID = "the-correlation-id"
FRESHNESS = {"fresh": 1, "stale": 0, "unconfirmed": 0, "oldestAgeSeconds": 1.5, "vendorCalls": 2, "gaps": []}

LEAVES: Mapping[str, object] = {
    "id": f"Resource:{RESOURCE_ID}",
    "resourceId": RESOURCE_ID,
    "resourceType": "VM",
    "vendor": "sandbox",
    "vendorRegion": "unknown",
    "vendorId": "i-1",
    "name": "trainer",
    "status": "RUNNING",
    "createdAt": "2026-01-31T12:00:00.000000Z",
    "totalCount": 1,
    "pricingTotalHourly": 2.5,
    "gpuType": "H100",
    "linkType": "ATTACHED_STORAGE",
    "before": None,
    "after": {"nested": [1, None, "x"]},
}
OF_TYPE: Mapping[str, object] = {"Int": 1, "Float": 1.5, "Boolean": True, "JSON": {}}


@dataclass(frozen=True)
class Summary:
    """Ages that are always the same."""

    def to_extensions(self) -> Mapping[str, object]:
        """As `extensions.freshness` holds them."""
        return FRESHNESS


@dataclass(frozen=True)
class Answer:
    """An operation's answer."""

    answers: Mapping[str, object]
    summary: Summary = field(default_factory=Summary)

    @property
    def texts(self) -> Mapping[str, bytes | ReaderError]:
        """The answers as JSON."""
        return {
            key: told if isinstance(told, ReaderError) else orjson.dumps(told) for key, told in self.answers.items()
        }


def data_of(selected: Selected) -> object:
    """What the selection asks for, one entry in every list."""
    if selected.name == TYPENAME:
        return selected.type_name
    parent = graph().core.type_map[selected.type_name]
    assert isinstance(parent, GraphQLObjectType)
    told = parent.fields[selected.name].type
    named = get_named_type(told)
    if is_leaf_type(named):
        return leaf(selected.name, named, required=is_non_null_type(told))
    answer = {child.key: data_of(child) for child in selected.fields}
    return [answer] if is_list_type(get_nullable_type(told)) else answer


def leaf(name: str, told: GraphQLLeafType, *, required: bool) -> object:
    """The value of a field; null where there is none and none is needed."""
    if name in LEAVES or not required:
        return LEAVES.get(name)
    if isinstance(told, GraphQLEnumType):
        return next(iter(told.values))
    return OF_TYPE.get(told.name, "text")


@dataclass(slots=True)
class Remembered(Prepared):
    """An operation as it was asked."""

    roots: tuple[Selected, ...]
    viewer: Viewer


@dataclass
class MemoryReader:
    """Answers every selection, and keeps what it was asked. `told` replaces the answer of a response key."""

    told: dict[str, object] = field(default_factory=dict)
    raises: Exception | None = None
    asked: list[tuple[tuple[Selected, ...], Viewer, datetime]] = field(default_factory=list)

    def prepare(self, roots: Sequence[Selected], viewer: Viewer, *, write: bool = True) -> Prepared:
        """Keep what is asked."""
        return Remembered((), {}, None, tuple(roots), viewer)

    async def run(self, prepared: Prepared, arrival: datetime) -> Answer:
        """Answer from memory."""
        assert isinstance(prepared, Remembered)
        self.asked.append((prepared.roots, prepared.viewer, arrival))
        if self.raises is not None:
            raise self.raises
        return Answer({root.key: self.told.get(root.key, data_of(root)) for root in prepared.roots})

    @property
    def roots(self) -> tuple[Selected, ...]:
        """The root fields of the last operation."""
        return self.asked[-1][0]


async def authenticate(request: Request) -> Viewer:
    """Know one token."""
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        raise Unauthenticated("A valid token is needed: send 'Authorization: Bearer TOKEN'.")
    return Viewer("tests", frozenset({Permission.READ}))


def page(_request: Request) -> Response:
    """Stand for GraphiQL's page."""
    return HTMLResponse("<title>GraphiQL</title>")


@cache
def graph() -> Graph:
    """The built graph, once for all tests."""
    return build()


@dataclass
class Gateway:
    """The route, its reader, and what it told its observer."""

    reader: MemoryReader = field(default_factory=MemoryReader)
    limits: OperationLimits = field(default_factory=OperationLimits)
    served: list[Served] = field(default_factory=list)
    plans: bool = True

    def app(self) -> Starlette:
        """The application around the route."""
        route = graphql_route(
            graph(),
            self.reader,
            authenticate,
            page,
            limits=self.limits,
            clock=ManualClock(ARRIVAL),
            observe=self.served.append,
            faults=ErrorMasker(lambda: CORRELATION_ID),
            plans=self.plans,
        )
        return Starlette(routes=[route])

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A client of the route, with the token."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app()),
            base_url="http://gateway",
            headers={"Authorization": f"Bearer {TOKEN}", **headers},
        )

    async def post(
        self, query: str, accept: str = "application/graphql-response+json", **more: object
    ) -> httpx.Response:
        """Run an operation."""
        async with self.client(Accept=accept) as client:
            return await client.post("/graphql", json={"query": query, **more})

    async def post_body(self, body: bytes, **headers: str) -> httpx.Response:
        """Send these bytes as JSON."""
        told = {"Content-Type": "application/json", **headers}
        async with self.client() as client:
            return await client.post("/graphql", content=body, headers=told)


def codes(response: httpx.Response) -> list[str]:
    """The codes of a response's errors."""
    return [error["extensions"]["code"] for error in body(response).get("errors", [])]


def body(response: httpx.Response) -> dict[str, Any]:
    """A response's body, read by another decoder than wrote it."""
    decoded: dict[str, Any] = json.loads(response.content)
    return decoded
