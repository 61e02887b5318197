"""A gateway without clouds: the committed SDL answered with made-up values, behind our pages and one token."""

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
    "JSON": {"made": "up"},
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
    """The application."""
    schema = build_schema(SDL.read_text(encoding="utf-8"))

    async def graphql(request: Request) -> Response:
        if request.method == "GET":
            return web.graphiql_page(request)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            refusal = {"message": "Unknown token.", "extensions": {"code": "UNAUTHENTICATED"}}
            return JSONResponse({"errors": [refusal]}, status_code=401)
        return _answer(schema, await request.json())

    async def openapi(_request: Request) -> Response:
        return JSONResponse(_OPENAPI)

    pages = [Route("/graphql", graphql, methods=["GET", "POST"]), Route("/openapi.json", openapi)]
    return Starlette(routes=[*web.routes(), *pages])


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The application behind real HTTP on an ephemeral port; gives its origin."""
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


def _answer(schema: GraphQLSchema, body: dict[str, Any]) -> Response:
    result = graphql_sync(
        schema,
        body["query"],
        variable_values=body.get("variables"),
        operation_name=body.get("operationName"),
        field_resolver=lambda _source, info, **_arguments: _made_up(info.return_type, info),
        type_resolver=lambda _value, _info, _type: "Resource",
    )
    answer = json.loads(json.dumps(result.formatted))
    return JSONResponse({**answer, "extensions": {"freshness": FRESHNESS}})


def _made_up(wanted: GraphQLOutputType, info: GraphQLResolveInfo[Any]) -> object:
    """Two of each list, the first word of each enum, the field's own name for a text."""
    bare = get_nullable_type(wanted)
    if isinstance(bare, GraphQLList):
        return [_made_up(bare.of_type, info), _made_up(bare.of_type, info)]
    named = get_named_type(wanted)
    if isinstance(named, GraphQLEnumType):
        return next(iter(named.values))
    if named.name in ("String", "ID"):
        return info.field_name
    return _VALUES.get(named.name, {})
