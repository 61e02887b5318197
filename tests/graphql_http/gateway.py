"""The `/graphql` route over a reader that answers from memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
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
from sqlalchemy.dialects import sqlite
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from db.query.shape import Shape
from db.query.sql.statement import StatementCompiler
from domain.enums import Permission
from domain.errors import ReaderError, Unauthenticated
from domain.rules import FreshnessRules, OperationLimits
from domain.selection import TYPENAME
from domain.viewer import Viewer
from resolvers.errors import ErrorMasker
from resolvers.freshness.summary import FreshnessSummary, OperationAnswer
from resolvers.operation.compile_worker import CompileWorker
from resolvers.operation.compiler import OperationCompiler
from resolvers.pipeline import Pipeline
from resolvers.reader import Reader, ReadRequest
from schema.build import Graph, build
from supplygraph.http.graphql import GraphQLEndpoint
from tests.clock import ManualClock

ARRIVAL = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
TOKEN = "a-token-of-the-tests"
RESOURCE_ID = "5f0b1e5c-0c0a-5d3c-9b39-0a53f44d6f6a"
CORRELATION_ID = "the-correlation-id"
FRESHNESS = {"fresh": 1, "stale": 0, "unconfirmed": 0, "oldestAgeSeconds": 1.5, "vendorCalls": 2, "gaps": []}

LEAF_VALUES: Mapping[str, object] = {
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
TYPE_VALUES: Mapping[str, object] = {"Int": 1, "Float": 1.5, "Boolean": True, "JSON": {}}


@dataclass(slots=True)
class FixedSummary(FreshnessSummary):
    """A summary with constant ages."""

    def to_extensions(self) -> dict[str, object]:
        """Return the value of `extensions.freshness`."""
        return dict(FRESHNESS)


def make_value(shape: Shape) -> object:
    """Return a value for a selection. Every list has one item."""
    if shape.name == TYPENAME:
        return shape.type_name
    parent = graph().core.type_map[shape.type_name]
    assert isinstance(parent, GraphQLObjectType)
    field_type = parent.fields[shape.name].type
    named = get_named_type(field_type)
    if is_leaf_type(named):
        return make_leaf(shape.name, named, required=is_non_null_type(field_type))
    value = {child.key: make_value(child) for child in shape.fields}
    return [value] if is_list_type(get_nullable_type(field_type)) else value


def make_leaf(name: str, leaf_type: GraphQLLeafType, *, required: bool) -> object:
    """Return a value for a leaf; None if it is nullable and has no value here."""
    if name in LEAF_VALUES or not required:
        return LEAF_VALUES.get(name)
    if isinstance(leaf_type, GraphQLEnumType):
        return next(iter(leaf_type.values))
    return TYPE_VALUES.get(leaf_type.name, "text")


class MemoryReader(Reader):
    """Answers every selection from memory and stores the requests. `values` replaces the values of response keys."""

    def __init__(self, values: Mapping[str, object] | None = None, raises: Exception | None = None) -> None:
        self.values = dict(values or {})
        self.raises = raises
        self.requests: list[tuple[ReadRequest, datetime]] = []

    async def read(self, request: ReadRequest, arrival: datetime) -> OperationAnswer:
        """Answer from memory."""
        self.requests.append((request, arrival))
        if self.raises is not None:
            raise self.raises
        roots = () if request.statement is None else request.statement.roots
        values = {root.shape.key: self.values.get(root.shape.key, make_value(root.shape)) for root in roots}
        return MemoryAnswer({**values, **request.errors})

    def argument(self, name: str, request: int = -1) -> object:
        """Return the bound value of an argument of the first root field."""
        read, _ = self.requests[request]
        assert read.statement is not None
        param = read.statement.roots[0].shape.param(name)
        assert param is not None
        return read.params[param.name]


class MemoryAnswer(OperationAnswer):
    """An answer that consists of Python values."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self.summary = FixedSummary()

    @property
    def texts(self) -> Mapping[str, bytes | ReaderError]:  # type: ignore[override]
        """The values as JSON."""
        return {
            key: value if isinstance(value, ReaderError) else orjson.dumps(value) for key, value in self._values.items()
        }

    @property
    def values(self) -> Mapping[str, Any]:
        """The values."""
        return self._values


async def authenticate(authorization: Sequence[bytes]) -> Viewer:
    """Accept one token."""
    if list(authorization) != [f"Bearer {TOKEN}".encode()]:
        raise Unauthenticated("A valid token is needed: send 'Authorization: Bearer TOKEN'.")
    return Viewer("tests", frozenset({Permission.ADMIN}))


def page(_request: Request) -> Response:
    """Return a page in place of GraphiQL."""
    return HTMLResponse("<title>GraphiQL</title>")


@cache
def graph() -> Graph:
    """Return the graph, which all tests share."""
    return build()


@dataclass
class GraphQLGateway:
    """The endpoint over a reader that answers from memory."""

    reader: MemoryReader = field(default_factory=MemoryReader)
    limits: OperationLimits = field(default_factory=OperationLimits)
    plans: bool = True
    worker: CompileWorker = field(default_factory=lambda: CompileWorker(rest=lambda _: None))

    @cached_property
    def compiler(self) -> OperationCompiler:
        """The compiler of its operations."""
        statements = StatementCompiler(sqlite.dialect())
        return OperationCompiler(graph().core, statements, FreshnessRules(), self.limits, self.worker)

    @cached_property
    def app(self) -> Starlette:
        """The application that contains the endpoint."""
        masker = ErrorMasker(lambda: CORRELATION_ID)
        pipeline = Pipeline(self.compiler, self.reader, graph(), self.limits, masker, plans=self.plans)
        clock = ManualClock(ARRIVAL)
        endpoint = GraphQLEndpoint(pipeline, authenticate, page, clock, masker, self.limits.body_bytes)
        return Starlette(routes=[Route("/graphql", endpoint)])

    def client(self, **headers: str) -> httpx.AsyncClient:
        """Return a client that sends the token."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
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
        async with self.client() as client:
            return await client.post("/graphql", content=body, headers={"Content-Type": "application/json", **headers})


def codes(response: httpx.Response) -> list[str]:
    """Return the codes of the errors in a response."""
    return [error["extensions"]["code"] for error in body(response).get("errors", [])]


def body(response: httpx.Response) -> dict[str, Any]:
    """Return the body of a response. The standard library decodes it, because another library has encoded it."""
    decoded: dict[str, Any] = json.loads(response.content)
    return decoded
