"""The REST route `GET /resources/{resource_id}`: the full selection of one resource, in the keys of its contract."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final, Protocol
from uuid import UUID

import orjson
from cachetools import LRUCache
from fastapi import APIRouter, Depends, FastAPI, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer
from starlette.responses import Response

from db.query.shape import name_of
from domain.errors import DatabaseUnavailable, ReaderError, Unauthenticated
from domain.freshness import Demand
from domain.rules import FreshnessRules
from domain.selection import Selected
from domain.timestamps import Clock
from domain.viewer import Viewer
from resolvers.reader import Prepared
from resolvers.summary import OperationAnswer
from supplygraph.http.rest_caching import COMMON, Asking, age_headers, demand_of, entity_tag, matches
from supplygraph.http.rest_models import VALIDATION_ERROR, Detail, ResourceSummary
from supplygraph.http.rest_rendering import ROOT, Told, full_selection, render
from supplygraph.observability.logs import logger

Authenticate = Callable[[Request], Awaitable[Viewer]]
_PLANS: Final = 256
_NOT_FOUND: Final = "There is no such resource, or this token may not see it."
_SCHEME: Final = HTTPBearer(auto_error=False)
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Not Modified"},
    401: {"model": Detail, "description": "Unauthorized"},
    403: {"model": Detail, "description": "Forbidden"},
    404: {"model": Detail, "description": "Not Found"},
}


class Reader(Protocol):
    """What answers root fields: `resolvers.reader.Reader`."""

    def prepare(self, roots: Sequence[Selected], viewer: Viewer) -> Prepared:
        """Check what needs no record. Raises ReaderError where nothing may run."""
        ...

    async def run(self, prepared: Prepared, arrival: datetime) -> OperationAnswer:
        """Read, reconcile what is demanded, read once more."""
        ...


@dataclass(frozen=True, slots=True)
class Resources:
    """What the route needs. `max_age_of` tells an account's default max age in seconds."""

    reader: Reader
    authenticate: Authenticate
    clock: Clock
    rules: FreshnessRules
    max_age_of: Callable[[str], float]
    answered: Callable[[], None]
    plans: LRUCache[tuple[object, Demand], Prepared] = field(default_factory=lambda: LRUCache(_PLANS))

    async def one(self, resource_id: UUID, request: Request, viewer: Viewer, *, force: bool) -> Response:
        """Answer for one resource. Raises ReaderError where nothing may run."""
        arrival = self.clock.now()
        demand = demand_of(request.headers, force=force, viewer=viewer, rules=self.rules)
        answer = await self.reader.run(self._prepared(resource_id, viewer, demand), arrival)
        self.answered()
        told = answer.answers[ROOT]
        if isinstance(told, ReaderError):
            raise told
        if not isinstance(told, Mapping):
            return refusal(404, _NOT_FOUND)
        return self._response(told, answer, demand, request)

    def _prepared(self, resource_id: UUID, viewer: Viewer, demand: Demand) -> Prepared:
        """The full selection's plan: whoever asks alike shares it, whatever the resource."""
        known = self.plans.get((viewer.rights, demand))
        if known is None:
            known = self.reader.prepare((full_selection(resource_id, _in_graph(demand)),), viewer)
            self.plans[viewer.rights, demand] = known
        return known.bound({name_of(0): str(resource_id)})

    def _response(self, told: Told, answer: OperationAnswer, demand: Demand, request: Request) -> Response:
        body = render(told)
        tag = entity_tag(body)
        headers = {
            **COMMON,
            "ETag": tag,
            **age_headers(
                told,
                self.clock.now(),
                self._max_age(told, demand),
                Asking(answer.summary.vendor_calls, answer.summary.shared),
            ),
        }
        if matches(request.headers, tag):
            return Response(status_code=304, headers=headers)
        return Response(orjson.dumps(body), headers=headers, media_type="application/json")

    def _max_age(self, told: Told, demand: Demand) -> float:
        if demand.force:
            return 0.0
        if demand.max_age_seconds is not None:
            return demand.max_age_seconds
        return self.max_age_of(told["account"]["name"])


router: Final = APIRouter()
"""The route. What it needs stands on the application: `app.state.resources`."""


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


async def _viewer(request: Request, _documented: Annotated[object, Security(_SCHEME)]) -> Viewer:
    return await _resources(request).authenticate(request)


@router.get(
    "/resources/{resource_id}",
    tags=["Resources"],
    summary="Get Resource",
    operation_id="get_resource_resources__resource_id__get",
    response_model=ResourceSummary,
    responses=_RESPONSES,
)
async def get_resource(
    resource_id: UUID,
    request: Request,
    viewer: Annotated[Viewer, Depends(_viewer)],
    force_refresh: bool = False,
) -> Response:
    """Get detailed resource view including offer history.

    Triggers a vendor state reconciliation if last_synced_at is older than 30 seconds.
    Use force_refresh=true to bypass the cooldown.
    """
    return await _resources(request).one(resource_id, request, viewer, force=force_refresh)


def add_refusals(app: FastAPI) -> None:
    """Answer what is refused as the contract says, with `detail` and nothing of what was sent."""

    async def invalid(_request: Request, error: Exception) -> Response:
        found = error.errors() if isinstance(error, RequestValidationError) else ()
        return refusal(422, [{"loc": list(one["loc"]), "msg": one["msg"], "type": one["type"]} for one in found])

    async def refused(_request: Request, error: Exception) -> Response:
        status = error.http_status if isinstance(error, ReaderError) else 400
        return refusal(
            status, str(error), {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else None
        )

    async def unavailable(_request: Request, error: Exception) -> Response:
        cause = error.cause if isinstance(error, DatabaseUnavailable) else ""
        logger("http").error("database_unavailable", cause=cause)
        return refusal(503, str(error))

    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(DatabaseUnavailable, unavailable)
    app.add_exception_handler(ReaderError, refused)


def refusal(status: int, detail: object, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON object with `detail`."""
    return Response(
        orjson.dumps({"detail": detail}), status, {**COMMON, **(headers or {})}, media_type="application/json"
    )


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """What `/openapi.json` answers."""
    described = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    described["components"]["schemas"]["ValidationError"] = VALIDATION_ERROR
    return described


def _in_graph(demand: Demand) -> dict[str, object]:
    told: dict[str, object] = {"forceRefresh": demand.force}
    if demand.max_age_seconds is not None:
        told["maxAgeSeconds"] = demand.max_age_seconds
    if demand.max_wait_seconds is not None:
        told["maxWaitSeconds"] = demand.max_wait_seconds
    return told
