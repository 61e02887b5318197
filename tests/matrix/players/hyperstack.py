"""Hyperstack's double, in the shapes of its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from domain.enums import ResourceKind
from tests.matrix.player import Asked, Call, JsonPlayer, Twist, When

_PAGE = 2


@dataclass(frozen=True)
class _Call(Call):
    """Which page, by its number; or the pricebook, which a sweep of machines reads."""

    number: int = 1
    pricebook: bool = False


class HyperstackPlayer(JsonPlayer):
    """Machines and volumes, two a page by its number; machines own the links, and nothing is probed."""

    vendor = "hyperstack"
    credential_header: ClassVar[str] = "api_key"
    _shape = (1, 0)
    """The number of the page that is being told, and how many there are on all."""

    def settings(self, secret: str) -> dict[str, Any]:
        """One key."""
        return {"credentials": {"api_key": f"{secret}-key"}}

    def call(self, asked: Asked) -> Call:
        """`/v1/core/virtual-machines`, `/v1/core/volumes`, `/v1/pricebook`: nothing else may be asked."""
        paths = {
            "/v1/core/virtual-machines": ResourceKind.MACHINES,
            "/v1/core/volumes": ResourceKind.VOLUMES,
            "/v1/pricebook": ResourceKind.MACHINES,
        }
        number = int(asked.query.get("page", "1"))
        cursor = f"page-{number}" if number > 1 else None
        return _Call(paths[asked.path], None, cursor, number=number, pricebook=asked.path == "/v1/pricebook")

    def impossible(self, fault: str, when: When) -> str | None:
        """It is never probed, and its pages are asked for by number."""
        if when is When.PROBE:
            return "it has no words for no such thing: nothing is probed"
        if fault == "repeated cursor":
            return "pages are asked for by their number: there is no cursor"
        return super().impossible(fault, when)

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """An integer."""
        return str((40_000 if kind is ResourceKind.MACHINES else 9_000) + number)

    def answer(self, call: Call, numbers: Sequence[int], twist: Twist = Twist.NONE) -> bytes:
        """The page of the number that was asked for."""
        assert isinstance(call, _Call)
        if call.pricebook:
            return json.dumps([{"id": 1, "name": "L40", "value": 1.0, "start_time": None, "end_time": None}]).encode()
        start = (call.number - 1) * _PAGE
        self._shape = (call.number, len(numbers))
        try:
            return self.page(call.kind, numbers[start : start + _PAGE], None, twist)
        finally:
            self._shape = (1, 0)

    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """An active machine, or a volume."""
        environment = {"name": "default-CANADA-1", "region": "CANADA-1"}
        common = {
            "id": int(self.vendor_id(kind, number)),
            "name": f"name-{number}",
            "created_at": "2026-01-01T00:00:00",
            "environment": environment,
        }
        if kind is ResourceKind.VOLUMES:
            return common | {"size": 100, "volume_type": "Cloud-SSD", "bootable": False, "description": "data"}
        volume = {"id": int(self.vendor_id(ResourceKind.VOLUMES, 1)), "name": "name-1"}
        attached = [{"id": 1, "status": "ATTACHED", "volume": volume, "created_at": "2026-01-02T00:00:00"}]
        return common | {
            "status": "ACTIVE",
            "vm_state": "active",
            "power_state": "RUNNING",
            "floating_ip": "192.0.2.1",
            "fixed_ip": "10.0.0.1",
            "os": "Ubuntu",
            "image": {"name": "Ubuntu Server 22.04"},
            "flavor": {"name": "n3-L40x1", "gpu": "L40", "gpu_count": 1, "cpu": 28, "ram": 58.0, "disk": 100},
            "keypair": {"name": "key"},
            "volume_attachments": attached if number == 1 else [],
        }

    def listed(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """The page's number and size, and how many there are on all of them: those that it holds where nothing else is said."""
        number, total = self._shape
        count = total or (len(items) if isinstance(items, list) else 0)
        about = {"status": True, "message": "Getting successful", "page": number, "page_size": _PAGE, "count": count}
        return about | {"instances" if kind is ResourceKind.MACHINES else "volumes": items}

    def single(self, item: Any) -> Any:
        """Never asked for."""
        raise NotImplementedError

    def no_such(self, call: Call) -> tuple[int, bytes]:
        """What its 404 says also hides what a key may not see."""
        told = {"status": False, "message": "Not found", "error_reason": "not_found"}
        return 404, json.dumps(told).encode()

    def refusal(self, text: str) -> bytes:
        """`message` and `error_reason`."""
        return json.dumps({"status": False, "message": text, "error_reason": "bad_request"}).encode()
