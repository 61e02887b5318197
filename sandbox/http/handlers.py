"""What each operation answers when nothing goes wrong: pure functions of the world and of what was asked."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from sandbox.http.bodies import Body, machine_body, offer_body, volume_body
from sandbox.operations import Operation
from sandbox.resources import ApiError
from sandbox.world import World

_DEFAULT_LIMIT: Final = 50
_LARGEST_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One call of a tenant: the instant whose state is to be shown, the id in the path, the query and the JSON body."""

    world: World
    tenant: str
    at: datetime
    thing_id: str
    query: Mapping[str, str]
    body: bytes

    def text(self, name: str, default: str | None = None) -> str:
        """A text of the body. Raises Refusal."""
        value = self._value(name, default)
        if not isinstance(value, str):
            raise _bad_request(f"{name} must be a text.")
        return value

    def whole(self, name: str) -> int:
        """A whole number of the body. Raises Refusal."""
        value = self._value(name, None)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _bad_request(f"{name} must be a whole number.")
        return value

    def _value(self, name: str, default: str | None) -> Any:
        try:
            body = json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            raise _bad_request("The body must be JSON.") from None
        if not isinstance(body, dict):
            raise _bad_request("The body must be a JSON object.")
        return body.get(name, default)


OperationHandler: TypeAlias = "Callable[[ApiRequest], tuple[int, Body]]"


def _bad_request(message: str) -> ApiError:
    return ApiError(422, "bad_request", message)


def cursor_after(thing_id: str) -> str:
    """The cursor of the page that begins after an id. Opaque to callers."""
    return base64.urlsafe_b64encode(f"after:{thing_id}".encode()).decode()


def _start(query: Mapping[str, str]) -> str:
    cursor = query.get("cursor", "")
    if not cursor:
        return ""
    try:
        head, _, thing_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
    except (binascii.Error, UnicodeError):
        head, thing_id = "", ""
    if head != "after" or not thing_id:
        raise ApiError(400, "bad_cursor", "The cursor is not one of ours.")
    return thing_id


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(_DEFAULT_LIMIT))
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004 - int() of a short text only
    if not 0 < limit <= _LARGEST_LIMIT:
        raise ApiError(400, "bad_limit", f"limit must be 1 to {_LARGEST_LIMIT}.")
    return limit


def _page(ask: ApiRequest, key: str, bodies: Sequence[Body]) -> tuple[int, Body]:
    start, limit = _start(ask.query), _limit(ask.query)
    rest = sorted((body for body in bodies if body["id"] > start), key=lambda body: str(body["id"]))
    page = rest[:limit]
    cursor = cursor_after(page[-1]["id"]) if len(rest) > limit else None
    return 200, {key: page, "next_cursor": cursor}


def _list_machines(ask: ApiRequest) -> tuple[int, Body]:
    return _page(ask, "machines", [machine_body(m, ask.at) for m in ask.world.machines(ask.tenant, ask.at)])


def _list_volumes(ask: ApiRequest) -> tuple[int, Body]:
    machines = ask.world.machines(ask.tenant, ask.at)
    return _page(ask, "volumes", [volume_body(v, machines) for v in ask.world.volumes(ask.tenant, ask.at)])


def _list_offers(ask: ApiRequest) -> tuple[int, Body]:
    return _page(ask, "offers", [offer_body(offer) for offer in ask.world.offers()])


def _get_machine(ask: ApiRequest) -> tuple[int, Body]:
    return 200, machine_body(ask.world.machine(ask.tenant, ask.thing_id, ask.at), ask.at)


def _get_volume(ask: ApiRequest) -> tuple[int, Body]:
    machines = ask.world.machines(ask.tenant, ask.at)
    return 200, volume_body(ask.world.volume(ask.tenant, ask.thing_id, ask.at), machines)


def _create_machine(ask: ApiRequest) -> tuple[int, Body]:
    machine = ask.world.create_machine(
        ask.tenant,
        ask.text("name"),
        sku=ask.text("sku"),
        region=ask.text("region"),
        contract=ask.text("contract", "ondemand"),
        image=ask.text("image", "ubuntu-24.04-cuda-12.8"),
    )
    return 201, machine_body(machine, ask.at)


def _create_volume(ask: ApiRequest) -> tuple[int, Body]:
    volume = ask.world.create_volume(
        ask.tenant, ask.text("name"), ask.text("form", "block"), ask.whole("size_gb"), ask.text("region")
    )
    return 201, volume_body(volume, ())


def _start_machine(ask: ApiRequest) -> tuple[int, Body]:
    return 202, machine_body(ask.world.start(ask.tenant, ask.thing_id), ask.at)


def _stop_machine(ask: ApiRequest) -> tuple[int, Body]:
    return 202, machine_body(ask.world.stop(ask.tenant, ask.thing_id), ask.at)


def _terminate_machine(ask: ApiRequest) -> tuple[int, Body]:
    return 202, machine_body(ask.world.terminate(ask.tenant, ask.thing_id), ask.at)


def _attach_volume(ask: ApiRequest) -> tuple[int, Body]:
    return 200, machine_body(ask.world.attach(ask.tenant, ask.thing_id, ask.text("volume_id")), ask.at)


def _detach_volume(ask: ApiRequest) -> tuple[int, Body]:
    return 200, machine_body(ask.world.detach(ask.tenant, ask.thing_id, ask.text("volume_id")), ask.at)


def _delete_volume(ask: ApiRequest) -> tuple[int, Body]:
    return 202, volume_body(ask.world.delete_volume(ask.tenant, ask.thing_id), ())


HANDLERS: Final[Mapping[Operation, OperationHandler]] = {
    Operation.LIST_MACHINES: _list_machines,
    Operation.GET_MACHINE: _get_machine,
    Operation.CREATE_MACHINE: _create_machine,
    Operation.START_MACHINE: _start_machine,
    Operation.STOP_MACHINE: _stop_machine,
    Operation.TERMINATE_MACHINE: _terminate_machine,
    Operation.ATTACH_VOLUME: _attach_volume,
    Operation.DETACH_VOLUME: _detach_volume,
    Operation.LIST_VOLUMES: _list_volumes,
    Operation.GET_VOLUME: _get_volume,
    Operation.CREATE_VOLUME: _create_volume,
    Operation.DELETE_VOLUME: _delete_volume,
    Operation.LIST_OFFERS: _list_offers,
}
