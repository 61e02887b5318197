"""The double of the simulated cloud, with the shapes of `sandbox/http/api.py`."""

from __future__ import annotations

import json
from typing import Any

from domain.enums import ResourceKind
from tests.matrix.player import JsonPlayer, ReceivedRequest, VendorCall


class SandboxPlayer(JsonPlayer):
    """Machines and volumes, two per page. Machines own the links."""

    vendor = "sandbox"

    def settings(self, secret: str) -> dict[str, Any]:
        """Return one API key."""
        return {"credentials": {"api_key": f"{secret}-key"}}

    def call(self, request: ReceivedRequest) -> VendorCall:
        """Recognize `/v1/machines`, `/v1/machines/ID` and the same paths for volumes."""
        _, _, plural, *rest = request.path.split("/")
        kind = {"machines": ResourceKind.MACHINES, "volumes": ResourceKind.VOLUMES}[plural]
        return VendorCall(kind, rest[0] if rest else None, request.query.get("cursor"))

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """Return `m-` or `v-` with eight digits."""
        return f"{'m' if kind is ResourceKind.MACHINES else 'v'}-{number:08}"

    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """Return a running machine or a volume."""
        common = {
            "id": self.vendor_id(kind, number),
            "name": f"name-{number}",
            "region": "eu-north",
            "created_at": "2026-01-01T00:00:00.000000Z",
        }
        if kind is ResourceKind.VOLUMES:
            price = {"currency": "USD", "current_hourly": 0.1}
            return common | {"status": "available", "form": "block", "size_gb": 100, "price": price, "attached_to": []}
        attached = [{"volume_id": self.vendor_id(ResourceKind.VOLUMES, 1), "attached_at": "2026-01-02T00:00:00Z"}]
        return common | {
            "status": "running",
            "status_message": None,
            "sku": "h100-1",
            "form": "vm",
            "contract": "ondemand",
            "image": "ubuntu",
            "hardware": {"gpu": {"model": "H100", "count": 1, "memory_gb": 80}, "vcpus": 16},
            "ssh": {"user": "ubuntu", "host": "192.0.2.1", "port": 22},
            "private_ip": "10.0.0.1",
            "price": {"currency": "USD", "running_hourly": 2.5, "stopped_hourly": 0.1, "current_hourly": 2.5},
            "term": {"starts_at": None, "ends_at": None},
            "reclaim_at": None,
            "attachments": attached if number == 1 else [],
        }

    def wrap_list(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """Return the list with `next_cursor`, which is null on the last page."""
        return {kind.value.lower(): items, "next_cursor": cursor}

    def wrap_one(self, item: Any) -> Any:
        """Return the item itself."""
        return item

    def not_found(self, call: VendorCall) -> tuple[int, bytes]:
        """Return `no_such_machine` or `no_such_volume`."""
        code = f"no_such_{call.kind.value.lower().removesuffix('s')}"
        return 404, json.dumps({"error": {"code": code, "message": "There is none."}}).encode()

    def error_body(self, text: str) -> bytes:
        """Write `error.code` and `error.message`."""
        return json.dumps({"error": {"code": "internal", "message": text}}).encode()
