"""The control routes, by which a test or an operator changes the simulated cloud. They accept local callers only.

| route | effect |
|---|---|
| `GET /_control/faults` | lists the active faults and all kinds |
| `POST /_control/faults` | switches a fault on; 201 with its `id` |
| `DELETE /_control/faults/{id}`, `DELETE /_control/faults` | switches one fault off, or all |
| `POST /_control/latency` `{seconds}` | delays every response |
| `POST /_control/refuse` `{seconds}` | closes the port for that time, so that connections are refused |
| `GET /_control/calls?tenant=&operation=` | lists the calls with their sequence numbers, and counts them |
| `DELETE /_control/calls` | removes all calls |
| `GET /_control/world` | lists the tenants with the status of each machine and volume |
| `PATCH /_control/tenants/{tenant}/machines/{id}` | changes a machine without validation |
| `DELETE /_control/tenants/{tenant}/machines/{id}` (or `volumes`) | removes it at once, without a status of deletion |
| `POST /_control/tenants/{tenant}/machines/{id}/reclaim` `{seconds?}` | announces that a spot machine will be reclaimed |

A fault is `{kind, tenant?, operation?, times?, seconds?, pages?, before_snapshot?}`. Without a tenant or an operation it applies
to all of them. Without `times` it stays until it is switched off. `pages` is any, first or later. `sandbox.faults.FaultKind`
describes each kind.

A change of a machine is `{status?, name?, message?, hourly?}`. The status may be a word that the cloud does not document.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from domain.timestamps import optional_text
from sandbox.errors import ApiError, bad_request
from sandbox.faults import FaultInjector, FaultKind, FaultRule, Pages
from sandbox.http.bodies import error_body
from sandbox.http.calls import Call, Journal
from sandbox.operations import ApiOperation
from sandbox.world import World

Handler: TypeAlias = "Callable[[Request], Awaitable[Response | None]]"
"""Returns the response, or `None` for an empty one."""


class PortGate(Protocol):
    """An object that can close and reopen the server's port."""

    def refuse_for(self, seconds: float) -> None:
        """Refuse connections for this time, starting now."""
        ...


class _ControlBody(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _FaultBody(_ControlBody):
    kind: FaultKind
    tenant: str | None = None
    operation: ApiOperation | None = None
    times: int | None = Field(default=None, ge=1)
    seconds: float | None = Field(default=None, ge=0, le=3600)
    pages: Pages = Pages.ANY
    before_snapshot: bool = False


class _DurationBody(_ControlBody):
    seconds: float = Field(ge=0, le=3600)


class _ReclaimBody(_ControlBody):
    seconds: float | None = Field(default=None, ge=0, le=86_400)


class _MachineChangeBody(_ControlBody):
    status: str | None = Field(default=None, max_length=200)
    name: str | None = None
    message: str | None = None
    hourly: float | None = None


def _is_local(request: Request) -> bool:
    # A web page in a local browser is a local client too. It is recognized by its Origin, or by a host that is not loopback.
    host = request.headers.get("host", "").rsplit(":", 1)[0].strip("[]")
    client = request.client.host if request.client else ""
    return _is_loopback(client) and (host == "localhost" or _is_loopback(host)) and "origin" not in request.headers


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _guard(handler: Handler) -> Handler:
    """Return the handler behind the check for local callers, with its errors as JSON."""

    async def respond(request: Request) -> Response:
        if not _is_local(request):
            return JSONResponse(error_body("forbidden", "The control routes accept local callers only."), 403)
        try:
            return await handler(request) or Response(status_code=204)
        except ApiError as error:
            return JSONResponse(error_body(error.code, error.message), error.status)
        except ValidationError as invalid:
            message = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in invalid.errors())
            return JSONResponse(error_body("bad_request", message), 422)

    return respond


def _fault_to_json(fault: FaultRule) -> dict[str, Any]:
    body = asdict(fault)
    return {"id": body.pop("fault_id"), **body}


def _call_to_json(call: Call) -> dict[str, Any]:
    return {**asdict(call), "snapshot_at": optional_text(call.snapshot_at)}


class Control:
    """The handlers of the control routes."""

    def __init__(self, world: World, faults: FaultInjector, journal: Journal, port: PortGate) -> None:
        self._world = world
        self._faults = faults
        self._journal = journal
        self._port = port

    def router(self) -> Router:
        """Return the routes, to be mounted under `/_control`."""
        machine_path = "/tenants/{tenant}/machines/{resource_id}"
        table: tuple[tuple[str, str, Handler], ...] = (
            ("GET", "/faults", self._list_faults),
            ("POST", "/faults", self._switch_on),
            ("DELETE", "/faults", self._switch_off_all),
            ("DELETE", "/faults/{fault_id}", self._switch_off),
            ("POST", "/latency", self._set_latency),
            ("POST", "/refuse", self._refuse),
            ("GET", "/calls", self._list_calls),
            ("DELETE", "/calls", self._forget_calls),
            ("GET", "/world", self._show_world),
            ("PATCH", machine_path, self._change_machine),
            ("DELETE", machine_path, self._vanish_machine),
            ("POST", machine_path + "/reclaim", self._announce_reclaim),
            ("DELETE", "/tenants/{tenant}/volumes/{resource_id}", self._vanish_volume),
        )
        return Router([Route(path, _guard(handler), methods=[method]) for method, path, handler in table])

    async def _list_faults(self, _: Request) -> Response:
        return JSONResponse(
            {
                "faults": [_fault_to_json(fault) for fault in self._faults.active()],
                "kinds": list(FaultKind),
                "latency_seconds": self._faults.latency_seconds,
            }
        )

    async def _switch_on(self, request: Request) -> Response:
        body = _FaultBody.model_validate_json(await request.body())
        if body.tenant is not None:
            self._check_tenant(body.tenant)
        return JSONResponse(_fault_to_json(self._faults.switch_on(**body.model_dump())), 201)

    async def _switch_off(self, request: Request) -> None:
        if not self._faults.switch_off(request.path_params["fault_id"]):
            raise ApiError(404, "no_such_fault", "No active fault has this id.")

    async def _switch_off_all(self, _: Request) -> None:
        self._faults.switch_off_all()

    async def _set_latency(self, request: Request) -> None:
        self._faults.latency_seconds = _DurationBody.model_validate_json(await request.body()).seconds

    async def _refuse(self, request: Request) -> None:
        self._port.refuse_for(_DurationBody.model_validate_json(await request.body()).seconds)

    async def _list_calls(self, request: Request) -> Response:
        operation = request.query_params.get("operation")
        if operation is not None and operation not in set(ApiOperation):
            raise bad_request(f"operation must be one of: {', '.join(ApiOperation)}.")
        tenant = request.query_params.get("tenant")
        calls = self._journal.calls(tenant, ApiOperation(operation) if operation else None)
        counts = Counter(f"{call.tenant}/{call.operation}" for call in calls)
        return JSONResponse({"total": len(calls), "counts": counts, "calls": [_call_to_json(call) for call in calls]})

    async def _forget_calls(self, _: Request) -> None:
        self._journal.forget()

    async def _show_world(self, _: Request) -> Response:
        tenants = {
            name: {
                "machines": {m.machine_id: m.status for m in self._world.machines(name)},
                "volumes": {v.volume_id: v.status for v in self._world.volumes(name)},
            }
            for name in self._world.tenants
        }
        return JSONResponse({"tenants": tenants})

    async def _change_machine(self, request: Request) -> Response:
        tenant, machine_id = self._target(request)
        change = _MachineChangeBody.model_validate_json(await request.body())
        fields = {name: getattr(change, name) for name in change.model_fields_set - {"status"}}
        if None in {fields.get("name", ""), fields.get("hourly", 0.0)}:
            raise bad_request("name and hourly cannot be null.")
        self._world.amend_machine(tenant, machine_id, lambda machine: replace(machine, **fields))
        if change.status is not None:
            self._world.set_status(tenant, machine_id, change.status)
        return JSONResponse({"status": self._world.machine(tenant, machine_id).status})

    async def _vanish_machine(self, request: Request) -> None:
        self._world.vanish_machine(*self._target(request))

    async def _vanish_volume(self, request: Request) -> None:
        self._world.vanish_volume(*self._target(request))

    async def _announce_reclaim(self, request: Request) -> Response:
        tenant, machine_id = self._target(request)
        body = _ReclaimBody.model_validate_json(await request.body() or b"{}")
        machine = self._world.announce_reclaim(tenant, machine_id, body.seconds)
        return JSONResponse({"reclaim_at": optional_text(machine.reclaim_at)})

    def _target(self, request: Request) -> tuple[str, str]:
        """Return the tenant and the resource id in the path. Raises ApiError for an unknown tenant."""
        self._check_tenant(request.path_params["tenant"])
        return request.path_params["tenant"], request.path_params["resource_id"]

    def _check_tenant(self, tenant: str) -> None:
        if tenant not in self._world.tenants:
            names = ", ".join(self._world.tenants)
            raise ApiError(404, "no_such_tenant", f"There is no tenant with this name. The tenants are: {names}.")
