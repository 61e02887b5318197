"""The short way in: an operation that was planned before, asked by a token that is known, answered without any framework.

Whatever is not exactly that (another method, a header out of the common, a text that is new, a value that is amiss) is handed on
to the application with all that was read of it, and answered there: this way has no refusals of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.timestamps import Clock
from domain.viewer import Viewer
from supplygraph.graphql_execution import Operations, Outcome
from supplygraph.http.graphql import PATH, GraphQLEndpoint, Served
from supplygraph.http.graphql_request import LARGE_BYTES
from supplygraph.http.negotiation import MediaType, negotiate
from supplygraph.observability.logs import valid_or_new_id

_BODIES: Final = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})
_USUAL: Final = frozenset({
    b"authorization", b"content-type", b"accept", b"content-length", b"host", b"user-agent", b"accept-encoding",
    b"accept-language", b"connection", b"x-request-id", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host",
})  # fmt: skip
_MEDIA_KEPT: Final = 256
_BEGINNING: Final = (b"cache-control", b"private, no-cache")
_ENDING: Final = [(b"x-content-type-options", b"nosniff")]
_TYPES: Final = {media: (b"content-type", media.header.encode()) for media in MediaType}

HotViewer = Callable[[bytes], Viewer | None]
"""The viewer of an `Authorization` header that is known and fresh; None where it must be looked at closer."""
Ended = Callable[[float, str], None]
"""Told of a request that was answered: its seconds and its correlation id."""


@dataclass(slots=True)
class _Asked:
    """What is needed of a request's headers."""

    authorization: bytes
    media: MediaType
    request_id: str | None


class WayIn:
    """Stands before the application."""

    def __init__(
        self,
        app: ASGIApp,
        endpoint: GraphQLEndpoint,
        hot: HotViewer,
        ended: Ended,
        timer: Callable[[], float] = time.perf_counter,
        *,
        shared: bool = False,
    ) -> None:
        """`shared`: pages of other origins may ask, and then what is answered depends on the origin too."""
        self._app = app
        self._operations: Operations = endpoint.operations
        self._clock: Clock = endpoint.clock
        self._observe = endpoint.observe
        self._body_bytes = min(endpoint.body_bytes, LARGE_BYTES)
        self._hot = hot
        self._ended = ended
        self._timer = timer
        self._media: dict[bytes, MediaType | None] = {}
        self._beginning = [
            _BEGINNING,
            (b"vary", b"Authorization, Accept, Origin" if shared else b"Authorization, Accept"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        begun = self._timer()
        asked = self._asked(scope["headers"])
        if asked is None:
            await self._app(scope, receive, send)
            return
        message = await receive()
        found = await self._answered(asked, message)
        if found is None:
            await self._app(scope, _again(message, receive), send)
            return
        correlation_id = valid_or_new_id(asked.request_id)
        headers = [*self._beginning, *_headers(found, asked, correlation_id)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": found.content})
        self._observe(Served(200, found.operation_name, found.codes))
        self._ended(self._timer() - begun, correlation_id)

    async def _answered(self, asked: _Asked, message: Message) -> Outcome | None:
        read = self._read(message)
        viewer = None if read is None else self._hot(asked.authorization)
        if read is None or viewer is None:
            return None
        return await self._operations.hot(*read, viewer, self._clock.now())

    def _read(self, message: Message) -> tuple[str, str | None, dict[str, Any]] | None:
        """Text, operation name and variables, where the whole body came at once and is plain."""
        body = message.get("body", b"")
        if message["type"] != "http.request" or message.get("more_body") or len(body) > self._body_bytes:
            return None
        try:
            told = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(told, dict) or told.get("extensions") is not None:
            return None
        text, variables, name = told.get("query"), told.get("variables"), told.get("operationName")
        if not isinstance(text, str) or not isinstance(variables, dict | None) or not isinstance(name, str | None):
            return None
        return text, name, variables or {}

    def _asked(self, headers: Any) -> _Asked | None:
        found: dict[bytes, bytes] = {}
        for name, value in headers:
            if name in found or name not in _USUAL:
                return None
            found[name] = value
        authorization = found.get(b"authorization")
        if authorization is None or found.get(b"content-type") not in _BODIES:
            return None
        media = self._negotiated(found.get(b"accept", b""))
        if media is None:
            return None
        given = found.get(b"x-request-id")
        return _Asked(authorization, media, None if given is None else given.decode("latin-1"))

    def _negotiated(self, accept: bytes) -> MediaType | None:
        if accept not in self._media:
            if len(self._media) >= _MEDIA_KEPT:
                self._media.clear()
            self._media[accept] = negotiate(accept.decode("latin-1"))
        return self._media[accept]


def _headers(found: Outcome, asked: _Asked, correlation_id: str) -> list[tuple[bytes, bytes]]:
    return [
        _TYPES[asked.media],
        (b"content-length", b"%d" % len(found.content)),
        (b"x-request-id", correlation_id.encode("latin-1")),
        *_ENDING,
    ]


def _again(message: Message, receive: Receive) -> Receive:
    """A receive that tells first what was received already."""
    waiting = [message]

    async def told() -> Message:
        return waiting.pop() if waiting else await receive()

    return told
