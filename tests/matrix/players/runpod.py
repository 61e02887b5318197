"""The double of RunPod, with the shapes of its REST API version 2."""

from __future__ import annotations

import json
from typing import Any

from domain.enums import ResourceKind
from tests.matrix.player import JsonPlayer, ReceivedRequest, VendorCall


class RunPodPlayer(JsonPlayer):
    """Pods and network volumes, each listed in one call. Pods own the links."""

    vendor = "runpod"
    media = "application/json"
    paged = False

    def settings(self, secret: str) -> dict[str, Any]:
        """Return one API key."""
        return {"credentials": {"api_key": f"{secret}-key"}}

    def call(self, request: ReceivedRequest) -> VendorCall:
        """Recognize `/v2/pods`, `/v2/network-volumes` and the paths of single items."""
        _, _, plural, *rest = request.path.split("/")
        kind = {"pods": ResourceKind.MACHINES, "network-volumes": ResourceKind.VOLUMES}[plural]
        return VendorCall(kind, rest[0] if rest else None)

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """Return lower-case letters and digits."""
        return f"{'p' if kind is ResourceKind.MACHINES else 'v'}{number:013d}"

    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """Return a running Pod or a volume."""
        common = {"id": self.vendor_id(kind, number), "name": f"name-{number}"}
        if kind is ResourceKind.VOLUMES:
            return common | {"size": 100, "dataCenter": "EU-RO-1", "type": "STANDARD"}
        mounts = {"network": [{"volumeId": self.vendor_id(ResourceKind.VOLUMES, 1), "path": "/data"}]}
        return common | {
            "status": "RUNNING",
            "actions": ["stop", "restart", "terminate"],
            "image": "runpod/pytorch:1",
            "args": "",
            "disk": 50,
            "mounts": mounts if number == 1 else {},
            "ports": ["22/tcp"],
            "env": {"JUPYTER_PASSWORD": "hunter2"},
            "registry": None,
            "gpu": {"id": "NVIDIA GeForce RTX 4090", "count": 1},
            "cloud": "SECURE",
            "dataCenterId": "EU-RO-1",
            "cudaVersion": "12.8",
            "ssh": {
                "proxy": {"host": "ssh.runpod.io", "port": 22, "username": "p-1", "command": "ssh p-1@ssh.runpod.io"},
                "direct": {"host": "192.0.2.1", "port": 34446, "username": "root", "command": "ssh root@192.0.2.1"},
            },
            "template": None,
            "cost": 0.44,
            "locked": False,
            "globalNetworking": {"enabled": False},
            "runtime": {"uptime": 3600},
            "createdAt": "2026-01-01T00:00:00Z",
            "startedAt": "2026-01-01T00:02:00Z",
        }

    def wrap_list(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """Put the list under `pods` or `networkVolumes`."""
        return {"pods" if kind is ResourceKind.MACHINES else "networkVolumes": items}

    def wrap_one(self, item: Any) -> Any:
        """Return the item itself."""
        return item

    def not_found(self, call: VendorCall) -> tuple[int, bytes]:
        """Return the documented problem document."""
        return 404, json.dumps({"title": "Not Found", "status": 404, "detail": "resource not found"}).encode()

    def error_body(self, text: str) -> bytes:
        """Write a problem document."""
        return json.dumps({"title": "Refused", "status": 500, "detail": text}).encode()
