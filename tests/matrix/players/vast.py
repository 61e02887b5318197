"""The double of Vast, with the shapes of its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from domain.enums import ResourceKind
from tests.matrix.player import JsonPlayer, ReceivedRequest, Twist, VendorCall


class VastPlayer(JsonPlayer):
    """Instances, two per page with a page token, and volumes in one call. Volumes own the links."""

    vendor = "vast"

    def settings(self, secret: str) -> dict[str, Any]:
        """Return one API key."""
        return {"credentials": {"api_key": f"{secret}-key"}}

    def call(self, request: ReceivedRequest) -> VendorCall:
        """Recognize `/api/v1/instances`, `/api/v0/instances/ID` and `/api/v0/volumes`."""
        *_, last = request.path.split("/")
        if last == "volumes":
            return VendorCall(ResourceKind.VOLUMES)
        return VendorCall(
            ResourceKind.MACHINES, None if last == "instances" else last, request.query.get("after_token")
        )

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """Return an integer. Vast numbers instances and volumes in one sequence of contracts."""
        return str((31_000_000 if kind is ResourceKind.MACHINES else 32_000_000) + number)

    def answer(self, call: VendorCall, numbers: Sequence[int], twist: Twist = Twist.NONE) -> bytes:
        """Write all volumes on one page."""
        if call.what == "sweep" and call.kind is ResourceKind.VOLUMES:
            return self.page(call.kind, numbers, None, twist)
        return super().answer(call, numbers, twist)

    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """Return a running instance or a volume."""
        host = {"machine_id": 12, "host_id": 7, "verification": "verified", "disk_name": "Samsung SSD 870"}
        common = host | {"id": int(self.vendor_id(kind, number)), "label": f"name-{number}", "disk_space": 10.5}
        if kind is ResourceKind.VOLUMES:
            instances = [{"id": int(self.vendor_id(ResourceKind.MACHINES, 1))}] if number == 1 else []
            return common | {"start_date": 1767225600.25, "instances": instances, "storage_total_cost": 0.002}
        return common | {
            "actual_status": "running",
            "cur_state": "running",
            "intended_status": "running",
            "status_msg": "success",
            "start_date": 1767225600.25,
            "end_date": 1798761600.0,
            "public_ipaddr": "192.0.2.45",
            "local_ipaddrs": "10.0.0.5 172.17.0.2",
            "ssh_host": "ssh5.vast.ai",
            "ssh_port": 10600,
            "ports": {"22/tcp": [{"HostIp": "192.0.2.45", "HostPort": "20000"}]},
            "gpu_name": "RTX 4090",
            "gpu_ram": 24576,
            "num_gpus": 1,
            "cpu_cores_effective": 4.0,
            "cpu_ram": 15989,
            "image_uuid": "nvidia/cuda:11.0.3-devel-ubuntu18.04",
            "geolocation": "California, United States",
            "is_bid": False,
            "dph_total": 0.8021,
            "storage_total_cost": 0.0021,
            "static_ip": False,
            "jupyter_token": "df77e27085bd4b3bd5d9024bdefb9e6d",
        }

    def wrap_list(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """Return the list; a list of instances has `next_token`, which is null on the last page."""
        if kind is ResourceKind.VOLUMES:
            return {"volumes": items}
        return {"success": True, "instances": items, "next_token": cursor}

    def wrap_one(self, item: Any) -> Any:
        """Put the item under `instances`."""
        return {"instances": item}

    def not_found(self, call: VendorCall) -> tuple[int, bytes]:
        """Return 404 with `no_such_instance`."""
        return 404, json.dumps({"success": False, "error": "no_such_instance", "msg": "No such instance."}).encode()

    def error_body(self, text: str) -> bytes:
        """Write `error` and `msg`."""
        return json.dumps({"success": False, "error": "invalid_args", "msg": text}).encode()
