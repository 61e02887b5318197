"""Lambda Cloud's double, in the shapes of its OpenAPI document 1.8.3."""

from __future__ import annotations

import json
from typing import Any

from domain.enums import ResourceKind
from tests.matrix.player import Asked, Call, JsonPlayer


class LambdaPlayer(JsonPlayer):
    """Instances and file systems, each in one call; instances own the links."""

    vendor = "lambda"
    paged = False

    def settings(self, secret: str) -> dict[str, Any]:
        """One key."""
        return {"credentials": {"api_key": f"{secret}-key"}}

    def call(self, asked: Asked) -> Call:
        """`/instances`, `/instances/ID`, `/file-systems`."""
        *_, last = asked.path.split("/")
        if last == "file-systems":
            return Call(ResourceKind.VOLUMES)
        return Call(ResourceKind.MACHINES, None if last == "instances" else last)

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """32 hexadecimal digits."""
        return f"{kind is ResourceKind.MACHINES:x}{number:031x}"

    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """An active instance, or a file system."""
        region = {"name": "us-west-1", "description": "California, USA"}
        common = {"id": self.vendor_id(kind, number), "name": f"name-{number}", "region": region}
        if kind is ResourceKind.VOLUMES:
            told = {"mount_point": "/lambda/nfs/data", "created": "2026-01-01T00:00:00.000+00:00", "bytes_used": 7}
            return common | told | {"is_in_use": number == 1}
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

    def listed(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """`data`."""
        return {"data": items}

    def single(self, item: Any) -> Any:
        """`data` too."""
        return {"data": item}

    def no_such(self, call: Call) -> tuple[int, bytes]:
        """ApiErrorInstanceNotFound."""
        error = {"code": "global/object-does-not-exist", "message": "Specified instance does not exist."}
        return 404, json.dumps({"error": error}).encode()

    def refusal(self, text: str) -> bytes:
        """`error.code` and `error.message`."""
        return json.dumps({"error": {"code": "global/unknown", "message": text}}).encode()
