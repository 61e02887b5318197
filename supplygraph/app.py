"""The application: routes over a gateway, and the lifespan in which it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from domain.enums import Permission
from schema.build import build
from supplygraph import web
from supplygraph.gateway import Gateway
from supplygraph.graphql_errors import ErrorMasker
from supplygraph.http.graphql import GraphQLEndpoint, graphql_route
from supplygraph.http.middleware import RequestLog, ScopedCORS
from supplygraph.http.rest import Resources, add_refusals, openapi_of, router
from supplygraph.observability import logs
from supplygraph.observability.account_status import account_status
from supplygraph.observability.telemetry import CONTENT_TYPE
from supplygraph.way_in import WayIn

_READY_SECONDS: Final = 3.0
_NOT_CACHED: Final = {"Cache-Control": "no-store"}


def make_app(gateway: Gateway, *, running: bool = False) -> FastAPI:
    """The application of a gateway, which its lifespan starts and ends; unless it is `running` already."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if running:
            yield
            return
        async with gateway.running():
            yield

    app = Application(
        title="supplygraph",
        description="One graph over every GPU machine and volume that a team rents, fresh when you look.",
        version=version("supplygraph"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.resources = Resources(
        reader=gateway.reader,
        authenticate=gateway.authenticator.authenticate,
        clock=gateway.clock,
        rules=gateway.settings.freshness.rules(),
        max_age_of=gateway.max_age_of,
        answered=gateway.workbench.other_answered,
    )
    app.include_router(router)
    graph = _graph(gateway)
    app.router.routes.append(graph)
    app.router.routes.extend(web.routes())
    endpoint = graph.endpoint if isinstance(graph.endpoint, GraphQLEndpoint) else None
    app.router.routes.extend(_operations(gateway, endpoint))
    add_refusals(app)
    _describe(app)
    if gateway.settings.server.allowed_origins:
        app.add_middleware(ScopedCORS, origins=gateway.settings.server.allowed_origins)
    app.add_middleware(RequestLog, telemetry=gateway.telemetry)
    if gateway.settings.graph.plans and endpoint is not None:
        app.take_short_way(endpoint, gateway)
    return app


class Application(FastAPI):
    """The application, with the short way in before it where there is one."""

    short_way: WayIn | None = None

    def take_short_way(self, endpoint: GraphQLEndpoint, gateway: Gateway) -> None:
        """Answer what was planned before, without any of the layers."""
        self.short_way = WayIn(
            super().__call__,
            endpoint,
            gateway.authenticator.hot,
            gateway.telemetry.short_way_ended,
            shared=bool(gateway.settings.server.allowed_origins),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await (super().__call__ if self.short_way is None else self.short_way)(scope, receive, send)


def _graph(gateway: Gateway) -> Route:
    return graphql_route(
        build(),
        gateway.reader,
        gateway.authenticator.authenticate,
        web.graphiql_page,
        limits=gateway.settings.limits.limits(),
        clock=gateway.clock,
        faults=ErrorMasker(logs.correlation_id),
        plans=gateway.settings.graph.plans,
        ran=lambda planned: gateway.telemetry.operation_ran(planned=planned),
        workbench=gateway.workbench,
    )


def _describe(app: FastAPI) -> None:
    described: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not described:
            described.update(openapi_of(app))
        return described

    # FastAPI's documented way to extend its description.
    app.openapi = openapi  # type: ignore[method-assign]


def _operations(gateway: Gateway, endpoint: GraphQLEndpoint | None) -> list[Route]:
    """What whoever runs the gateway asks it."""

    async def healthz(_request: Request) -> Response:
        return _told(200, {"status": "ok"})

    async def readyz(_request: Request) -> Response:
        # The database alone decides: a vendor that is down is told in the answers, and is no reason to take us away.
        try:
            ready = await asyncio.wait_for(gateway.database.answers(), _READY_SECONDS)
        except TimeoutError:
            ready = False
        return _told(200, {"status": "ok"}) if ready else _told(503, {"status": "the database does not answer"})

    async def metrics(request: Request) -> Response:
        viewer = await gateway.authenticator.authenticate(request)
        viewer.require(Permission.ADMIN, "Reading the metrics")
        accounts = await account_status(gateway.reader, gateway.clock.now())
        caches = {**gateway.readings.fills, **(endpoint.operations.fills if endpoint else {})}
        told = gateway.telemetry.exposition(accounts, caches)
        return Response(told, headers={**_NOT_CACHED, "Content-Type": CONTENT_TYPE})

    return [Route(f"/{call.__name__}", call, methods=["GET"]) for call in (healthz, readyz, metrics)]


def _told(status: int, body: dict[str, str]) -> Response:
    return Response(orjson.dumps(body), status, _NOT_CACHED, "application/json")
