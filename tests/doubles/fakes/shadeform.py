"""Shadeform, in the shapes of its OpenAPI document 1.0.0."""

from __future__ import annotations

from typing import Any

from tests.doubles.fake import (
    MACHINES,
    NO_SPEC,
    PRICELESS,
    VOLUMES,
    Fake,
    FakeResource,
    access,
    graph_time,
    iso,
    link,
    price,
)
from tests.matrix.player import ReceivedRequest

STATUSES = {
    "creating": "PENDING",
    "pending_provider": "PROVISIONING",
    "pending": "PROVISIONING",
    "active": "RUNNING",
    "error": "ERROR",
    "deleting": "DELETING",
}
GPUS = {
    ("A6000", "pcie", 48): ("nvidia-rtx-a6000-48gb", "RTX A6000"),
    ("H100", "sxm5", 80): ("nvidia-h100-sxm5-80gb", "H100"),
    ("A100_80G", "pcie", 80): ("nvidia-a100-pcie-80gb", "A100"),
    ("H200", "sxm5", 141): ("nvidia-h200-sxm5-141gb", "H200"),
    ("L40S", "pcie", 48): ("nvidia-l40s-48gb", "L40S"),
    ("Mystery", "pcie", 7): ("Mystery", None),
}
CLOUDS = ("massedcompute", "hyperstack", "lambdalabs", "denvr")
PRICES = {cloud: f"0.000{place}" for place, cloud in enumerate(CLOUDS[:3], 1)}
"""US dollars per GB and hour; the last cloud has no price."""
LAUNCH_CONFIGURATION = {
    "type": "docker",
    "docker_configuration": {"image": "x", "envs": [{"name": "TOKEN", "value": "S3cret"}]},
}


class ShadeformFake(Fake):
    """Volumes own the links and have one at most. There are no pages."""

    vendor = "shadeform"
    specification = "shadeform.yaml"
    base_path = "/v1"
    calls = {MACHINES: 1, VOLUMES: 1}  # noqa: RUF012 - declared in the base class
    price_list_calls = 1

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """Return one key."""
        return {"credentials": {"api_key": secret}}

    def machine(self, number: int) -> FakeResource:
        """Return an instance, which may have a volume that no other instance has."""
        dice = self.dice
        vendor_id, vendor_status = dice.uuid(), dice.choice(sorted(STATUSES))
        (model, form, memory), (gpu_type, family) = dice.choice(sorted(GPUS.items()))
        name, created, cloud, shared = dice.name(), dice.instant(), dice.choice(CLOUDS), dice.random() < 0.5
        host = dice.choice(("", dice.public_ip(), "node-7.cloud.test"))
        port, cents, count = dice.choice((22, dice.randint(1024, 65535))), dice.randint(1, 9999), dice.choice((1, 8))
        details, nvlink = dice.choice(("", "downloading")), dice.random() < 0.5
        item = {
            "id": vendor_id, "cloud": cloud, "region": "canada-1", "shade_instance_type": model,
            "cloud_instance_type": f"gpu_{count}x", "cloud_assigned_id": dice.uuid(), "shade_cloud": shared, "name": name,
            "configuration": _configuration(model, form, memory, count, nvlink),
            "ip": host, "ssh_user": "shadeform", "ssh_port": port, "status": vendor_status, "status_details": details,
            "cost_estimate": f"{dice.random():.2f}", "hourly_price": cents, "created_at": iso(created),
            "active_at": iso(created), "deleted_at": "0001-01-01T00:00:00Z",
            "launch_configuration": LAUNCH_CONFIGURATION,
        }  # fmt: skip
        spec = {
            **NO_SPEC, "gpuType": gpu_type, "gpuFamily": family, "gpuCount": count, "vcpuCount": 6.0,
            "memoryGb": 48.0 * count, "diskGb": 256.0, "vendorSku": model, "image": "ubuntu22.04_shade_os",
            "vendor": {
                "active_at": graph_time(created), "cloud": cloud, "cloud_assigned_id": item["cloud_assigned_id"],
                "cloud_instance_type": f"gpu_{count}x", "gpu_memory_gb": float(memory), "interconnect": form,
                "nvlink": nvlink, "shade_cloud": shared,
            },
        }  # fmt: skip
        node = {
            "resourceType": "VM", "vendorRegion": "canada-1", "name": name, "status": STATUSES[vendor_status],
            "vendorStatus": vendor_status, "statusMessage": details or None, "access": _access(host, port), "spec": spec,
            **(price(cents / 100) if vendor_status == "active" else PRICELESS),
        }  # fmt: skip
        machine = FakeResource(vendor_id, item, node, created)
        free = [volume for volume in self.volumes.values() if not volume.attached]
        if free and dice.random() < 0.3:
            link(machine, [free[0]])
            free[0].item["mounted_by"] = vendor_id
        return machine

    def volume(self, number: int) -> FakeResource:
        """Return a volume of a fixed size, or one that scales."""
        dice = self.dice
        vendor_id, name, cloud, size = dice.uuid(), dice.name(), dice.choice(CLOUDS), dice.randint(1, 9999)
        fixed = dice.random() < 0.7
        item = {
            "id": vendor_id, "cloud": cloud, "cloud_assigned_id": dice.uuid(), "region": "canada-1", "name": name,
            "fixed_size": fixed, "size_in_gb": size, "cost_estimate": "1.5", "supports_multi_mount": False,
            "mounted_by": "",
        }  # fmt: skip
        amount = round(float(PRICES[cloud]) * size, 9) if fixed and cloud in PRICES else None
        facts = {"cloud": cloud, "cloud_assigned_id": item["cloud_assigned_id"]}
        spec = {
            **NO_SPEC, "diskGb": float(size) if fixed else None,
            "vendorSku": f"{cloud}/canada-1/{'fixed' if fixed else 'elastic'}/single-mount",
            "vendor": facts | {"fixed_size": fixed, "supports_multi_mount": False},
        }  # fmt: skip
        node = {
            "resourceType": "BLOCK_DISK", "vendorRegion": "canada-1", "name": name, "status": "RUNNING",
            "vendorStatus": None, "statusMessage": None, "access": None, "spec": spec,
            **(PRICELESS if amount is None else price(amount, source="CATALOGUE")),
        }  # fmt: skip
        return FakeResource(vendor_id, item, node)

    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Return a list or the price list."""
        volume_types = [
            {"cloud": cloud, "region": "canada-1", "supports_multi_mount": False, "fixed_size": fixed,
             "price_per_gb_per_hour": hourly}
            for cloud, hourly in PRICES.items() for fixed in (True, False)
        ]  # fmt: skip
        content = {
            "/instances": {"instances": self.page(self.machines, 0, None)[0]} if request.path == "/instances" else None,
            "/volumes": {"volumes": self.page(self.volumes, 0, None)[0]},
            "/volumes/types": {"volume_types": volume_types},
        }.get(request.path)
        return (404, {"error": "not found"}) if content is None else (200, content)


def _configuration(model: str, form: str, memory: int, count: int, nvlink: bool) -> dict[str, Any]:
    return {
        "memory_in_gb": 48 * count, "storage_in_gb": 256, "vcpus": 6, "num_gpus": count, "gpu_type": model,
        "interconnect": form, "nvlink": nvlink, "vram_per_gpu_in_gb": memory, "gpu_manufacturer": "nvidia",
        "os": "ubuntu22.04_shade_os",
    }  # fmt: skip


def _access(host: str, port: int) -> dict[str, Any] | None:
    if not host:
        return None
    flag = "" if port == 22 else f" -p {port}"
    return access(host if host[:1].isdigit() else None, None, f"ssh shadeform@{host}{flag}", port)
