"""The hand of a test or a visitor in the simulated cloud, over HTTP and for callers on this machine only.

| route | does |
|---|---|
| `GET /_control/faults` | what is switched on, and which kinds there are |
| `POST /_control/faults` | switches a fault on; 201 with its `id` |
| `DELETE /_control/faults/{id}`, `DELETE /_control/faults` | switches one off, or all |
| `POST /_control/latency` `{seconds}` | delays every answer |
| `POST /_control/refuse` `{seconds}` | closes the port for so long: connections are refused |
| `GET /_control/calls?tenant=&operation=` | every call with its order numbers, and counts |
| `DELETE /_control/calls` | counts anew |
| `GET /_control/world` | tenants, and the status of each machine and volume |
| `PATCH /_control/tenants/{tenant}/machines/{id}` | changes a machine past every rule |
| `DELETE /_control/tenants/{tenant}/machines/{id}` (or `volumes`) | gone at once, without a word |
| `POST /_control/tenants/{tenant}/machines/{id}/reclaim` `{seconds?}` | announces that a spot machine is taken back |

A fault is `{kind, tenant?, operation?, times?, seconds?, pages?, before_snapshot?}`: without a tenant or an operation it hits
all, without `times` it stays until it is switched off, `pages` is any, first or later. A change of a machine is
`{status?, name?, message?, hourly?}`; the status may be a word that the cloud never documented.
`sandbox.faults.FaultRuleKind` says what each kind does.
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
from sandbox.faults import FaultInjector, FaultKind, FaultRule, Pages
from sandbox.http.bodies import error_body
from sandbox.http.calls import Call, Journal
from sandbox.operations import Operation
from sandbox.resources import ApiError, Machine
from sandbox.world import World

Handler: TypeAlias = "Callable[[Request], Awaitable[Response]]"


class PortGate(Protocol):
    """What can close and open the port."""

    def refuse_for(self, seconds: float) -> None:
        """Refuse connections from now on, for so long."""
        ...


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _NewFault(_Body):
    kind: FaultKind
    tenant: str | None = None
    operation: Operation | None = None
    times: int | None = Field(default=None, ge=1)
    seconds: float | None = Field(default=None, ge=0, le=3600)
    pages: Pages = Pages.ANY
    before_snapshot: bool = False


class _Seconds(_Body):
    seconds: float = Field(ge=0, le=3600)


class _Notice(_Body):
    seconds: float | None = Field(default=None, ge=0, le=86_400)


class _Change(_Body):
    status: str | None = Field(default=None, max_length=200)
    name: str | None = None
    message: str | None = None
    hourly: float | None = None


def _local(request: Request) -> bool:
    # A page in a browser on this machine is a local client too: its name for us is not a loopback one, or it tells its origin.
    host = request.headers.get("host", "").rsplit(":", 1)[0].strip("[]")
    client = request.client.host if request.client else ""
    return _loopback(client) and (host == "localhost" or _loopback(host)) and "origin" not in request.headers


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _guarded(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        if not _local(request):
            return JSONResponse(error_body("forbidden", "Only for callers on this machine."), 403)
        try:
            return await handler(request)
        except ApiError as refusal:
            return JSONResponse(error_body(refusal.code, refusal.message), refusal.status)
        except ValidationError as invalid:
            told = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in invalid.errors())
            return JSONResponse(error_body("bad_request", told), 422)

    return answer


def _fault_body(fault: FaultRule) -> dict[str, Any]:
    body = asdict(fault)
    return {"id": body.pop("fault_id"), **body}


def _call_body(call: Call) -> dict[str, Any]:
    return {**asdict(call), "snapshot_at": optional_text(call.snapshot_at)}


class Control:
    """The control routes' answers."""

    def __init__(self, world: World, faults: FaultInjector, journal: Journal, door: PortGate) -> None:
        self._world = world
        self._faults = faults
        self._journal = journal
        self._door = door

    def router(self) -> Router:
        """The routes, to be mounted under `/_control`."""
        one_machine = "/tenants/{tenant}/machines/{thing_id}"
        table: tuple[tuple[str, str, Handler], ...] = (
            ("GET", "/faults", self._list_faults),
            ("POST", "/faults", self._switch_on),
            ("DELETE", "/faults", self._switch_all_off),
            ("DELETE", "/faults/{fault_id}", self._switch_off),
            ("POST", "/latency", self._set_latency),
            ("POST", "/refuse", self._refuse),
            ("GET", "/calls", self._list_calls),
            ("DELETE", "/calls", self._forget_calls),
            ("GET", "/world", self._show_world),
            ("PATCH", one_machine, self._change_machine),
            ("DELETE", one_machine, self._vanish_machine),
            ("POST", one_machine + "/reclaim", self._reclaim),
            ("DELETE", "/tenants/{tenant}/volumes/{thing_id}", self._vanish_volume),
        )
        return Router([Route(path, _guarded(handler), methods=[method]) for method, path, handler in table])

    async def _list_faults(self, _: Request) -> Response:
        on = [_fault_body(fault) for fault in self._faults.on()]
        return JSONResponse({"faults": on, "kinds": list(FaultKind), "latency_seconds": self._faults.latency_seconds})

    async def _switch_on(self, request: Request) -> Response:
        wish = _NewFault.model_validate_json(await request.body())
        if wish.tenant is not None:
            self._known(wish.tenant)
        fault = self._faults.switch_on(
            wish.kind,
            tenant=wish.tenant,
            operation=wish.operation,
            times=wish.times,
            seconds=wish.seconds,
            pages=wish.pages,
            before_snapshot=wish.before_snapshot,
        )
        return JSONResponse(_fault_body(fault), 201)

    async def _switch_off(self, request: Request) -> Response:
        if not self._faults.switch_off(request.path_params["fault_id"]):
            raise ApiError(404, "no_such_fault", "No fault of this id is switched on.")
        return Response(status_code=204)

    async def _switch_all_off(self, _: Request) -> Response:
        self._faults.switch_off_all()
        return Response(status_code=204)

    async def _set_latency(self, request: Request) -> Response:
        self._faults.latency_seconds = _Seconds.model_validate_json(await request.body()).seconds
        return Response(status_code=204)

    async def _refuse(self, request: Request) -> Response:
        self._door.refuse_for(_Seconds.model_validate_json(await request.body()).seconds)
        return Response(status_code=204)

    async def _list_calls(self, request: Request) -> Response:
        wanted = request.query_params.get("operation")
        if wanted is not None and wanted not in set(Operation):
            raise ApiError(422, "bad_request", f"operation must be one of: {', '.join(Operation)}.")
        calls = self._journal.calls(request.query_params.get("tenant"), Operation(wanted) if wanted else None)
        counts = Counter(f"{call.tenant}/{call.operation}" for call in calls)
        return JSONResponse({"total": len(calls), "counts": counts, "calls": [_call_body(call) for call in calls]})

    async def _forget_calls(self, _: Request) -> Response:
        self._journal.forget()
        return Response(status_code=204)

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
        tenant, machine_id = self._named(request)
        change = _Change.model_validate_json(await request.body())
        told = {name: getattr(change, name) for name in change.model_fields_set - {"status"}}
        if None in {told.get("name", ""), told.get("hourly", 0.0)}:
            raise ApiError(422, "bad_request", "name and hourly cannot be null.")

        def amend(machine: Machine) -> Machine:
            return replace(machine, **told)

        self._world.amend_machine(tenant, machine_id, amend)
        if change.status is not None:
            self._world.set_status(tenant, machine_id, change.status)
        return JSONResponse({"status": self._world.machine(tenant, machine_id).status})

    async def _vanish_machine(self, request: Request) -> Response:
        self._world.vanish_machine(*self._named(request))
        return Response(status_code=204)

    async def _vanish_volume(self, request: Request) -> Response:
        self._world.vanish_volume(*self._named(request))
        return Response(status_code=204)

    async def _reclaim(self, request: Request) -> Response:
        tenant, machine_id = self._named(request)
        notice = _Notice.model_validate_json(await request.body() or b"{}")
        machine = self._world.announce_reclaim(tenant, machine_id, notice.seconds)
        return JSONResponse({"reclaim_at": optional_text(machine.reclaim_at)})

    def _named(self, request: Request) -> tuple[str, str]:
        return self._known(request.path_params["tenant"]), request.path_params["thing_id"]

    def _known(self, tenant: str) -> str:
        if tenant not in self._world.tenants:
            raise ApiError(
                404, "no_such_tenant", f"There is no tenant of this name; there are: {', '.join(self._world.tenants)}."
            )
        return tenant
