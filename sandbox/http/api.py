"""The simulated cloud's REST API, as an ASGI application.

Every call carries `Authorization: Bearer KEY`; the key names the tenant. Bodies are JSON, times UTC, money USD an hour.

| route | operation | answers |
|---|---|---|
| `GET /v1/machines?limit=50&cursor=` | list_machines | `{"machines": [...], "next_cursor": null}`; `limit` 1 to 100 |
| `GET /v1/machines/{id}` | get_machine | one machine, or 404 `no_such_machine` |
| `POST /v1/machines` `{name, sku, region, contract?, image?}` | create_machine | 201, provisioning |
| `POST /v1/machines/{id}/start` | start_machine | 202, or 409 `wrong_status` |
| `POST /v1/machines/{id}/stop` | stop_machine | 202, or 409 `wrong_status` |
| `DELETE /v1/machines/{id}` | terminate_machine | 202; listed as deleted for a minute, then unknown |
| `POST /v1/machines/{id}/attach` `{volume_id}` | attach_volume | 200, or 409 `volume_busy`, `other_region` |
| `POST /v1/machines/{id}/detach` `{volume_id}` | detach_volume | 200, or 409 `not_attached` |
| `GET /v1/volumes?limit=50&cursor=` | list_volumes | `{"volumes": [...], "next_cursor": null}` |
| `GET /v1/volumes/{id}` | get_volume | one volume, or 404 `no_such_volume` |
| `POST /v1/volumes` `{name, size_gb, region, form?}` | create_volume | 201, creating |
| `DELETE /v1/volumes/{id}` | delete_volume | 202, or 409 `volume_busy` |
| `GET /v1/offers?limit=50&cursor=` | list_offers | `{"offers": [...], "next_cursor": null}` |

A wrong key is 401, a bad cursor or limit 400, a bad body 422, all as `{"error": {"code": "...", "message": "..."}}`.
Pages are by id, each of the moment at which it was asked for.

Machines are provisioning, running, stopping, stopped, deleting, deleted or error; volumes creating, available, in_use,
deleting, deleted or error. `sandbox.http.control` has the routes by which faults are switched on and calls counted.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, Router
from starlette.types import Receive, Scope, Send

from sandbox.faults import FaultInjector, FaultKind, FaultRule
from sandbox.http.bodies import error_body
from sandbox.http.calls import Journal
from sandbox.http.delivery import ApiResponse, ClientConnection, ClientDisconnected
from sandbox.http.fault_effects import apply_list_faults, delivery_fault, fault_response, json_response
from sandbox.http.handlers import HANDLERS, ApiRequest
from sandbox.operations import NOBODY, Operation
from sandbox.resources import ApiError
from sandbox.world import PAST_WINDOW, World

_LARGEST_BODY: Final = 65_536
_DEFAULT_STALENESS: Final = 60.0
_UNAUTHORIZED: Final = json_response(401, error_body("unauthorized", "The API key is not known."))

_ROUTES: Final = (
    ("GET", "/v1/machines", Operation.LIST_MACHINES),
    ("POST", "/v1/machines", Operation.CREATE_MACHINE),
    ("GET", "/v1/machines/{thing_id}", Operation.GET_MACHINE),
    ("DELETE", "/v1/machines/{thing_id}", Operation.TERMINATE_MACHINE),
    ("POST", "/v1/machines/{thing_id}/start", Operation.START_MACHINE),
    ("POST", "/v1/machines/{thing_id}/stop", Operation.STOP_MACHINE),
    ("POST", "/v1/machines/{thing_id}/attach", Operation.ATTACH_VOLUME),
    ("POST", "/v1/machines/{thing_id}/detach", Operation.DETACH_VOLUME),
    ("GET", "/v1/volumes", Operation.LIST_VOLUMES),
    ("POST", "/v1/volumes", Operation.CREATE_VOLUME),
    ("GET", "/v1/volumes/{thing_id}", Operation.GET_VOLUME),
    ("DELETE", "/v1/volumes/{thing_id}", Operation.DELETE_VOLUME),
    ("GET", "/v1/offers", Operation.LIST_OFFERS),
)


class ApiEndpoint:
    """One operation over HTTP: who asks, what goes wrong, what is answered, and the count of it."""

    def __init__(self, operation: Operation, world: World, faults: FaultInjector, journal: Journal) -> None:
        self._operation = operation
        self._world = world
        self._faults = faults
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        line = ClientConnection(scope, receive, send)
        tenant = self._tenant(request)
        number = self._journal.begin(tenant or NOBODY, self._operation, _page(request))
        status = None
        try:
            reply = await self._reply(request, body, tenant, line, number) if tenant else _UNAUTHORIZED
            named = (*reply.headers, ("x-request-id", f"req-{number}"))
            status = await line.answer(replace(reply, headers=named))
        except ClientDisconnected:
            return
        finally:
            self._journal.end(number, status)

    def _tenant(self, request: Request) -> str | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return self._world.tenant_of(key) if scheme.lower() == "bearer" else None

    async def _reply(
        self, request: Request, body: bytes, tenant: str, line: ClientConnection, number: int
    ) -> ApiResponse:
        faults = self._faults.take(tenant, self._operation, _page(request))
        await self._delay(tuple(fault for fault in faults if fault.before_snapshot), line)
        stale = max((fault.lasting(_DEFAULT_STALENESS) for fault in faults if fault.kind is FaultKind.STALE), default=0)
        at = self._world.now() - min(timedelta(seconds=stale), PAST_WINDOW)
        ask = ApiRequest(
            self._world, tenant, at, request.path_params.get("thing_id", ""), dict(request.query_params), body
        )
        reply = fault_response(faults)
        shown = at if reply is None else None
        reply = delivery_fault(faults, reply or self._carry_out(ask, faults))
        self._journal.show(number, shown, tuple(fault.kind for fault in faults))
        if self._faults.latency_seconds:
            await line.wait(asyncio.sleep(self._faults.latency_seconds))
        await self._delay(tuple(fault for fault in faults if not fault.before_snapshot), line)
        return reply

    async def _delay(self, faults: tuple[FaultRule, ...], line: ClientConnection) -> None:
        for fault in faults:
            if fault.kind is FaultKind.SLOW:
                await line.wait(asyncio.sleep(fault.lasting()))
            elif fault.kind is FaultKind.HOLD:
                await line.wait(self._faults.held(fault))

    def _carry_out(self, ask: ApiRequest, faults: tuple[FaultRule, ...]) -> ApiResponse:
        if len(ask.body) > _LARGEST_BODY:
            return json_response(413, error_body("bad_request", "The body is too large."))
        try:
            status, answer = HANDLERS[self._operation](ask)
        except ApiError as refusal:
            return json_response(refusal.status, error_body(refusal.code, refusal.message))
        return json_response(status, apply_list_faults(faults, self._operation, ask.query.get("cursor", ""), answer))


def _page(request: Request) -> int:
    return 2 if request.query_params.get("cursor") else 1


async def _unknown_route(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse(error_body("no_such_route", "There is nothing at this path."), 404)(scope, receive, send)


def api(world: World, faults: FaultInjector, journal: Journal, control: Router) -> Router:
    """The whole application: the API under `/v1`, and `control` under `/_control`."""
    routes = [
        Route(path, ApiEndpoint(operation, world, faults, journal), methods=[method], name=operation.value)
        for method, path, operation in _ROUTES
    ]
    return Router([*routes, Mount("/_control", control)], redirect_slashes=False, default=_unknown_route)
