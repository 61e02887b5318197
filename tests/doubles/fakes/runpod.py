"""RunPod, in the shapes of its REST version 2."""

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
    "PROVISIONING": "PROVISIONING",
    "STARTING": "PROVISIONING",
    "RUNNING": "RUNNING",
    "EXITED": "STOPPED",
    "ERROR": "ERROR",
}
GPUS = {
    "NVIDIA GeForce RTX 4090": ("nvidia-rtx-4090-24gb", "RTX 4090"),
    "NVIDIA H100 80GB HBM3": ("nvidia-h100-sxm5-80gb", "H100"),
    "NVIDIA A100-SXM4-80GB": ("nvidia-a100-sxm4-80gb", "A100"),
    "AMD Instinct MI300X OAM": ("amd-mi300x-oam-192gb", "MI300X"),
    "NVIDIA Unheard Of": ("NVIDIA Unheard Of", None),
}
DATA_CENTERS = ("US-KS-2", "EU-RO-1", "US-TX-3")


class RunPodFake(Fake):
    """Pods own the links and have one at most. There are no pages."""

    vendor = "runpod"
    specification = "runpod-rest-v2.json"
    calls = {MACHINES: 1, VOLUMES: 1}  # noqa: RUF012 - declared in the base class

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """Return one key."""
        return {"credentials": {"api_key": secret}}

    def machine(self, number: int) -> FakeResource:
        """Return a Pod with GPUs or without, alone or in a cluster."""
        dice = self.dice
        vendor_id = f"{dice.hexadecimal(8)}{number:06d}"
        vendor_status, status = dice.pick(STATUSES)
        name, created, data_center = dice.name(), dice.instant(), dice.choice(DATA_CENTERS)
        cost = 0 if vendor_status == "EXITED" else round(dice.uniform(0.1, 30), 4)
        volume = dice.choice(list(self.volumes.values())) if self.volumes and dice.random() < 0.4 else None
        persistent = None if volume else dice.maybe(dice.randint(10, 500))
        mounts: dict[str, Any] = {"network": [{"volumeId": volume.vendor_id, "path": "/data"}]} if volume else {}
        if persistent:
            mounts["persistent"] = {"size": persistent, "path": "/workspace"}
        item: dict[str, Any] = {
            "id": vendor_id, "name": name, "status": vendor_status, "actions": ["terminate"],
            "image": f"runpod/pytorch:{number}", "args": "--token S3cret", "disk": dice.randint(1, 999), "mounts": mounts,
            "ports": ["22/tcp"],
            "env": {"JUPYTER_PASSWORD": "S3cret"}, "registry": None, "cloud": dice.choice(("SECURE", "COMMUNITY")),
            "dataCenterId": data_center, "cudaVersion": dice.maybe("12.8"), "template": None, "cost": cost,
            "locked": False, "runtime": {"uptime": dice.randint(0, 9999), "ports": []} if vendor_status == "RUNNING" else None,
            "createdAt": iso(created), "startedAt": dice.maybe(iso(created)), "globalNetworking": {"enabled": False},
        }  # fmt: skip
        facts = {
            "cloud": item["cloud"], "locked": False, "cuda_version": item["cudaVersion"],
            "started_at": graph_time(created) if item["startedAt"] else None,
            "persistent_disk_gb": float(persistent) if persistent else None,
        }  # fmt: skip
        facts = {name: value for name, value in facts.items() if value is not None}
        internal_ip = self._networks(item, facts)
        spec = {**NO_SPEC, "diskGb": float(item["disk"]), "image": item["image"], "vendor": facts}
        spec |= self._hardware(item)
        node = {
            "resourceType": "CONTAINER", "vendorRegion": data_center, "name": name, "status": status,
            "vendorStatus": vendor_status, "statusMessage": None, "access": self._ssh(item, internal_ip), "spec": spec,
            **(PRICELESS if persistent and not cost else price(cost)),
        }  # fmt: skip
        machine = FakeResource(vendor_id, item, node, created)
        link(machine, [volume] if volume else [])
        return machine

    def _networks(self, item: dict[str, Any], facts: dict[str, Any]) -> str | None:
        """Return the private address, if any."""
        dice = self.dice
        overlay, private = dice.private_ip(), dice.private_ip()
        if dice.random() < 0.3:
            item["cluster"] = {"id": f"cluster_{dice.hexadecimal(6)}", "rank": dice.randint(0, 7), "ip": overlay}
            facts |= {"cluster_id": item["cluster"]["id"], "cluster_rank": item["cluster"]["rank"]}
        if dice.random() < 0.3:
            item["globalNetworking"] = {"enabled": True, "ip": private, "internalDns": f"{item['id']}.runpod.internal"}
            return private
        return overlay if "cluster" in item else None

    def _ssh(self, item: dict[str, Any], internal_ip: str | None) -> dict[str, Any] | None:
        dice = self.dice
        ip, port, proxy_user = dice.public_ip(), dice.randint(1024, 65535), f"{item['id']}-{dice.hexadecimal(8)}"
        proxy_command, direct_command = f"ssh {proxy_user}@ssh.runpod.io", f"ssh root@{ip} -p {port}"
        proxy = dice.maybe({"host": "ssh.runpod.io", "port": 22, "username": proxy_user, "command": proxy_command}, 0.8)
        direct_route = {"host": ip, "port": port, "username": "root", "command": direct_command}
        direct = direct_route if item["status"] == "RUNNING" and dice.random() < 0.7 else None
        item["ssh"] = {"proxy": proxy, "direct": direct}
        if direct:
            return access(ip, internal_ip, direct_command, port)
        return access(None, internal_ip, proxy_command if proxy else None, 22 if proxy else None)

    def _hardware(self, item: dict[str, Any]) -> dict[str, Any]:
        dice = self.dice
        if dice.random() < 0.2:
            item["cpu"] = {"id": "cpu5c", "vcpuCount": 4, "memory": 16}
            return {"gpuCount": 0, "vcpuCount": 4.0, "memoryGb": 16.0, "vendorSku": "cpu5c"}
        model, (gpu_type, family) = dice.pick(GPUS)
        item["gpu"] = {"id": model, "count": dice.choice((1, 2, 8))}
        return {"gpuType": gpu_type, "gpuFamily": family, "gpuCount": item["gpu"]["count"], "vendorSku": model}

    def volume(self, number: int) -> FakeResource:
        """Return a network volume."""
        dice = self.dice
        vendor_id, name, size = f"v{dice.hexadecimal(9)}", dice.name(), dice.randint(10, 4096)
        tier, data_center = dice.choice(("STANDARD", "HIGH_PERFORMANCE")), dice.choice(DATA_CENTERS)
        item = {"id": vendor_id, "name": name, "size": size, "dataCenter": data_center, "type": tier}
        node = {
            "resourceType": "FILESYSTEM", "vendorRegion": data_center, "name": name, "status": "RUNNING",
            "vendorStatus": None, "statusMessage": None, "access": None,
            "spec": {**NO_SPEC, "diskGb": float(size), "vendorSku": tier}, **PRICELESS,
        }  # fmt: skip
        return FakeResource(vendor_id, item, node)

    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Return a list, or one resource."""
        *_, plural, last = request.path.split("/")
        if last == "pods":
            without_clusters = request.query.get("includeClusterPods") != "true"
            items, _ = self.page(self.machines, 0, None)
            return 200, {"pods": [item for item in items if not (without_clusters and "cluster" in item)]}
        if last == "network-volumes":
            return 200, {"networkVolumes": self.page(self.volumes, 0, None)[0]}
        resource = (self.machines if plural == "pods" else self.volumes).get(last)
        if resource is not None:
            return 200, resource.item
        return 404, {"title": "Not Found", "status": 404, "detail": "resource not found"}

    def headers(self, request: ReceivedRequest) -> dict[str, str]:
        """Return what is left of the three windows; problem documents have a media type of their own."""
        remaining = '"minute";r=50;t=12, "hour";r=2800;t=1812, "day";r=49500;t=45012'
        is_known = request.path.rpartition("/")[2] in {"pods", "network-volumes", *self.machines, *self.volumes}
        return {"ratelimit": remaining} | ({} if is_known else {"content-type": "application/problem+json"})
