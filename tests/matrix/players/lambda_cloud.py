"""The double of Lambda Cloud, with the shapes of its OpenAPI document 1.8.3."""

from __future__ import annotations

import json
from typing import Any

from domain.enums import ResourceKind
from tests.matrix.player import JsonPlayer, ReceivedRequest, VendorCall


class LambdaPlayer(JsonPlayer):
    """Instances and file systems, each listed in one call. Instances own the links."""

    vendor = "lambda"
    paged = False

    def settings(self, secret: str) -> dict[str, Any]:
        """Return one API key."""
        return {"credentials": {"api_key": f"{secret}-key"}}

    def call(self, request: ReceivedRequest) -> VendorCall:
        """Recognize `/instances`, `/instances/ID` and `/file-systems`."""
        *_, last = request.path.split("/")
        if last == "file-systems":
            return VendorCall(ResourceKind.VOLUMES)
        return VendorCall(ResourceKind.MACHINES, None if last == "instances" else last)

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """Return 32 hexadecimal digits."""
        return f"{kind is ResourceKind.MACHINES:x}{number:031x}"

    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """Return an active instance or a file system."""
        region = {"name": "us-west-1", "description": "California, USA"}
        common = {"id": self.vendor_id(kind, number), "name": f"name-{number}", "region": region}
        if kind is ResourceKind.VOLUMES:
            details = {"mount_point": "/lambda/nfs/data", "created": "2026-01-01T00:00:00.000+00:00", "bytes_used": 7}
            return common | details | {"is_in_use": number == 1}
        mount = {"mount_point": "/data", "file_system_id": self.vendor_id(ResourceKind.VOLUMES, 1)}
        return common | {
            "status": "active",
            "ip": "192.0.2.1",
            "private_ip": "10.0.0.1",
            "hostname": "headnode1",
            "ssh_key_names": ["key"],
            "file_system_names": ["data"] if number == 1 else [],
            "file_system_mounts": [mount] if number == 1 else [],
            "instance_type": {
                "name": "gpu_1x_a10",
                "description": "1x A10 (24 GB PCIe)",
                "gpu_description": "A10 (24 GB PCIe)",
                "price_cents_per_hour": 75,
                "specs": {"vcpus": 30, "memory_gib": 200, "storage_gib": 1400, "gpus": 1},
            },
            "jupyter_token": "53968f128c4a4489b688c2c0a181d083",
        }

    def wrap_list(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """Put the list under `data`."""
        return {"data": items}

    def wrap_one(self, item: Any) -> Any:
        """Put the item under `data`."""
        return {"data": item}

    def not_found(self, call: VendorCall) -> tuple[int, bytes]:
        """Return the documented error ApiErrorInstanceNotFound."""
        error = {"code": "global/object-does-not-exist", "message": "Specified instance does not exist."}
        return 404, json.dumps({"error": error}).encode()

    def error_body(self, text: str) -> bytes:
        """Write `error.code` and `error.message`."""
        return json.dumps({"error": {"code": "global/unknown", "message": text}}).encode()
