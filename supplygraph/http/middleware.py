"""The layers around every request: correlation id, access log, metrics, common headers, CORS and masked internal errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from supplygraph.http.headers import route_path
from supplygraph.observability.logs import begin_request, logger
from supplygraph.observability.telemetry import Telemetry

ID_HEADER: Final = "X-Request-ID"
_ID_NAME: Final = ID_HEADER.lower().encode()
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_PATHS: Final = frozenset({"/graphql", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics"})
_PREFIXES: Final = {"/resources/": "/resources/{resource_id}", "/assets/": "/assets/{name}"}
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
_SHARED_PATHS: Final = ("/graphql", "/resources/")
# The headers of the two routes, and those that browsers' tracing and Apollo Client add to every request.
_REQUEST_HEADERS: Final = (
    "Authorization", "Content-Type", "Accept", "Cache-Control", "Pragma", "Prefer", "If-None-Match", ID_HEADER,
    "traceparent", "tracestate", "baggage", "apollographql-client-name", "apollographql-client-version",
    "apollo-require-preflight",
)  # fmt: skip
_INTERNAL: Final = 500
_MASKED: Final = "Something went wrong on our side. Give the operator the correlation id."
_DISCONNECTED: Final = 499
"""The status in the log if the client disconnected before a response was sent. It is never sent."""


def route_of(path: str) -> str:
    """Return the route template of a path: the metrics count by it, so it must not contain ids."""
    if path in _PATHS:
        return path
    return next((template for prefix, template in _PREFIXES.items() if path.startswith(prefix)), "other")


class RequestLog:
    """The outermost layer: gives a request its correlation id, logs and counts it, and masks internal errors."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry, timer: Callable[[], float] = time.perf_counter) -> None:
        self._app = app
        self._telemetry = telemetry
        self._timer = timer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, then log and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = self._timer(), _DISCONNECTED
        correlation_id = begin_request(_sent_id(scope))
        own_headers = [(_ID_NAME, correlation_id.encode("latin-1")), _NOSNIFF]

        async def send_logged(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *own_headers]
            await send(message)

        try:
            await self._app(scope, receive, send_logged)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the error is logged and answered with 500
            logger("http").error("request_failed", route=route_of(route_path(scope)), exc_info=error)
            if status == _DISCONNECTED:
                body = {"detail": _MASKED, "correlationId": correlation_id}
                await JSONResponse(body, _INTERNAL)(scope, receive, send_logged)
            status = _INTERNAL
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            seconds = self._timer() - started
            self._telemetry.request_ended(route_of(route_path(scope)), method, status, seconds, correlation_id)


def _sent_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == _ID_NAME:
            text: str = value.decode("latin-1")
            return text
    return None


class ScopedCORS:
    """CORS for `/graphql` and `/resources/`, and for nothing else; without cookies."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._with_cors = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST"),
            allow_headers=_REQUEST_HEADERS,
            expose_headers=("Age", "Cache-Status", "ETag", "Retry-After", ID_HEADER),
            allow_credentials=False,
            max_age=3_600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, with CORS headers if its path has CORS."""
        if scope["type"] != "http" or not route_path(scope).startswith(_SHARED_PATHS):
            await self._app(scope, receive, send)
        elif any(name == b"origin" for name, _ in scope["headers"]):
            await self._with_cors(scope, receive, send)
        else:
            await self._app(scope, receive, _vary_by_origin(send))


def _vary_by_origin(send: Send) -> Send:
    """Add Origin to Vary: another request may have an Origin, and caches must not give it this response."""

    async def send_varied(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, value + b", Origin" if name == b"vary" else value) for name, value in message["headers"]
            ]
        await send(message)

    return send_varied
