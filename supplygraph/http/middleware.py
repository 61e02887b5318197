"""Around every request: its correlation id, its line in the log, its count; CORS where it is allowed; faults masked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supplygraph.observability.logs import begin_request, logger
from supplygraph.observability.telemetry import Telemetry

ID_HEADER: Final = "X-Request-ID"
_PLAIN: Final = frozenset({"/graphql", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"})
_UNDER: Final = {"/resources/": "/resources/{resource_id}", "/assets/": "/assets/{name}"}
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
_SHARED: Final = ("/graphql", "/resources/")
_FAULT: Final = 500
_HUNG_UP: Final = 499
"""Logged where nothing was sent, since the client had gone; never sent."""


def route_of(path: str) -> str:
    """The template of a path: few enough to count by, and without anybody's ids."""
    if path in _PLAIN:
        return path
    return next((template for prefix, template in _UNDER.items() if path.startswith(prefix)), "other")


class RequestLog:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry, timer: Callable[[], float] = time.perf_counter) -> None:
        self._app = app
        self._telemetry = telemetry
        self._timer = timer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and tell of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = self._timer(), _HUNG_UP
        correlation_id = begin_request(Headers(scope=scope).get(ID_HEADER))

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[ID_HEADER] = correlation_id
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            await self._app(scope, receive, tell)
        except Exception as fault:  # noqa: BLE001 - the last door: whatever went wrong is logged, masked and told as 500
            logger("http").error("request_failed", route=route_of(scope["path"]), exc_info=fault)
            if status == _HUNG_UP:
                await _masked(correlation_id)(scope, receive, tell)
            status = _FAULT
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._telemetry.request_ended(route_of(scope["path"]), method, status, self._timer() - begun)


def _masked(correlation_id: str) -> Response:
    told = {
        "detail": "Something went wrong on our side. Tell the operator the correlation id.",
        "correlationId": correlation_id,
    }
    return Response(orjson.dumps(told), _FAULT, media_type="application/json")


class ScopedCORS:
    """CORS for the graph and the resources, and for nothing else; without cookies."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._with_cors = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", "Cache-Control", "Prefer", "If-None-Match", ID_HEADER),
            expose_headers=("Age", "Cache-Status", "ETag", "Retry-After", ID_HEADER),
            allow_credentials=False,
            max_age=3_600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        shared = scope["type"] == "http" and scope["path"].startswith(_SHARED)
        await (self._with_cors if shared else self._app)(scope, receive, send)
