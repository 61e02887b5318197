"""The endpoint for `/graphql`, after the GraphQL-over-HTTP specification: POST, GET, and GraphiQL for browsers.

Responses are `application/graphql-response+json` or `application/json`. A request that cannot be executed has the status 400 in
the first and 200 in the second, because older clients take any other status for a network failure. An invalid HTTP request and
a missing or rejected token have the same status in both. Batches and subscriptions are not supported.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.errors import BadUserInput, DatabaseUnavailable, Forbidden, Unauthenticated
from domain.timestamps import Clock
from domain.viewer import Viewer
from resolvers.errors import ErrorMasker, RequestRejected
from resolvers.pipeline import Pipeline
from resolvers.response import GraphQLResponse, rejection
from supplygraph.http.graphql_body import read_body, read_query_string
from supplygraph.http.headers import RequestHeaders, text_of
from supplygraph.http.negotiation import MediaType, negotiate, prefers_page

PATH: Final = "/graphql"
_METHODS: Final = "GET, HEAD, POST"
_HEADERS: Final = [(b"cache-control", b"private, no-cache"), (b"vary", b"Authorization, Accept")]
_TYPES: Final = {media: (b"content-type", media.header.encode()) for media in MediaType}
_UNAVAILABLE: Final = 503
_INTERNAL: Final = 500

Authenticate = Callable[[Sequence[bytes]], Awaitable[Viewer]]
"""Returns the viewer for the values of the header `Authorization`.

Raises Unauthenticated, or Forbidden if the token lacks the permission `read`.
"""
Page = Callable[[Request], Response]
"""Returns the page with GraphiQL."""


@dataclass(frozen=True, slots=True)
class GraphQLEndpoint:
    """The ASGI application of the endpoint. `clock` gives the arrival of a request. A body has at most `max_body_bytes` bytes."""

    pipeline: Pipeline
    authenticate: Authenticate
    page: Page
    clock: Clock
    masker: ErrorMasker
    max_body_bytes: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = RequestHeaders(scope["headers"])
        accept = text_of(headers.all(b"accept"))
        if _wants_page(scope, accept):
            await self.page(Request(scope, receive))(scope, receive, send)
            return
        media = negotiate(accept)
        try:
            response = await self._respond(scope, receive, headers, media)
        except ClientDisconnect:
            # There is no client left to send a response to.
            return
        await _send(send, response, media or MediaType.JSON)

    async def _respond(
        self, scope: Scope, receive: Receive, headers: RequestHeaders, media: MediaType | None
    ) -> GraphQLResponse:
        arrival = self.clock.now()
        try:
            _check_method(scope["method"])
            viewer = await self.authenticate(headers.all(b"authorization"))
            _check_media(media)
            if scope["method"] == "POST":
                request = await read_body(headers, receive, self.max_body_bytes)
            else:
                request = read_query_string(scope["query_string"])
            return await self.pipeline.run(request, viewer, arrival)
        except ClientDisconnect:
            raise
        except RequestRejected as rejected:
            return rejection(rejected)
        except Unauthenticated as error:
            return rejection(RequestRejected.because(error, error.http_status, {"WWW-Authenticate": "Bearer"}))
        except Forbidden as error:
            return rejection(RequestRejected.because(error, error.http_status))
        except Exception as error:  # noqa: BLE001 - the outermost handler: the error is logged, masked and reported as INTERNAL
            status = _UNAVAILABLE if isinstance(error, DatabaseUnavailable) else _INTERNAL
            return rejection(RequestRejected([self.masker.mask(error)], status, status))


def _check_method(method: str) -> None:
    if method not in {"GET", "HEAD", "POST"}:
        error = BadUserInput("method", "Use POST, or GET for queries.")
        raise RequestRejected.because(error, 405, {"Allow": _METHODS})


def _check_media(media: MediaType | None) -> None:
    if media is None:
        error = BadUserInput(
            "Accept",
            f"The response cannot have an accepted media type. Accept {MediaType.GRAPHQL} or {MediaType.JSON}.",
        )
        raise RequestRejected.because(error, 406)


def _wants_page(scope: Scope, accept: str | None) -> bool:
    if scope["method"] not in {"GET", "HEAD"} or not prefers_page(accept):
        return False
    return "query" not in parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)


async def _send(send: Send, response: GraphQLResponse, media: MediaType) -> None:
    status = response.status if media is MediaType.GRAPHQL else response.json_status
    headers = [*_HEADERS, _TYPES[media], (b"content-length", b"%d" % len(response.body))]
    if response.headers:
        headers += [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
