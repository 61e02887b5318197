"""Lambda Cloud, in the shapes of its OpenAPI document 1.8.3."""

from __future__ import annotations

from typing import Any

from tests.doubles.fake import (
    MACHINES,
    NO_SPEC,
    PRICELESS,
    VOLUMES,
    Fake,
    FakeResource,
    graph_time,
    link,
    price,
    ssh_access,
)
from tests.matrix.player import ReceivedRequest

STATUSES = {
    "booting": "PROVISIONING",
    "active": "RUNNING",
    "unhealthy": "ERROR",
    "terminating": "DELETING",
    "preempted": "ERROR",
}
GPUS = {
    "A10 (24 GB PCIe)": ("nvidia-a10-24gb", "A10"),
    "H100 (80 GB SXM5)": ("nvidia-h100-sxm5-80gb", "H100"),
    "GH200 (96 GB)": ("nvidia-gh200-96gb", "GH200"),
    "Whatever (7 GB)": ("Whatever (7 GB)", None),
}
ACTIONS = ("migrate", "rebuild", "restart", "cold_reboot", "terminate")
REGIONS = ("us-west-1", "us-east-1", "europe-central-1")


class LambdaFake(Fake):
    """Instances own the links. There are no pages."""

    vendor = "lambda"
    specification = "lambda-1.8.3.json"
    calls = {MACHINES: 1, VOLUMES: 1}  # noqa: RUF012 - declared in the base class

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """Return one key."""
        return {"credentials": {"api_key": secret}}

    def machine(self, number: int) -> FakeResource:
        """Return an instance, with up to two file systems."""
        dice = self.dice
        vendor_status, status = dice.pick(STATUSES)
        gpu_description, (gpu_type, family) = dice.pick(GPUS)
        external_ip, internal_ip = dice.maybe(dice.public_ip(), 0.8), dice.maybe(dice.private_ip(), 0.8)
        cents, count = dice.randint(1, 9999), dice.choice((1, 8))
        hostname, name = dice.maybe(dice.hexadecimal(8)), dice.maybe(f"n-{dice.randint(0, 999)}", 0.8)
        region = dice.choice(REGIONS)
        volumes = dice.sample(list(self.volumes.values()), dice.choice((0, 0, 1, 2))) if self.volumes else []
        vendor_id = f"{dice.hexadecimal(26)}{number:06x}"
        item = {
            "id": vendor_id, "status": vendor_status, "name": name, "ip": external_ip, "private_ip": internal_ip,
            "hostname": hostname, "ssh_key_names": ["key"], "region": {"name": region, "description": "Somewhere"},
            "file_system_names": [volume.item["name"] for volume in volumes],
            "file_system_mounts": [
                {"mount_point": f"/data/{index}", "file_system_id": volume.vendor_id}
                for index, volume in enumerate(volumes)
            ],
            "instance_type": _instance_type(gpu_description, count, cents),
            "jupyter_token": "S3cret", "jupyter_url": "https://jupyter.test/?token=S3cret", "is_reserved": False,
            "actions": {action: {"available": True} for action in ACTIONS},
        }  # fmt: skip
        spec = {
            **NO_SPEC, "gpuType": gpu_type, "gpuFamily": family, "gpuCount": count, "vcpuCount": 30.0, "memoryGb": 200.0,
            "diskGb": 1400.0, "vendorSku": f"gpu_{count}x", "vendor": {"hostname": hostname} if hostname else {},
        }  # fmt: skip
        node = {
            "resourceType": "VM", "vendorRegion": region, "name": name, "status": status, "vendorStatus": vendor_status,
            "statusMessage": None, "spec": spec,
            "access": ssh_access("ubuntu", external_ip, internal_ip),
            **(price(cents / 100) if vendor_status == "active" else PRICELESS),
        }  # fmt: skip
        machine = FakeResource(vendor_id, {key: value for key, value in item.items() if value is not None}, node)
        link(machine, volumes)
        return machine

    def volume(self, number: int) -> FakeResource:
        """Return a file system."""
        dice = self.dice
        vendor_id, region, created = f"{dice.hexadecimal(26)}{number:06x}", dice.choice(REGIONS), dice.instant()
        name = f"data-{number}"
        item = {
            "id": vendor_id,
            "name": name,
            "mount_point": f"/lambda/nfs/{name}",
            "created": created.isoformat(),
            "created_by": {"id": dice.hexadecimal(32), "email": "a@b.test", "status": "active"},
            "is_in_use": False,
            "region": {"name": region, "description": "Somewhere"},
            "bytes_used": dice.randrange(10**12),
        }
        node = {
            "resourceType": "FILESYSTEM", "vendorRegion": region, "name": name, "status": "RUNNING", "vendorStatus": None,
            "statusMessage": None, "access": None, "spec": {**NO_SPEC, "vendor": {"mount_point": item["mount_point"]}},
            **PRICELESS, "createdAt": graph_time(created),
        }  # fmt: skip
        return FakeResource(vendor_id, item, node, created)

    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Return a list, or one instance."""
        *_, last = request.path.split("/")
        if last in ("instances", "file-systems"):
            items, _ = self.page(self.machines if last == "instances" else self.volumes, 0, None)
            return 200, {"data": items}
        if last in self.machines:
            return 200, {"data": self.machines[last].item}
        error = {"code": "global/object-does-not-exist", "message": "It does not exist.", "suggestion": "Look again."}
        return 404, {"error": error}


def _instance_type(gpu_description: str, count: int, cents: int) -> dict[str, Any]:
    return {
        "name": f"gpu_{count}x",
        "description": f"{count}x {gpu_description}",
        "gpu_description": gpu_description,
        "price_cents_per_hour": cents,
        "specs": {"vcpus": 30, "memory_gib": 200, "storage_gib": 1400, "gpus": count},
    }
