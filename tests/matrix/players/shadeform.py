"""The double of Shadeform, with the shapes of its OpenAPI document 1.0.0, which documents no errors."""

from __future__ import annotations

import json
from typing import Any

from domain.enums import ResourceKind
from tests.matrix.player import NO_PROBES, FlightKind, JsonPlayer, ReceivedRequest, VendorCall


class ShadeformPlayer(JsonPlayer):
    """Instances and volumes, each listed in one call, and the price list of volumes.

    Volumes own the links. Resources are not probed.
    """

    vendor = "shadeform"
    paged = False
    credential_header = "x-api-key"

    def settings(self, secret: str) -> dict[str, Any]:
        """Return one API key."""
        return {"credentials": {"api_key": f"{secret}-key"}}

    def call(self, request: ReceivedRequest) -> VendorCall:
        """Recognize `/v1/instances`, `/v1/volumes` and `/v1/volumes/types`."""
        *_, last = request.path.split("/")
        if last == "types":
            return VendorCall(ResourceKind.VOLUMES, catalogue=True)
        return VendorCall({"instances": ResourceKind.MACHINES, "volumes": ResourceKind.VOLUMES}[last])

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """Return a UUID."""
        return f"d290f1ee-6c54-4b01-90e6-{kind is ResourceKind.MACHINES:x}{number:011d}"

    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """Return an active instance or a volume."""
        common = {
            "id": self.vendor_id(kind, number),
            "name": f"name-{number}",
            "cloud": "massedcompute",
            "region": "us-central-1",
            "cloud_assigned_id": f"13b057d7-e266-4869-985f-{number:012d}",
            "cost_estimate": "1.5",
        }
        if kind is ResourceKind.VOLUMES:
            machine = self.vendor_id(ResourceKind.MACHINES, 1)
            size = {"fixed_size": True, "size_in_gb": 100, "supports_multi_mount": False}
            return common | size | {"mounted_by": machine if number == 1 else ""}
        return common | {
            "shade_instance_type": "A6000",
            "cloud_instance_type": "gpu_1x_a6000",
            "shade_cloud": True,
            "configuration": {
                "memory_in_gb": 48,
                "storage_in_gb": 256,
                "vcpus": 6,
                "num_gpus": 1,
                "gpu_type": "A6000",
                "interconnect": "pcie",
                "vram_per_gpu_in_gb": 48,
                "gpu_manufacturer": "nvidia",
                "os": "ubuntu22.04_cuda12.2_shade_os",
            },
            "ip": "192.0.2.1",
            "ssh_user": "shadeform",
            "ssh_port": 22,
            "status": "active",
            "status_details": "",
            "hourly_price": 57,
            "launch_configuration": {"type": "docker", "docker_configuration": {"envs": [{"name": "T", "value": "s"}]}},
            "created_at": "2026-01-01T00:00:00Z",
            "active_at": "2026-01-01T00:05:00Z",
            "deleted_at": "0001-01-01T00:00:00Z",
        }

    def why_impossible(self, fault: str, flight: FlightKind) -> str | None:
        """Rule out probes, because no error for a missing resource is documented."""
        return NO_PROBES if flight is FlightKind.PROBE else super().why_impossible(fault, flight)

    def prices(self) -> bytes:
        """Write the price of the volumes."""
        volume_type = {
            "cloud": "massedcompute",
            "region": "us-central-1",
            "supports_multi_mount": False,
            "fixed_size": True,
        }
        return json.dumps({"volume_types": [volume_type | {"price_per_gb_per_hour": "0.0001"}]}).encode()

    def wrap_list(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """Put the list under `instances` or `volumes`."""
        return {"instances" if kind is ResourceKind.MACHINES else "volumes": items}

    def wrap_one(self, item: Any) -> Any:
        """Return the item itself."""
        return {} if item is None else item

    def not_found(self, call: VendorCall) -> tuple[int, bytes]:
        """Return a typical 404, because none is documented."""
        return 404, json.dumps({"error": "not found"}).encode()

    def error_body(self, text: str) -> bytes:
        """Write a typical error, because none is documented."""
        return json.dumps({"error": text}).encode()
