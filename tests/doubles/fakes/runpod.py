"""RunPod, in the shapes of its REST version 2."""

from __future__ import annotations

from typing import Any

from tests.doubles.fake import (
    MACHINES,
    NO_SPEC,
    PRICELESS,
    VOLUMES,
    Fake,
    Thing,
    access,
    graph_time,
    iso,
    linked,
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
CENTRES = ("US-KS-2", "EU-RO-1", "US-TX-3")


class RunPodFake(Fake):
    """Pods own the links, of which each has one at most; nothing is paged."""

    vendor = "runpod"
    specification = "runpod-rest-v2.json"
    calls = {MACHINES: 1, VOLUMES: 1}  # noqa: RUF012 - declared in the base class

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """One key."""
        return {"credentials": {"api_key": secret}}

    def machine(self, number: int) -> Thing:
        """A Pod with GPUs or without, alone or in a cluster."""
        dice = self.dice
        vendor_id = f"{dice.hexadecimal(8)}{number:06d}"
        word, status = dice.pick(STATUSES)
        name, created, centre = dice.name(), dice.instant(), dice.choice(CENTRES)
        cost = 0 if word == "EXITED" else round(dice.uniform(0.1, 30), 4)
        volume = dice.choice(list(self.volumes.values())) if self.volumes and dice.random() < 0.4 else None
        persistent = None if volume else dice.maybe(dice.randint(10, 500))
        mounts: dict[str, Any] = {"network": [{"volumeId": volume.vendor_id, "path": "/data"}]} if volume else {}
        if persistent:
            mounts["persistent"] = {"size": persistent, "path": "/workspace"}
        told: dict[str, Any] = {
            "id": vendor_id, "name": name, "status": word, "actions": ["terminate"], "image": f"runpod/pytorch:{number}",
            "args": "--token S3cret", "disk": dice.randint(1, 999), "mounts": mounts, "ports": ["22/tcp"],
            "env": {"JUPYTER_PASSWORD": "S3cret"}, "registry": None, "cloud": dice.choice(("SECURE", "COMMUNITY")),
            "dataCenterId": centre, "cudaVersion": dice.maybe("12.8"), "template": None, "cost": cost, "locked": False,
            "runtime": {"uptime": dice.randint(0, 9999), "ports": []} if word == "RUNNING" else None,
            "createdAt": iso(created), "startedAt": dice.maybe(iso(created)), "globalNetworking": {"enabled": False},
        }  # fmt: skip
        facts: dict[str, Any] = {"cloud": told["cloud"], "locked": False}
        if told["cudaVersion"]:
            facts["cuda_version"] = told["cudaVersion"]
        if told["startedAt"]:
            facts["started_at"] = graph_time(created)
        if persistent:
            facts["persistent_disk_gb"] = float(persistent)
        inner = self._networks(told, facts)
        spec = {
            **NO_SPEC,
            "diskGb": float(told["disk"]),
            "image": told["image"],
            "vendor": facts,
            **self._hardware(told),
        }
        node = {
            "resourceType": "CONTAINER", "vendorRegion": centre, "name": name, "status": status, "vendorStatus": word,
            "statusMessage": None, "access": self._ssh(told, inner), "spec": spec, **price(cost),
        }  # fmt: skip
        machine = Thing(vendor_id, told, node, created)
        linked(machine, [volume] if volume else [])
        return machine

    def _networks(self, told: dict[str, Any], facts: dict[str, Any]) -> str | None:
        """The private address, if any."""
        dice = self.dice
        overlay, private = dice.private_ip(), dice.private_ip()
        if dice.random() < 0.3:
            told["cluster"] = {"id": f"cluster_{dice.hexadecimal(6)}", "rank": dice.randint(0, 7), "ip": overlay}
            facts |= {"cluster_id": told["cluster"]["id"], "cluster_rank": told["cluster"]["rank"]}
        if dice.random() < 0.3:
            told["globalNetworking"] = {"enabled": True, "ip": private, "internalDns": f"{told['id']}.runpod.internal"}
            return private
        return overlay if "cluster" in told else None

    def _ssh(self, told: dict[str, Any], inner: str | None) -> dict[str, Any] | None:
        dice = self.dice
        ip, port, routed = dice.public_ip(), dice.randint(1024, 65535), f"{told['id']}-{dice.hexadecimal(8)}"
        relayed, straight = f"ssh {routed}@ssh.runpod.io", f"ssh root@{ip} -p {port}"
        proxy = dice.maybe({"host": "ssh.runpod.io", "port": 22, "username": routed, "command": relayed}, 0.8)
        way = {"host": ip, "port": port, "username": "root", "command": straight}
        direct = way if told["status"] == "RUNNING" and dice.random() < 0.7 else None
        told["ssh"] = {"proxy": proxy, "direct": direct}
        if direct:
            return access(ip, inner, straight, port)
        return access(None, inner, relayed if proxy else None, 22 if proxy else None)

    def _hardware(self, told: dict[str, Any]) -> dict[str, Any]:
        dice = self.dice
        if dice.random() < 0.2:
            told["cpu"] = {"id": "cpu5c", "vcpuCount": 4, "memory": 16}
            return {"gpuCount": 0, "vcpuCount": 4.0, "memoryGb": 16.0, "vendorSku": "cpu5c"}
        model, (gpu_type, family) = dice.pick(GPUS)
        told["gpu"] = {"id": model, "count": dice.choice((1, 2, 8))}
        return {"gpuType": gpu_type, "gpuFamily": family, "gpuCount": told["gpu"]["count"], "vendorSku": model}

    def volume(self, number: int) -> Thing:
        """A network volume."""
        dice = self.dice
        vendor_id, name, size = f"v{dice.hexadecimal(9)}", dice.name(), dice.randint(10, 4096)
        tier, centre = dice.choice(("STANDARD", "HIGH_PERFORMANCE")), dice.choice(CENTRES)
        told = {"id": vendor_id, "name": name, "size": size, "dataCenter": centre, "type": tier}
        node = {
            "resourceType": "FILESYSTEM", "vendorRegion": centre, "name": name, "status": "RUNNING", "vendorStatus": None,
            "statusMessage": None, "access": None, "spec": {**NO_SPEC, "diskGb": float(size), "vendorSku": tier}, **PRICELESS,
        }  # fmt: skip
        return Thing(vendor_id, told, node)

    def reply(self, asked: ReceivedRequest) -> tuple[int, Any]:
        """Two lists, and one of each."""
        *_, plural, last = asked.path.split("/")
        if last == "pods":
            alone = asked.query.get("includeClusterPods") != "true"
            items, _ = self.page(self.machines, 0, None)
            return 200, {"pods": [item for item in items if not (alone and "cluster" in item)]}
        if last == "network-volumes":
            return 200, {"networkVolumes": self.page(self.volumes, 0, None)[0]}
        found = (self.machines if plural == "pods" else self.volumes).get(last)
        if found is not None:
            return 200, found.told
        return 404, {"title": "Not Found", "status": 404, "detail": "resource not found"}

    def headers(self, asked: ReceivedRequest) -> dict[str, str]:
        """What is left of the three windows; problems have a type of their own."""
        left = '"minute";r=50;t=12, "hour";r=2800;t=1812, "day";r=49500;t=45012'
        known = asked.path.rpartition("/")[2] in {"pods", "network-volumes", *self.machines, *self.volumes}
        return {"ratelimit": left} | ({} if known else {"content-type": "application/problem+json"})
