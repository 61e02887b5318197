"""The ASGI application of a gateway: dispatches requests to endpoints, and runs the gateway during its lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.enums import Permission
from domain.errors import DatabaseUnavailable, ReaderError
from resolvers.errors import ErrorMasker
from resolvers.operation.compiler import OperationCompiler
from resolvers.pipeline import Pipeline
from schema.build import Graph, build
from supplygraph import web
from supplygraph.gateway import Gateway
from supplygraph.http import graphql
from supplygraph.http.graphql import GraphQLEndpoint
from supplygraph.http.headers import route_path
from supplygraph.http.middleware import RequestLog, ScopedCORS
from supplygraph.http.rest import ResourceEndpoint, refusal, refuse
from supplygraph.http.rest_docs import publish_openapi, resource_router
from supplygraph.observability import logs
from supplygraph.observability.account_status import AccountStatus
from supplygraph.observability.telemetry import CONTENT_TYPE

_READY_SECONDS: Final = 3.0
_NOT_CACHED: Final = {"Cache-Control": "no-store"}


class Application:
    """Dispatches `/graphql` and `GET /resources/{resource_id}` to their endpoints, and everything else to FastAPI."""

    def __init__(self, gateway: Gateway, *, running: bool = False) -> None:
        """`running` is whether the gateway runs already. If not, the application's lifespan starts and stops it."""
        self._gateway = gateway
        self._running = running
        self._graph = build()
        self.pipeline = _pipeline(gateway, self._graph)
        gateway.telemetry.pipeline.stats = self.pipeline.stats
        authenticate = gateway.authenticator.authenticate
        limits = gateway.settings.limits.limits()
        self.graphql = GraphQLEndpoint(
            self.pipeline,
            authenticate,
            web.graphiql_page,
            gateway.clock,
            ErrorMasker(logs.correlation_id),
            limits.body_bytes,
        )
        self.resources = ResourceEndpoint(
            gateway.reader, authenticate, gateway.clock, gateway.settings.freshness.rules(), gateway.max_age_of
        )
        self.pages = self._fastapi()
        self._layers = self._wrap(self._dispatch)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._layers(scope, receive, send)

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Run the gateway inside this context, unless it runs already."""
        return self._lifespan(self.pages)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.pages(scope, receive, send)
        elif route_path(scope) == graphql.PATH:
            await self.graphql(scope, receive, send)
        elif self.resources.serves(scope):
            await self.resources(scope, receive, send)
        else:
            await self.pages(scope, receive, send)

    def _wrap(self, app: ASGIApp) -> ASGIApp:
        origins = self._gateway.settings.server.allowed_origins
        if origins:
            app = ScopedCORS(app, origins)
        return RequestLog(app, self._gateway.telemetry)

    def _fastapi(self) -> FastAPI:
        app = FastAPI(
            title="supplygraph",
            description="One graph over every GPU machine and volume that a team rents, fresh when you look.",
            version=version("supplygraph"),
            lifespan=self._lifespan,
            docs_url=None,
            redoc_url=None,
        )
        app.include_router(resource_router(self.resources.respond))
        app.router.routes.append(Route(f"{graphql.PATH}/", _without_slash, methods=["GET", "POST", "OPTIONS"]))
        app.router.routes.append(_schema_route(self._graph.sdl))
        app.router.routes.extend(web.routes())
        app.router.routes.extend(_operator_routes(self._gateway, self.pipeline))
        _add_error_handlers(app)
        publish_openapi(app)
        return app

    @asynccontextmanager
    async def _lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        if self._running:
            yield
            return
        async with self._gateway.running():
            yield


def _schema_route(sdl: str) -> Route:
    """Return the route of the schema's text, from which clients generate code. It contains no data, so it needs no token."""

    async def schema(_request: Request) -> Response:
        return Response(sdl, media_type="text/plain")

    return Route("/schema.graphql", schema, methods=["GET"])


def _pipeline(gateway: Gateway, graph: Graph) -> Pipeline:
    limits, rules = gateway.settings.limits.limits(), gateway.settings.freshness.rules()
    return Pipeline(
        OperationCompiler(graph.core, gateway.statements, rules, limits, gateway.worker),
        gateway.reader,
        graph,
        limits,
        ErrorMasker(logs.correlation_id),
        plans=gateway.settings.graph.plans,
    )


def _operator_routes(gateway: Gateway, pipeline: Pipeline) -> list[Route]:
    """Return the routes for operators: `/healthz`, `/readyz` and `/metrics`."""
    status = AccountStatus(gateway.reader)

    async def healthz(_request: Request) -> Response:
        return _status_response(200, "ok")

    async def readyz(_request: Request) -> Response:
        # Only the database counts. A failing vendor is reported in the answers and is not a reason to stop sending requests.
        try:
            ready = await asyncio.wait_for(gateway.database.answers(), _READY_SECONDS)
        except TimeoutError:
            ready = False
        if not ready:
            return _status_response(503, "the database does not answer")
        refusal = gateway.reconciler.retry_unwritten()
        return (
            _status_response(503, f"the database cannot be written: {refusal}")
            if refusal
            else _status_response(200, "ok")
        )

    async def metrics(request: Request) -> Response:
        authorization = [value for name, value in request.scope["headers"] if name == b"authorization"]
        viewer = await gateway.authenticator.authenticate(authorization)
        viewer.require(Permission.ADMIN, "Reading the metrics")
        accounts = await status.read(gateway.clock.now())
        fills = {**gateway.queries.fills, **pipeline.compiler.fills}
        exposition = gateway.telemetry.exposition(accounts, fills)
        return Response(exposition, headers={**_NOT_CACHED, "Content-Type": CONTENT_TYPE})

    return [Route(f"/{route.__name__}", route, methods=["GET"]) for route in (healthz, readyz, metrics)]


async def _without_slash(request: Request) -> Response:
    """Redirect to the same address without the slash at the end. The client sends its method and body again."""
    return RedirectResponse(str(request.url.replace(path=request.url.path.rstrip("/"))), 307)


def _add_error_handlers(app: FastAPI) -> None:
    """Answer errors with `detail`, which never repeats what the client sent."""

    async def invalid(_request: Request, error: Exception) -> Response:
        errors = error.errors() if isinstance(error, RequestValidationError) else ()
        return refusal(422, [{"loc": list(item["loc"]), "msg": item["msg"], "type": item["type"]} for item in errors])

    async def refused(_request: Request, error: Any) -> Response:
        return refuse(error)

    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(DatabaseUnavailable, refused)
    app.add_exception_handler(ReaderError, refused)


def _status_response(status: int, text: str) -> Response:
    return Response(orjson.dumps({"status": text}), status, _NOT_CACHED, "application/json")
