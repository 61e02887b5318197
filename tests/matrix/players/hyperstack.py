"""The double of Hyperstack, with the shapes of its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from domain.enums import ResourceKind
from tests.matrix.player import NO_PROBES, FlightKind, JsonPlayer, ReceivedRequest, Twist, VendorCall

_PAGE = 2


@dataclass(frozen=True)
class _HyperstackCall(VendorCall):
    """A call with its page number, or a call for the pricebook, which a sweep of machines reads."""

    number: int = 1
    pricebook: bool = False


class HyperstackPlayer(JsonPlayer):
    """Machines and volumes, two per numbered page. Machines own the links. Resources are not probed."""

    vendor = "hyperstack"
    credential_header: ClassVar[str] = "api_key"
    _shape = (1, 0)
    """The number of the page that is being written, and the number of items on all pages."""

    def settings(self, secret: str) -> dict[str, Any]:
        """Return one API key."""
        return {"credentials": {"api_key": f"{secret}-key"}}

    def call(self, request: ReceivedRequest) -> VendorCall:
        """Recognize `/v1/core/virtual-machines`, `/v1/core/volumes` and `/v1/pricebook`. Any other path is an error."""
        paths = {
            "/v1/core/virtual-machines": ResourceKind.MACHINES,
            "/v1/core/volumes": ResourceKind.VOLUMES,
            "/v1/pricebook": ResourceKind.MACHINES,
        }
        number = int(request.query.get("page", "1"))
        cursor = f"page-{number}" if number > 1 else None
        return _HyperstackCall(
            paths[request.path], None, cursor, number=number, pricebook=request.path == "/v1/pricebook"
        )

    def why_impossible(self, fault: str, flight: FlightKind) -> str | None:
        """Rule out probes, and a repeated cursor because pages are requested by number."""
        if flight is FlightKind.PROBE:
            return NO_PROBES
        if fault == "repeated cursor":
            return "pages are requested by number: there is no cursor"
        return super().why_impossible(fault, flight)

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """Return an integer."""
        return str((40_000 if kind is ResourceKind.MACHINES else 9_000) + number)

    def answer(self, call: VendorCall, numbers: Sequence[int], twist: Twist = Twist.NONE) -> bytes:
        """Write the page of the requested number."""
        assert isinstance(call, _HyperstackCall)
        if call.pricebook:
            return json.dumps([{"id": 1, "name": "L40", "value": 1.0, "start_time": None, "end_time": None}]).encode()
        start = (call.number - 1) * _PAGE
        self._shape = (call.number, len(numbers))
        try:
            return self.page(call.kind, numbers[start : start + _PAGE], None, twist)
        finally:
            self._shape = (1, 0)

    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """Return an active machine or a volume."""
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

    def wrap_list(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """Return the list with the page's number and size and the total count, which defaults to the number of items."""
        number, total = self._shape
        count = total or (len(items) if isinstance(items, list) else 0)
        page = {"status": True, "message": "Getting successful", "page": number, "page_size": _PAGE, "count": count}
        return page | {"instances" if kind is ResourceKind.MACHINES else "volumes": items}

    def wrap_one(self, item: Any) -> Any:
        """Raise NotImplementedError, because resources are not probed."""
        raise NotImplementedError

    def not_found(self, call: VendorCall) -> tuple[int, bytes]:
        """Return its 404, which Hyperstack also uses for resources that the key may not see."""
        error = {"status": False, "message": "Not found", "error_reason": "not_found"}
        return 404, json.dumps(error).encode()

    def error_body(self, text: str) -> bytes:
        """Write `message` and `error_reason`."""
        return json.dumps({"status": False, "message": text, "error_reason": "bad_request"}).encode()
