"""The gateway's ways of rendering one record, behind its own HTTP route, with vendors that do as the world says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NoReturn, Self

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from db.query import Readings
from domain.enums import StaleReason
from domain.errors import Unauthenticated
from domain.records.model import ScopeKey
from domain.rules import FreshnessRules
from domain.runtime_stats import BudgetLeft, CallCount
from domain.viewer import Viewer
from reconcile.requests import RefreshRequest, RefreshResult
from resolvers.reader import Reader
from schema.build import build
from supplygraph.graphql_errors import ErrorMasker
from supplygraph.http.graphql import GraphQLEndpoint, graphql_route
from supplygraph.way_in import WayIn
from tests.clock import ManualClock
from tests.equality.generation.requests import VIEWERS
from tests.equality.oracle.oracle import OracleRequest
from tests.equality.world import NOW, EqualityWorld

_TOKENS: Final = {f"Bearer {viewer.name}": viewer for viewer in VIEWERS}
_MEDIA: Final = "application/graphql-response+json"


@dataclass(frozen=True, slots=True)
class RenderedAnswer:
    """What came back over HTTP."""

    status: int
    body: Any


Rendering = Callable[[OracleRequest], Awaitable[RenderedAnswer]]


@dataclass(frozen=True, slots=True)
class Vendors:
    """Clouds that change nothing: some cannot be asked, the others have no news. A call is counted for each scope."""

    world: EqualityWorld

    def read(self, account: str) -> None:
        """Nobody keeps accounts fresh here."""

    async def settle(self, wants: Sequence[RefreshRequest], arrived_at: float) -> RefreshResult:
        """Ask each scope once."""
        scopes = {want.scope for want in wants}
        failed: dict[ScopeKey, StaleReason] = {key: why for key, why in self.world.failing.items() if key in scopes}
        return RefreshResult(scopes=failed, calls=len(scopes))


@dataclass(frozen=True, slots=True)
class Running:
    """What the gateway knows of itself."""

    world: EqualityWorld

    def budget(self, account: str) -> BudgetLeft | None:
        """As the world says."""
        return self.world.budgets.get(account)

    def calls(self, account: str) -> CallCount | None:
        """As the world says."""
        return self.world.calls.get(account)


async def _authenticate(request: HttpRequest) -> Viewer:
    viewer = _TOKENS.get(request.headers.get("authorization", ""))
    if viewer is None:
        raise Unauthenticated("A valid token is needed.")
    return viewer


def _page(_request: HttpRequest) -> Response:
    return HTMLResponse("")


@dataclass(slots=True)
class Plans:
    """Whether the last operation ran as a plan; None where nothing ran."""

    last: bool | None = None

    def ran(self, planned: bool) -> None:
        """Note it."""
        self.last = planned


@dataclass(frozen=True, slots=True)
class Renderings:
    """Every way of rendering, by name, and a client of the first."""

    calls: Mapping[str, Rendering]
    client: httpx.AsyncClient
    plans: Plans

    @classmethod
    @asynccontextmanager
    async def over(cls, world: EqualityWorld, engine: AsyncEngine) -> AsyncIterator[Self]:
        """Over one recorded world: by plans, by graphql-core over the same statements, and by the short way in."""
        readings = Readings(engine, running=Running(world))
        reader = Reader(readings, Vendors(world), FreshnessRules(), ManualClock(NOW), world.links_owner, {})
        plans = Plans()
        planned, executed, short = (
            _endpoint(reader, plans=True, ran=plans.ran),
            _endpoint(reader, plans=False),
            _endpoint(reader, plans=True),
        )
        # Each text is validated once for all of them: what differs begins behind that.
        documents = planned.operations.preparing.documents
        short.operations.preparing.documents = executed.operations.preparing.documents = documents
        app = _app(planned)
        way_in = WayIn(_app(short), short, _known, lambda _seconds, _correlation_id: None)
        calls = {"planned": _called(app), "executed": _called(_app(executed)), "short": _called(way_in)}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            yield cls(calls, client, plans)
        await readings.close()

    async def over_http(self, request: OracleRequest, *, get: bool) -> RenderedAnswer:
        """By the HTTP client; by GET where asked for."""
        payload = {
            "query": request.query,
            "variables": dict(request.variables),
            "operationName": request.operation_name,
        }
        headers = {"Accept": _MEDIA}
        if request.viewer is not None:
            headers["Authorization"] = f"Bearer {request.viewer.name}"
        if get and _reads(request.query):
            params = {"query": request.query, "variables": json.dumps(payload["variables"])}
            params |= {"operationName": request.operation_name} if request.operation_name else {}
            answer = await self.client.get("/graphql", params=params, headers=headers)
        else:
            answer = await self.client.post("/graphql", json=payload, headers=headers)
        return RenderedAnswer(answer.status_code, json.loads(answer.content, parse_constant=_no_number))


def _reads(query: str) -> bool:
    # GET refuses other operations, in its own way.
    return "mutation" not in query and "subscription" not in query


_graph: Final = cache(build)


def _endpoint(reader: Reader, *, plans: bool, ran: Callable[[bool], None] = lambda _: None) -> GraphQLEndpoint:
    faults = ErrorMasker(lambda: "the-correlation-id")
    route = graphql_route(
        _graph(), reader, _authenticate, _page, clock=ManualClock(NOW), faults=faults, plans=plans, ran=ran
    )
    assert isinstance(route.endpoint, GraphQLEndpoint)
    return route.endpoint


def _app(endpoint: GraphQLEndpoint) -> ASGIApp:
    return Starlette(routes=[Route("/graphql", endpoint)])


def _known(header: bytes) -> Viewer | None:
    return _TOKENS.get(header.decode())


def _called(app: ASGIApp) -> Rendering:
    """The application called as a server calls it."""

    async def call(request: OracleRequest) -> RenderedAnswer:
        payload = {
            "query": request.query,
            "variables": dict(request.variables),
            "operationName": request.operation_name,
        }
        sent: list[Message] = []
        waiting = [{"type": "http.request", "body": json.dumps(payload).encode(), "more_body": False}]

        async def receive() -> Message:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await app(_scope(request), receive, send)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return RenderedAnswer(sent[0]["status"], json.loads(body, parse_constant=_no_number))

    return call


def _scope(request: OracleRequest) -> dict[str, Any]:
    headers = [(b"content-type", b"application/json"), (b"accept", _MEDIA.encode()), (b"host", b"gateway")]
    if request.viewer is not None:
        headers.append((b"authorization", f"Bearer {request.viewer.name}".encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("gateway", 80),
    }


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")
