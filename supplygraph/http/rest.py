"""The endpoint for `GET /resources/{resource_id}`: the full selection of one resource, in the keys of the REST contract.

It is a plain ASGI application, because FastAPI adds about half of its time again to a request. FastAPI declares the same route
for the OpenAPI description (`rest_docs`) and answers all other methods.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar, cast
from urllib.parse import parse_qsl
from uuid import UUID

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from db.query.shape import param_name
from domain.errors import DatabaseUnavailable, ReaderError, Unauthenticated
from domain.freshness import Demand
from domain.rules import FreshnessRules
from domain.timestamps import Clock
from domain.viewer import Viewer
from resolvers.freshness.demands import authorize, requirements_of
from resolvers.freshness.summary import OperationAnswer
from resolvers.reader import Reader, ReadRequest, viewer_params
from supplygraph.http.headers import RequestHeaders, route_path
from supplygraph.http.rest_caching import COMMON, age_headers, demand_of, entity_tag, matches
from supplygraph.http.rest_rendering import ROOT, ResourceJson, full_selection, render
from supplygraph.observability.logs import logger

PREFIX: Final = "/resources/"
_NOT_FOUND: Final = "There is no such resource, or this token may not see it."
_SELECTION: Final = full_selection(UUID(int=0))
"""The selection of every request. The resource id is a placeholder: each request binds its own."""
_RESOURCE_ID: Final = TypeAdapter(UUID)
_FORCE_REFRESH: Final = TypeAdapter(bool)
_MEDIA_TYPE: Final = "application/json"
_UNPROCESSABLE: Final = 422
_UNAVAILABLE: Final = 503

_T = TypeVar("_T")

Authenticate = Callable[[Sequence[bytes]], Awaitable[Viewer]]


class ResourceEndpoint:
    """The ASGI application of the endpoint. `max_age_of` returns an account's default max age in seconds."""

    def __init__(
        self,
        reader: Reader,
        authenticate: Authenticate,
        clock: Clock,
        rules: FreshnessRules,
        max_age_of: Callable[[str], float],
    ) -> None:
        self._reader = reader
        self._authenticate = authenticate
        self._clock = clock
        self._rules = rules
        self._max_age_of = max_age_of
        # The compiled selection, for viewers who see all accounts (False) and for those who see only some (True).
        self._requests: dict[bool, ReadRequest] = {}

    def serves(self, scope: Scope) -> bool:
        """Return whether the request is for one resource."""
        path = route_path(scope)
        if scope["method"] not in {"GET", "HEAD"} or not path.startswith(PREFIX):
            return False
        return path != PREFIX and "/" not in path[len(PREFIX) :]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self.respond(scope)
        await response(scope, receive, send)

    async def respond(self, scope: Scope) -> Response:
        """Return the response to one request."""
        headers = RequestHeaders(scope["headers"])
        try:
            viewer = await self._authenticate(headers.all(b"authorization"))
            resource_id, force = _parameters(scope)
            return await self._read(resource_id, headers, viewer, force=force)
        except InvalidParameters as error:
            return refusal(_UNPROCESSABLE, error.details)
        except (ReaderError, DatabaseUnavailable) as error:
            return refuse(error)

    async def _read(self, resource_id: UUID, headers: RequestHeaders, viewer: Viewer, *, force: bool) -> Response:
        arrival = self._clock.now()
        demand = demand_of(headers, force=force, viewer=viewer, rules=self._rules)
        authorize(viewer, list(requirements_of(_SELECTION, demand, self._rules)))
        request = await self._request(viewer)
        params = viewer_params(viewer, {**request.params, param_name(0): str(resource_id)})
        answer = await self._reader.read(replace(request, demands={ROOT: demand}, params=params), arrival)
        resource = answer.values[ROOT]
        if isinstance(resource, ReaderError):
            raise resource
        if not isinstance(resource, Mapping):
            return refusal(404, _NOT_FOUND)
        return self._response(resource, answer, demand, headers)

    async def _request(self, viewer: Viewer) -> ReadRequest:
        restricted = viewer.accounts is not None
        request = self._requests.get(restricted)
        if request is None:
            request = self._requests[restricted] = await self._reader.compile((_SELECTION,), viewer)
        return request

    def _response(
        self, resource: ResourceJson, answer: OperationAnswer, demand: Demand, headers: RequestHeaders
    ) -> Response:
        body = render(resource)
        tag = entity_tag(body)
        ages = age_headers(resource, self._clock.now(), self._max_age(resource, demand), answer.summary)
        response_headers = {**COMMON, "ETag": tag, **ages}
        if matches(headers, tag):
            return Response(None, 304, response_headers)
        return Response(orjson.dumps(body), 200, response_headers, _MEDIA_TYPE)

    def _max_age(self, resource: ResourceJson, demand: Demand) -> float:
        if demand.force:
            return 0.0
        if demand.max_age_seconds is not None:
            return demand.max_age_seconds
        return self._max_age_of(resource["account"]["name"])


class InvalidParameters(Exception):
    """Raised for invalid parameters. `details` are the entries of the response, without what the client sent."""

    def __init__(self, details: list[dict[str, Any]]) -> None:
        super().__init__("Invalid parameters.")
        self.details = details


def _parameters(scope: Scope) -> tuple[UUID, bool]:
    """Return the resource id and `force_refresh`. Raises InvalidParameters."""
    details: list[dict[str, Any]] = []
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    resource_id = _parse(_RESOURCE_ID, route_path(scope)[len(PREFIX) :], ["path", "resource_id"], details)
    force = _parse(_FORCE_REFRESH, query.get("force_refresh", "false"), ["query", "force_refresh"], details)
    if details:
        raise InvalidParameters(details)
    return resource_id, force


def _parse(parser: TypeAdapter[_T], text: str, location: list[str], details: list[dict[str, Any]]) -> _T:
    try:
        return parser.validate_python(text)
    except ValidationError as error:
        entries = error.errors(include_url=False, include_input=False, include_context=False)
        details += [{"loc": location, "msg": entry["msg"], "type": entry["type"]} for entry in entries]
        return cast("_T", None)


def refusal(status: int, detail: object, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response to a refused request: a JSON object with `detail`."""
    return Response(orjson.dumps({"detail": detail}), status, {**COMMON, **(headers or {})}, _MEDIA_TYPE)


def refuse(error: ReaderError | DatabaseUnavailable) -> Response:
    """Return the response to a request that ended with this error. An unavailable database is logged."""
    if isinstance(error, DatabaseUnavailable):
        logger("http").error("database_unavailable", cause=error.cause)
        return refusal(_UNAVAILABLE, str(error))
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else None
    return refusal(error.http_status, str(error), headers)
