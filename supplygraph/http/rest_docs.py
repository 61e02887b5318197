"""The FastAPI declaration of the REST route, which `/openapi.json` publishes. Requests go to `ResourceEndpoint` directly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, FastAPI, Request, Security
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer
from starlette.responses import Response

from supplygraph.http.rest_models import VALIDATION_ERROR, Detail, ResourceSummary

_SCHEME: Final = HTTPBearer(auto_error=False)
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Not Modified"},
    401: {"model": Detail, "description": "Unauthorized"},
    403: {"model": Detail, "description": "Forbidden"},
    404: {"model": Detail, "description": "Not Found"},
}


def resource_router(respond: Callable[[Any], Awaitable[Response]]) -> APIRouter:
    """Return the router that declares the route. `respond` returns the response for an ASGI scope."""
    router = APIRouter()

    @router.get(
        "/resources/{resource_id}",
        tags=["Resources"],
        summary="Get Resource",
        operation_id="get_resource_resources__resource_id__get",
        response_model=ResourceSummary,
        responses=_RESPONSES,
        dependencies=[Security(_SCHEME)],
    )
    async def get_resource(
        resource_id: UUID,  # noqa: ARG001 - part of the description
        request: Request,
        force_refresh: bool = False,  # noqa: ARG001 - part of the description
    ) -> Response:
        """Get detailed resource view including offer history.

        Triggers a vendor state reconciliation if last_synced_at is older than 30 seconds.
        Use force_refresh=true to bypass the cooldown.
        """
        return await respond(request.scope)

    return router


def publish_openapi(app: FastAPI) -> None:
    """Make the application publish its OpenAPI description. It is built when it is first requested."""
    description: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not description:
            generated = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            generated["components"]["schemas"]["ValidationError"] = VALIDATION_ERROR
            description.update(generated)
        return description

    # This is how FastAPI documents extending the description.
    app.openapi = openapi  # type: ignore[method-assign]
