"""Vast.ai, in the shapes of its OpenAPI document. Its 404 of one instance is told as other calls document it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
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
    linked,
    price,
)
from tests.matrix.player import ReceivedRequest

STATES = {
    "made": (None, "running", "running", "PROVISIONING"),
    "loading": ("loading", "running", "running", "PROVISIONING"),
    "rebooting": ("rebooting", "running", "running", "PROVISIONING"),
    "up": ("running", "running", "running", "RUNNING"),
    "frozen": ("frozen", "frozen", "running", "RUNNING"),
    "going down": ("running", "stopped", "running", "STOPPING"),
    "down": ("stopped", "stopped", "stopped", "STOPPED"),
    "exited as meant": ("exited", "stopped", "stopped", "STOPPED"),
    "exited": ("exited", "running", "running", "ERROR"),
    "offline": ("offline", "running", "running", "UNKNOWN"),
    "new word": ("dreaming", "running", "running", "UNKNOWN"),
    "destroyed": ("running", "running", "unloaded", "DELETING"),
}
"""`actual_status`, `intended_status`, `cur_state`, ours."""
GPUS = {
    "RTX 4090": (24564, "nvidia-rtx-4090-24gb", "RTX 4090"),
    "H100 SXM": (81559, "nvidia-h100-sxm5-80gb", "H100"),
    "A100 PCIE": (40960, "nvidia-a100-pcie-40gb", "A100"),
    "Mystery 1": (1024, "Mystery 1", None),
}


class VastFake(Fake):
    """Pages of 25 behind the last id; volumes own the links."""

    vendor = "vast"
    specification = "vast.yaml"
    page_size = 25
    calls = {MACHINES: 1, VOLUMES: 1}  # noqa: RUF012 - declared in the base class

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """One key."""
        return {"credentials": {"api_key": secret}}

    def machine(self, number: int) -> Thing:
        """An instance, with up to two volumes."""
        dice = self.dice
        _, (word, meant, state, status) = dice.pick(STATES)
        name, (memory, gpu_type, family) = dice.pick(GPUS)
        told_gpus, bid, host = dice.choice((1, 4, 8)), dice.random() < 0.3, dice.randint(1, 10**6)
        storage, base = round(dice.uniform(0.001, 0.1), 6), round(dice.uniform(0.1, 30), 6)
        outer, inner = dice.public_ip(), dice.private_ip()
        start, end, label = dice.instant(), dice.instant(), dice.maybe(dice.name(), 0.8)
        direct, place = dice.maybe(dice.randint(1024, 65535)), dice.choice(("California, US", "Québec, CA", ""))
        told = {
            "id": 20_000_000 + number,
            "actual_status": word,
            "intended_status": meant,
            "cur_state": state,
            "next_state": state,
            "label": label,
            "status_msg": dice.maybe("success, running image"),
            "start_date": start.timestamp(),
            "end_date": end.timestamp(),
            "public_ipaddr": f"{outer} \n",
            "local_ipaddrs": f"{inner} 172.17.0.1 \n",
            "ssh_host": "ssh7.vast.ai",
            "ssh_port": 10600,
            "ports": {"22/tcp": [{"HostIp": outer, "HostPort": str(direct)}]} if direct else None,
            "gpu_name": name,
            "gpu_ram": memory,
            "num_gpus": told_gpus,
            "cpu_cores_effective": 7.5,
            "cpu_ram": 128_576,
            "disk_space": 10.25,
            "image_uuid": "pytorch/pytorch:latest",
            "geolocation": place,
            "machine_id": host,
            "is_bid": bid,
            "dph_base": base,
            "dph_total": base + storage,
            "storage_total_cost": storage,
            "jupyter_token": "S3cret",
            "extra_env": [["TOKEN", "S3cret"]],
            "onstart": "export TOKEN=S3cret",
            "volume_info": [],
        }
        facts = {
            "intended_status": meant,
            "cur_state": state,
            "machine_id": str(host),
            "gpu_memory_mb": float(memory),
            "host_memory_mb": 128_576.0,
        }
        spec = {
            **NO_SPEC, "gpuType": gpu_type, "gpuFamily": family, "gpuCount": told_gpus, "vcpuCount": 7.5, "diskGb": 10.25,
            "image": "pytorch/pytorch:latest", "vendor": facts,
        }  # fmt: skip
        host_name, port = (outer, direct) if direct else ("ssh7.vast.ai", 10600)
        costs = {"RUNNING": price(base + storage), "STOPPED": price(storage)}.get(status, PRICELESS)
        node = {
            "resourceType": "CONTAINER", "vendorRegion": place or "unknown", "name": label, "status": status,
            "vendorStatus": word, "statusMessage": told["status_msg"], "spec": spec,
            "access": access(outer, inner, f"ssh root@{host_name} -p {port}", port), **costs,
            "validFrom": graph_time(start), "validTo": graph_time(end),
            "offerHistory": [{"role": "OBSERVED", "offer": {"contractType": "SPOT" if bid else "ONDEMAND"}}],
        }  # fmt: skip
        machine = Thing(str(told["id"]), told, node, start)
        volumes = dice.sample(list(self.volumes.values()), dice.choice((0, 0, 1, 2))) if self.volumes else []
        for volume in volumes:
            volume.told["instances"].append({"id": told["id"]})
        linked(machine, volumes)
        return machine

    def volume(self, number: int) -> Thing:
        """A volume."""
        dice = self.dice
        start, size = dice.instant().replace(tzinfo=UTC), dice.randint(10, 4000)
        told = {
            "id": 30_000_000 + number,
            "label": f"data-{number}",
            "start_date": datetime.timestamp(start),
            "disk_space": size,
            "machine_id": 12,
            "storage_total_cost": 0.02,
            "instances": [],
        }
        node = {
            "resourceType": "FILESYSTEM", "vendorRegion": "unknown", "name": f"data-{number}", "status": "RUNNING",
            "vendorStatus": None, "statusMessage": None, "access": None, **PRICELESS,
            "spec": {**NO_SPEC, "diskGb": float(size), "vendor": {"machine_id": "12"}},
        }  # fmt: skip
        return Thing(str(told["id"]), told, node, start)

    def reply(self, asked: ReceivedRequest) -> tuple[int, Any]:
        """A page behind an id, all volumes, or one instance."""
        *_, last = asked.path.split("/")
        if last == "volumes":
            return 200, {"volumes": self.page(self.volumes, 0, None)[0]}
        if last == "instances":
            return 200, self._instances(asked)
        if last in self.machines:
            # Of one instance the specification has another shape than of many.
            shape = {"ports": [22], "extra_env": ["TOKEN"]}
            return 200, {"instances": self.machines[last].told | shape}
        return 404, {"success": False, "error": "no_such_instance", "msg": "No such instance."}

    def _instances(self, asked: ReceivedRequest) -> dict[str, Any]:
        token = asked.query.get("after_token")
        behind = json.loads(base64.b64decode(token))["values"]["id"] if token else 0
        start = sum(int(one) <= behind for one in self.machines)
        items, more = self.page(self.machines, start, self.page_size)
        following = (
            base64.b64encode(json.dumps({"values": {"id": items[-1]["id"]}}).encode()).decode() if more else None
        )
        about = {"success": True, "instances_found": len(items), "total_instances": len(self.machines)}
        return about | {"instances": items, "next_token": following}
