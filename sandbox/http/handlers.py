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


def _start_machine(request: ApiRequest) -> tuple[int, Body]:
    return 202, machine_body(request.world.start(request.tenant, request.resource_id), request.at)


def _stop_machine(request: ApiRequest) -> tuple[int, Body]:
    return 202, machine_body(request.world.stop(request.tenant, request.resource_id), request.at)


def _terminate_machine(request: ApiRequest) -> tuple[int, Body]:
    return 202, machine_body(request.world.terminate(request.tenant, request.resource_id), request.at)


def _attach_volume(request: ApiRequest) -> tuple[int, Body]:
    machine = request.world.attach(request.tenant, request.resource_id, request.text("volume_id"))
    return 200, machine_body(machine, request.at)


def _detach_volume(request: ApiRequest) -> tuple[int, Body]:
    machine = request.world.detach(request.tenant, request.resource_id, request.text("volume_id"))
    return 200, machine_body(machine, request.at)


def _delete_volume(request: ApiRequest) -> tuple[int, Body]:
    return 202, volume_body(request.world.delete_volume(request.tenant, request.resource_id), ())


HANDLERS: Final[Mapping[ApiOperation, OperationHandler]] = {
    ApiOperation.LIST_MACHINES: _list_machines,
    ApiOperation.GET_MACHINE: _get_machine,
    ApiOperation.CREATE_MACHINE: _create_machine,
    ApiOperation.START_MACHINE: _start_machine,
    ApiOperation.STOP_MACHINE: _stop_machine,
    ApiOperation.TERMINATE_MACHINE: _terminate_machine,
    ApiOperation.ATTACH_VOLUME: _attach_volume,
    ApiOperation.DETACH_VOLUME: _detach_volume,
    ApiOperation.LIST_VOLUMES: _list_volumes,
    ApiOperation.GET_VOLUME: _get_volume,
    ApiOperation.CREATE_VOLUME: _create_volume,
    ApiOperation.DELETE_VOLUME: _delete_volume,
    ApiOperation.LIST_OFFERS: _list_offers,
}
