"""A gateway without clouds: it serves our pages, accepts one token and resolves the committed SDL to sample values."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import uvicorn
from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    get_named_type,
    get_nullable_type,
    graphql_sync,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from supplygraph import web

SDL: Final = Path(__file__).parents[2] / "schema" / "schema.graphql"
TOKEN: Final = "a-token-for-the-browser"
FRESHNESS: Final = {
    "fresh": 2,
    "stale": 1,
    "unconfirmed": 0,
    "oldestAgeSeconds": 41.7,
    "vendorCalls": 3,
    "gaps": [],
}
_VALUES: Final[dict[str, object]] = {
    "Int": 3,
    "Float": 1.5,
    "Boolean": True,
    "JSON": {"sample": "value"},
    "UUID": "0b9de5d0-3c5f-5d5c-9d4e-0f5a2f1b7c11",
    "DateTime": "2026-01-31T12:00:00.000000Z",
}
_OPENAPI: Final = {
    "openapi": "3.1.0",
    "info": {"title": "supplygraph", "version": "0.1.0"},
    "paths": {
        "/resources/{resource_id}": {
            "get": {
                "summary": "Get Resource",
                "parameters": [{"name": "resource_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "The resource."}},
            }
        }
    },
}


def stand_in() -> Starlette:
    """Create the application."""
    schema = build_schema(SDL.read_text(encoding="utf-8"))

    async def graphql(request: Request) -> Response:
        if request.method == "GET":
            return web.graphiql_page(request)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            error = {"message": "Unknown token.", "extensions": {"code": "UNAUTHENTICATED"}}
            return JSONResponse({"errors": [error]}, status_code=401)
        return _respond(schema, await request.json())

    async def openapi(_request: Request) -> Response:
        return JSONResponse(_OPENAPI)

    pages = [Route("/graphql", graphql, methods=["GET", "POST"]), Route("/openapi.json", openapi)]
    return Starlette(routes=[*web.routes(), *pages])


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """Serve the application over real HTTP on an ephemeral port; yields its origin."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none", timeout_graceful_shutdown=2))
    started = threading.Event()
    lifespan_startup = server.startup

    async def startup(*args: Any, **kwargs: Any) -> None:
        await lifespan_startup(*args, **kwargs)
        started.set()

    server.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert started.wait(30), "the stand-in did not start"
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(30)


def _respond(schema: GraphQLSchema, body: dict[str, Any]) -> Response:
    result = graphql_sync(
        schema,
        body["query"],
        variable_values=body.get("variables"),
        operation_name=body.get("operationName"),
        field_resolver=lambda _source, info, **_arguments: _sample_value(info.return_type, info),
        type_resolver=lambda _value, _info, _type: "Resource",
    )
    response = json.loads(json.dumps(result.formatted))
    return JSONResponse({**response, "extensions": {"freshness": FRESHNESS}})


def _sample_value(output_type: GraphQLOutputType, info: GraphQLResolveInfo[Any]) -> object:
    """Return two items for a list, the first value of an enum, and the field's own name for a string."""
    nullable = get_nullable_type(output_type)
    if isinstance(nullable, GraphQLList):
        return [_sample_value(nullable.of_type, info), _sample_value(nullable.of_type, info)]
    named = get_named_type(output_type)
    if isinstance(named, GraphQLEnumType):
        return next(iter(named.values))
    if named.name in ("String", "ID"):
        return info.field_name
    return _VALUES.get(named.name, {})
