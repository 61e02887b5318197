"""The simulated cloud's REST API, as an ASGI application.

Every call carries `Authorization: Bearer KEY`, and the key identifies the tenant. Bodies are JSON, times are UTC and prices are
in USD per hour.

| route | operation | response |
|---|---|---|
| `GET /v1/machines?limit=50&cursor=` | list_machines | `{"machines": [...], "next_cursor": null}`; `limit` is 1 to 100 |
| `GET /v1/machines/{id}` | get_machine | one machine, or 404 `no_such_machine` |
| `POST /v1/machines` `{name, sku, region, contract?, image?}` | create_machine | 201, provisioning |
| `POST /v1/machines/{id}/start` | start_machine | 202, or 409 `wrong_status` |
| `POST /v1/machines/{id}/stop` | stop_machine | 202, or 409 `wrong_status` |
| `DELETE /v1/machines/{id}` | terminate_machine | 202; listed as deleted for a minute, then not found |
| `POST /v1/machines/{id}/attach` `{volume_id}` | attach_volume | 200, or 409 `volume_busy`, `other_region` |
| `POST /v1/machines/{id}/detach` `{volume_id}` | detach_volume | 200, or 409 `not_attached` |
| `GET /v1/volumes?limit=50&cursor=` | list_volumes | `{"volumes": [...], "next_cursor": null}` |
| `GET /v1/volumes/{id}` | get_volume | one volume, or 404 `no_such_volume` |
| `POST /v1/volumes` `{name, size_gb, region, form?}` | create_volume | 201, creating |
| `DELETE /v1/volumes/{id}` | delete_volume | 202, or 409 `volume_busy` |
| `GET /v1/offers?limit=50&cursor=` | list_offers | `{"offers": [...], "next_cursor": null}` |

A wrong key returns 401, an invalid cursor or limit 400, and an invalid body 422. All errors have the form
`{"error": {"code": "...", "message": "..."}}`. Pages are ordered by id, and each page shows the moment of its own request.

Machines are provisioning, running, stopping, stopped, deleting, deleted or error. Volumes are creating, available, in_use,
deleting, deleted or error. `sandbox.http.control` has the routes that switch faults on and count calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, Router
from starlette.types import Receive, Scope, Send

from sandbox.errors import ApiError
from sandbox.faults import FaultInjector, FaultKind, FaultRule
from sandbox.http.bodies import error_body
from sandbox.http.calls import Journal
from sandbox.http.delivery import ApiResponse, ClientConnection, ClientDisconnected
from sandbox.http.fault_effects import (
    apply_list_faults,
    delivery_fault,
    fault_response,
    json_response,
    unauthorized_response,
)
from sandbox.http.handlers import API_ROUTES, ApiRequest, OperationHandler
from sandbox.operations import NOBODY, ApiOperation
from sandbox.world import PAST_WINDOW, World

_MAX_BODY_BYTES: Final = 65_536
_DEFAULT_STALE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class ApiEndpoint:
    """One operation over HTTP: it identifies the tenant, applies the faults, sends the response and logs the call."""

    operation: ApiOperation
    handler: OperationHandler
    world: World
    faults: FaultInjector
    journal: Journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one call. A call whose body does not arrive completely is not logged."""
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        connection = ClientConnection(scope, receive, send)
        tenant = self._tenant(request)
        number = self.journal.begin(tenant or NOBODY, self.operation, _page_number(request))
        status = None
        try:
            if tenant:
                response = await self._respond(request, body, tenant, connection, number)
            else:
                response = unauthorized_response()
            headers = (*response.headers, ("x-request-id", f"req-{number}"))
            status = await connection.deliver(replace(response, headers=headers))
        except ClientDisconnected:
            return
        finally:
            self.journal.end(number, status)

    def _tenant(self, request: Request) -> str | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return self.world.tenant_of(key) if scheme.lower() == "bearer" else None

    async def _respond(
        self, request: Request, body: bytes, tenant: str, connection: ClientConnection, number: int
    ) -> ApiResponse:
        faults = self.faults.take(tenant, self.operation, _page_number(request))
        await self._delay([fault for fault in faults if fault.before_snapshot], connection)
        at = self.world.now() - min(_staleness(faults), PAST_WINDOW)
        resource_id = request.path_params.get("resource_id", "")
        api_request = ApiRequest(self.world, tenant, at, resource_id, dict(request.query_params), body)
        response = fault_response(faults)
        snapshot_at = at if response is None else None
        response = delivery_fault(faults, response or self._carry_out(api_request, faults))
        self.journal.show(number, snapshot_at, tuple(fault.kind for fault in faults))
        if self.faults.latency_seconds:
            await connection.wait(asyncio.sleep(self.faults.latency_seconds))
        await self._delay([fault for fault in faults if not fault.before_snapshot], connection)
        return response

    async def _delay(self, faults: Sequence[FaultRule], connection: ClientConnection) -> None:
        for fault in faults:
            if fault.kind is FaultKind.SLOW:
                await connection.wait(asyncio.sleep(fault.duration()))
            elif fault.kind is FaultKind.HOLD:
                await connection.wait(self.faults.wait_until_off(fault))

    def _carry_out(self, request: ApiRequest, faults: Sequence[FaultRule]) -> ApiResponse:
        if len(request.body) > _MAX_BODY_BYTES:
            return json_response(413, error_body("bad_request", f"The body is larger than {_MAX_BODY_BYTES} bytes."))
        try:
            status, body = self.handler(request)
        except ApiError as error:
            return json_response(error.status, error_body(error.code, error.message))
        return json_response(status, apply_list_faults(faults, self.operation, request.query.get("cursor", ""), body))


def _staleness(faults: Sequence[FaultRule]) -> timedelta:
    """Return the largest staleness of the faults, or zero."""
    seconds = [fault.duration(_DEFAULT_STALE_SECONDS) for fault in faults if fault.kind is FaultKind.STALE]
    return timedelta(seconds=max(seconds, default=0))


def _page_number(request: Request) -> int:
    return 2 if request.query_params.get("cursor") else 1


async def _unknown_route(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse(error_body("no_such_route", "There is no such path."), 404)(scope, receive, send)


def build_api(world: World, faults: FaultInjector, journal: Journal, control: Router) -> Router:
    """Return the application with the API under `/v1` and the control routes under `/_control`."""
    routes = [
        Route(path, ApiEndpoint(operation, handler, world, faults, journal), methods=[method], name=operation.value)
        for method, path, operation, handler in API_ROUTES
    ]
    return Router([*routes, Mount("/_control", control)], redirect_slashes=False, default=_unknown_route)
