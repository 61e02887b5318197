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

from db.connections import EngineReader
from db.query.reader import QueryReader
from db.query.sql.statement import StatementCompiler
from domain.enums import StaleReason
from domain.errors import Unauthenticated
from domain.records.model import ScopeKey
from domain.rules import FreshnessRules, OperationLimits
from domain.runtime_stats import BudgetLeft, CallCount
from domain.viewer import Viewer
from reconcile.requests import RefreshRequest, RefreshResult
from resolvers.errors import ErrorMasker
from resolvers.freshness.evaluation import FreshnessContext
from resolvers.operation.compile_worker import CompileWorker
from resolvers.operation.compiler import OperationCompiler
from resolvers.pipeline import Pipeline
from resolvers.pipeline_stats import PipelineStats
from resolvers.reader import Reader
from schema.build import build
from supplygraph.http.graphql import GraphQLEndpoint
from tests.clock import ManualClock
from tests.equality.generation.requests import VIEWERS
from tests.equality.oracle.oracle import OracleRequest
from tests.equality.world import NOW, EqualityWorld

_TOKENS: Final = {f"Bearer {viewer.name}": viewer for viewer in VIEWERS}
_MEDIA: Final = "application/graphql-response+json"


@dataclass(frozen=True, slots=True)
class RenderedAnswer:
    """A response over HTTP."""

    status: int
    body: Any


Rendering = Callable[[OracleRequest], Awaitable[RenderedAnswer]]


@dataclass(frozen=True, slots=True)
class Vendors:
    """Clouds that change nothing: some cannot be asked, the others have no news. A call is counted for each scope."""

    world: EqualityWorld

    def read(self, account: str) -> None:
        """Nobody keeps accounts fresh here."""

    async def refresh(self, requests: Sequence[RefreshRequest], arrived_at: float) -> RefreshResult:
        """Ask each scope once."""
        scopes = {request.scope for request in requests}
        failed: dict[ScopeKey, StaleReason] = {key: why for key, why in self.world.failing.items() if key in scopes}
        return RefreshResult(scopes=failed, calls=len(scopes))


@dataclass(frozen=True, slots=True)
class Running:
    """The statistics of the process, as the world defines them."""

    world: EqualityWorld

    def budget(self, account: str) -> BudgetLeft | None:
        """As the world says."""
        return self.world.budgets.get(account)

    def calls(self, account: str) -> CallCount | None:
        """As the world says."""
        return self.world.calls.get(account)


async def _authenticate(authorization: Sequence[bytes]) -> Viewer:
    viewer = _TOKENS.get(b"".join(authorization).decode())
    if viewer is None:
        raise Unauthenticated("A valid token is needed.")
    return viewer


def _page(_request: HttpRequest) -> Response:
    return HTMLResponse("")


@dataclass(slots=True)
class PlanProbe:
    """Whether the last operation ran as a plan; None if nothing ran."""

    stats: PipelineStats
    _seen: tuple[int, int] = (0, 0)

    @property
    def last(self) -> bool | None:
        """Compare the counts with those at the last call of `reset`."""
        planned, executed = self.stats.planned - self._seen[0], self.stats.executed - self._seen[1]
        return None if not planned and not executed else planned > 0

    def reset(self) -> None:
        """Forget what ran."""
        self._seen = self.stats.planned, self.stats.executed


@dataclass(frozen=True, slots=True)
class Renderings:
    """Every way of rendering, by name, and a client of the first."""

    calls: Mapping[str, Rendering]
    client: httpx.AsyncClient
    plans: PlanProbe

    @classmethod
    @asynccontextmanager
    async def over(cls, world: EqualityWorld, engine: AsyncEngine) -> AsyncIterator[Self]:
        """Over one recorded world: by plans, and by Strawberry's execution with the resolvers."""
        queries = QueryReader(EngineReader(engine, 5), engine.dialect, stats=Running(world))
        statements, worker, rules = (
            StatementCompiler(engine.dialect),
            CompileWorker(rest=lambda _: None),
            FreshnessRules(),
        )
        freshness = FreshnessContext(rules, world.links_owner, {})
        reader = Reader(queries, statements, worker, Vendors(world), freshness, ManualClock(NOW))
        # Each text is compiled once for both: what differs begins after that.
        compiler = OperationCompiler(_graph().core, statements, rules, OperationLimits(), worker)
        endpoint = _endpoint(compiler, reader, plans=True)
        planned, executed = _app(endpoint), _app(_endpoint(compiler, reader, plans=False))
        calls = {"planned": _called(planned), "executed": _called(executed)}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(planned), base_url="http://gateway") as client:
            yield cls(calls, client, PlanProbe(endpoint.pipeline.stats))
        worker.close()
        await queries.close()

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


def _endpoint(compiler: OperationCompiler, reader: Reader, *, plans: bool) -> GraphQLEndpoint:
    masker, limits = ErrorMasker(lambda: "the-correlation-id"), OperationLimits()
    pipeline = Pipeline(compiler, reader, _graph(), limits, masker, plans=plans)
    return GraphQLEndpoint(pipeline, _authenticate, _page, ManualClock(NOW), masker, limits.body_bytes)


def _app(endpoint: GraphQLEndpoint) -> ASGIApp:
    return Starlette(routes=[Route("/graphql", endpoint)])


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
