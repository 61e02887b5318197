"""The `/graphql` route, after the GraphQL-over-HTTP specification.

Answers are `application/graphql-response+json` or `application/json`. In the first a request that could not be run has
the status 400; in the second, which older clients take for a failure of the network unless it is 200, it has 200. What is
wrong with the HTTP request itself, and who asks, has the same status in both. There are no batches, no subscriptions and
no other transport than HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from domain.errors import BadUserInput, DatabaseUnavailable, Forbidden, ReaderError, Unauthenticated
from domain.rules import OperationLimits
from domain.timestamps import Clock, SystemClock
from domain.viewer import Viewer
from schema.build import Graph
from supplygraph.graphql_errors import ErrorMasker, ToldError, codes_of, payload, told_reader_error
from supplygraph.graphql_execution import Operations, Outcome, Reader
from supplygraph.http.graphql_request import Asked, Refused, read_get, read_post
from supplygraph.http.negotiation import MediaType, negotiate, prefers_page
from supplygraph.workbench import CompileWorker

PATH: Final = "/graphql"
_METHODS: Final = "GET, POST"
_HEADERS: Final = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Accept"}
_CLOSED_REQUEST: Final = 499
_FAULT: Final = 500
_UNAVAILABLE: Final = 503


@dataclass(frozen=True, slots=True)
class Served:
    """What became of one request: for metrics and the log. `codes` are those of its errors."""

    status: int
    operation_name: str | None
    codes: tuple[str, ...]


Authenticate = Callable[[Request], Awaitable[Viewer]]
"""Who asks. Raises Unauthenticated, or Forbidden where the token may not read."""
Page = Callable[[Request], Response]
"""GraphiQL's page."""
Observe = Callable[[Served], None]


def _unobserved(_served: Served) -> None:
    """Look away."""


def graphql_route(
    graph: Graph,
    reader: Reader,
    authenticate: Authenticate,
    page: Page,
    limits: OperationLimits | None = None,
    clock: Clock | None = None,
    observe: Observe = _unobserved,
    faults: ErrorMasker | None = None,
    *,
    plans: bool = True,
    ran: Callable[[bool], None] = lambda _: None,
    workbench: CompileWorker | None = None,
) -> Route:
    """The route for `/graphql`. `page` answers browsers; `clock` tells when a request arrived."""
    told_limits = limits or OperationLimits()
    told_faults = faults or ErrorMasker()
    endpoint = GraphQLEndpoint(
        operations=Operations(graph, reader, told_limits, told_faults, plans=plans, ran=ran, workbench=workbench),
        authenticate=authenticate,
        page=page,
        clock=clock or SystemClock(),
        observe=observe,
        faults=told_faults,
        body_bytes=told_limits.body_bytes,
    )
    # An ASGI application gets every method, so that what is refused is refused in one voice.
    return Route(PATH, endpoint, name="graphql", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Reply:
    """A body and how to send it."""

    status: int
    content: bytes
    media: MediaType
    headers: Mapping[str, str] = field(default_factory=dict)
    operation_name: str | None = None
    codes: tuple[str, ...] = ()

    def response(self) -> Response:
        """As Starlette sends it."""
        headers = {**_HEADERS, **self.headers, "Content-Type": self.media.header}
        return Response(self.content, self.status, headers)


@dataclass(frozen=True, slots=True)
class GraphQLEndpoint:
    """The ASGI application behind the route."""

    operations: Operations
    authenticate: Authenticate
    page: Page
    clock: Clock
    observe: Observe
    faults: ErrorMasker
    body_bytes: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        await (await self._response(request))(scope, receive, send)

    async def _response(self, request: Request) -> Response:
        if self._wants_page(request):
            return self.page(request)
        media = negotiate(_accept(request))
        try:
            reply = await self._reply(request, media)
            response = reply.response()
        except ClientDisconnect:
            # Nobody is left to read an answer.
            return Response(status_code=_CLOSED_REQUEST)
        except Exception as fault:  # noqa: BLE001  # the last door: whatever went wrong is logged, masked and told as INTERNAL
            status = _UNAVAILABLE if isinstance(fault, DatabaseUnavailable) else _FAULT
            reply = _errors_reply(status, self.faults.masked(fault), media or MediaType.JSON)
            response = reply.response()
        self.observe(Served(reply.status, reply.operation_name, reply.codes))
        return response

    def _wants_page(self, request: Request) -> bool:
        return (
            request.method in {"GET", "HEAD"} and "query" not in request.query_params and prefers_page(_accept(request))
        )

    async def _reply(self, request: Request, media: MediaType | None) -> _Reply:
        arrival = self.clock.now()
        told = media or MediaType.JSON
        try:
            _check_method(request)
            viewer = await self.authenticate(request)
            _check_accept(media)
            asked = await self._asked(request)
            outcome = await self.operations.run(asked, viewer, arrival, queries_only=request.method != "POST")
        except Refused as refused:
            return _errors_reply(refused.status, told_reader_error(refused.error), told, refused.headers)
        except Unauthenticated as error:
            return _refusal(error, told, {"WWW-Authenticate": "Bearer"})
        except Forbidden as error:
            return _refusal(error, told)
        return _outcome_reply(outcome, told)

    async def _asked(self, request: Request) -> Asked:
        if request.method == "POST":
            return await read_post(request, self.body_bytes)
        return read_get(request)


def _accept(request: Request) -> str | None:
    told = request.headers.getlist("accept")
    return ",".join(told) if told else None


def _check_method(request: Request) -> None:
    if request.method not in {"GET", "HEAD", "POST"}:
        raise Refused(405, BadUserInput("method", "Use POST, or GET for queries."), {"Allow": _METHODS})


def _check_accept(media: MediaType | None) -> None:
    if media is None:
        raise Refused(406, BadUserInput("Accept", f"Answers are {MediaType.GRAPHQL} or {MediaType.JSON}."))


def _refusal(error: ReaderError, media: MediaType, headers: Mapping[str, str] | None = None) -> _Reply:
    return _errors_reply(error.http_status, told_reader_error(error), media, headers)


def _errors_reply(status: int, error: ToldError, media: MediaType, headers: Mapping[str, str] | None = None) -> _Reply:
    return _Reply(status, orjson.dumps(payload([error])), media, headers or {}, codes=codes_of([error]))


def _outcome_reply(outcome: Outcome, media: MediaType) -> _Reply:
    status = outcome.status if media is MediaType.GRAPHQL else outcome.json_status
    return _Reply(status, outcome.content, media, {}, outcome.operation_name, outcome.codes)
