"""The handlers of the operations: what the API returns when there are no faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from sandbox.errors import bad_request
from sandbox.http.bodies import Body, machine_body, offer_body, volume_body
from sandbox.http.paging import make_page
from sandbox.operations import ApiOperation
from sandbox.resources import Machine
from sandbox.world import World


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One call of a tenant. `at` is the instant whose state is shown, `resource_id` the id in the path or an empty string."""

    world: World
    tenant: str
    at: datetime
    resource_id: str
    query: Mapping[str, str]
    body: bytes

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string from the body. Raises ApiError."""
        value = self._value(name, default)
        if not isinstance(value, str):
            raise bad_request(f"{name} must be a string.")
        return value

    def integer(self, name: str) -> int:
        """Return an integer from the body. Raises ApiError."""
        value = self._value(name, None)
        if not isinstance(value, int) or isinstance(value, bool):
            raise bad_request(f"{name} must be an integer.")
        return value

    def _value(self, name: str, default: str | None) -> Any:
        try:
            body = json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            raise bad_request("The body must be JSON.") from None
        if not isinstance(body, dict):
            raise bad_request("The body must be a JSON object.")
        return body.get(name, default)


OperationHandler: TypeAlias = "Callable[[ApiRequest], tuple[int, Body]]"
"""Returns the status and the body."""


def _list_machines(request: ApiRequest) -> tuple[int, Body]:
    machines = request.world.machines(request.tenant, request.at)
    return 200, make_page(request.query, "machines", [machine_body(machine, request.at) for machine in machines])


def _list_volumes(request: ApiRequest) -> tuple[int, Body]:
    machines = request.world.machines(request.tenant, request.at)
    volumes = request.world.volumes(request.tenant, request.at)
    return 200, make_page(request.query, "volumes", [volume_body(volume, machines) for volume in volumes])


def _list_offers(request: ApiRequest) -> tuple[int, Body]:
    return 200, make_page(request.query, "offers", [offer_body(offer) for offer in request.world.offers()])


def _get_machine(request: ApiRequest) -> tuple[int, Body]:
    machine = request.world.machine(request.tenant, request.resource_id, request.at)
    return 200, machine_body(machine, request.at)


def _get_volume(request: ApiRequest) -> tuple[int, Body]:
    machines = request.world.machines(request.tenant, request.at)
    return 200, volume_body(request.world.volume(request.tenant, request.resource_id, request.at), machines)


def _create_machine(request: ApiRequest) -> tuple[int, Body]:
    machine = request.world.create_machine(
        request.tenant,
        request.text("name"),
        sku=request.text("sku"),
        region=request.text("region"),
        contract=request.text("contract", "ondemand"),
        image=request.text("image", "ubuntu-24.04-cuda-12.8"),
    )
    return 201, machine_body(machine, request.at)


def _create_volume(request: ApiRequest) -> tuple[int, Body]:
    volume = request.world.create_volume(
        request.tenant,
        request.text("name"),
        request.text("form", "block"),
        request.integer("size_gb"),
        request.text("region"),
    )
    return 201, volume_body(volume, ())


def _changed_machine(status: int, change: Callable[[ApiRequest], Machine]) -> OperationHandler:
    """Return a handler that changes a machine and shows it."""
    return lambda request: (status, machine_body(change(request), request.at))


def _delete_volume(request: ApiRequest) -> tuple[int, Body]:
    return 202, volume_body(request.world.delete_volume(request.tenant, request.resource_id), ())


_MACHINE: Final = "/v1/machines/{resource_id}"
_VOLUME: Final = "/v1/volumes/{resource_id}"
_START: Final = _changed_machine(202, lambda r: r.world.start(r.tenant, r.resource_id))
_STOP: Final = _changed_machine(202, lambda r: r.world.stop(r.tenant, r.resource_id))
_TERMINATE: Final = _changed_machine(202, lambda r: r.world.terminate(r.tenant, r.resource_id))
_ATTACH: Final = _changed_machine(200, lambda r: r.world.attach(r.tenant, r.resource_id, r.text("volume_id")))
_DETACH: Final = _changed_machine(200, lambda r: r.world.detach(r.tenant, r.resource_id, r.text("volume_id")))

API_ROUTES: Final[tuple[tuple[str, str, ApiOperation, OperationHandler], ...]] = (
    ("GET", "/v1/machines", ApiOperation.LIST_MACHINES, _list_machines),
    ("POST", "/v1/machines", ApiOperation.CREATE_MACHINE, _create_machine),
    ("GET", _MACHINE, ApiOperation.GET_MACHINE, _get_machine),
    ("DELETE", _MACHINE, ApiOperation.TERMINATE_MACHINE, _TERMINATE),
    ("POST", f"{_MACHINE}/start", ApiOperation.START_MACHINE, _START),
    ("POST", f"{_MACHINE}/stop", ApiOperation.STOP_MACHINE, _STOP),
    ("POST", f"{_MACHINE}/attach", ApiOperation.ATTACH_VOLUME, _ATTACH),
    ("POST", f"{_MACHINE}/detach", ApiOperation.DETACH_VOLUME, _DETACH),
    ("GET", "/v1/volumes", ApiOperation.LIST_VOLUMES, _list_volumes),
    ("POST", "/v1/volumes", ApiOperation.CREATE_VOLUME, _create_volume),
    ("GET", _VOLUME, ApiOperation.GET_VOLUME, _get_volume),
    ("DELETE", _VOLUME, ApiOperation.DELETE_VOLUME, _delete_volume),
    ("GET", "/v1/offers", ApiOperation.LIST_OFFERS, _list_offers),
)
"""The method, path, operation and handler of each route."""
