"""Vast.ai, in the shapes of its OpenAPI document. Its 404 of one instance is the one that other calls document."""

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
    FakeResource,
    access,
    graph_time,
    link,
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
"""`actual_status`, `intended_status`, `cur_state`, and the status in the graph."""
SECRETS = {"jupyter_token": "S3cret", "extra_env": [["TOKEN", "S3cret"]], "onstart": "export TOKEN=S3cret"}
GPUS = {
    "RTX 4090": (24564, "nvidia-rtx-4090-24gb", "RTX 4090"),
    "H100 SXM": (81559, "nvidia-h100-sxm5-80gb", "H100"),
    "A100 PCIE": (40960, "nvidia-a100-pcie-40gb", "A100"),
    "Mystery 1": (1024, "Mystery 1", None),
}


class VastFake(Fake):
    """Pages of 25 that continue after an id. Volumes own the links."""

    vendor = "vast"
    specification = "vast.yaml"
    page_size = 25
    calls = {MACHINES: 1, VOLUMES: 1}  # noqa: RUF012 - declared in the base class

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """Return one key."""
        return {"credentials": {"api_key": secret}}

    def machine(self, number: int) -> FakeResource:
        """Return an instance, with up to two volumes."""
        dice = self.dice
        _, (vendor_status, intended_status, state, status) = dice.pick(STATES)
        name, (memory, gpu_type, family) = dice.pick(GPUS)
        gpu_count, bid, host = dice.choice((1, 4, 8)), dice.random() < 0.3, dice.randint(1, 10**6)
        storage, base = round(dice.uniform(0.001, 0.1), 6), round(dice.uniform(0.1, 30), 6)
        external_ip, internal_ip = dice.public_ip(), dice.private_ip()
        start, end, label = dice.instant(), dice.instant(), dice.maybe(dice.name(), 0.8)
        direct, place = dice.maybe(dice.randint(1024, 65535)), dice.choice(("California, US", "Québec, CA", ""))
        item = {
            "id": 20_000_000 + number, "actual_status": vendor_status, "intended_status": intended_status,
            "cur_state": state, "next_state": state, "label": label, "status_msg": dice.maybe("success, running image"),
            "start_date": start.timestamp(), "end_date": end.timestamp(), "public_ipaddr": f"{external_ip} \n",
            "local_ipaddrs": f"{internal_ip} 172.17.0.1 \n", "ssh_host": "ssh7.vast.ai", "ssh_port": 10600,
            "ports": {"22/tcp": [{"HostIp": external_ip, "HostPort": str(direct)}]} if direct else None,
            "gpu_name": name, "gpu_ram": memory, "num_gpus": gpu_count, "cpu_cores_effective": 7.5, "cpu_ram": 128_576,
            "disk_space": 10.25, "image_uuid": "pytorch/pytorch:latest", "geolocation": place, "machine_id": host,
            "is_bid": bid, "dph_base": base, "dph_total": base + storage, "storage_total_cost": storage,
            "volume_info": [], **SECRETS,
        }  # fmt: skip
        spec = {
            **NO_SPEC, "gpuType": gpu_type, "gpuFamily": family, "gpuCount": gpu_count, "vcpuCount": 7.5, "diskGb": 10.25,
            "image": "pytorch/pytorch:latest", "vendor": {
                "intended_status": intended_status, "cur_state": state, "machine_id": str(host),
                "gpu_memory_mb": float(memory), "host_memory_mb": 128_576.0,
            },
        }  # fmt: skip
        ssh_host, port = (external_ip, direct) if direct else ("ssh7.vast.ai", 10600)
        node = {
            "resourceType": "CONTAINER", "vendorRegion": place or "unknown", "name": label, "status": status,
            "vendorStatus": vendor_status, "statusMessage": item["status_msg"], "spec": spec,
            "access": access(external_ip, internal_ip, f"ssh root@{ssh_host} -p {port}", port),
            **{"RUNNING": price(base + storage), "STOPPED": price(storage)}.get(status, PRICELESS),
            "validFrom": graph_time(start), "validTo": graph_time(end),
            "offerHistory": [{"role": "OBSERVED", "offer": {"contractType": "SPOT" if bid else "ONDEMAND"}}],
        }  # fmt: skip
        machine = FakeResource(str(item["id"]), item, node, start)
        self._attach_volumes(machine)
        return machine

    def _attach_volumes(self, machine: FakeResource) -> None:
        volumes = self.dice.sample(list(self.volumes.values()), self.dice.choice((0, 0, 1, 2))) if self.volumes else []
        for volume in volumes:
            volume.item["instances"].append({"id": machine.item["id"]})
        link(machine, volumes)

    def volume(self, number: int) -> FakeResource:
        """Return a volume."""
        dice = self.dice
        start, size = dice.instant().replace(tzinfo=UTC), dice.randint(10, 4000)
        item = {
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
        return FakeResource(str(item["id"]), item, node, start)

    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Return a page after an id, all volumes, or one instance."""
        *_, last = request.path.split("/")
        if last == "volumes":
            return 200, {"volumes": self.page(self.volumes, 0, None)[0]}
        if last == "instances":
            return 200, self._instances(request)
        if last in self.machines:
            # In the specification, some fields of one instance have another shape than those of a list.
            return 200, {"instances": self.machines[last].item | {"ports": [22], "extra_env": ["TOKEN"]}}
        return 404, {"success": False, "error": "no_such_instance", "msg": "No such instance."}

    def _instances(self, request: ReceivedRequest) -> dict[str, Any]:
        token = request.query.get("after_token")
        last_id = json.loads(base64.b64decode(token))["values"]["id"] if token else 0
        start = sum(int(vendor_id) <= last_id for vendor_id in self.machines)
        items, more = self.page(self.machines, start, self.page_size)
        next_token = (
            base64.b64encode(json.dumps({"values": {"id": items[-1]["id"]}}).encode()).decode() if more else None
        )
        metadata = {"success": True, "instances_found": len(items), "total_instances": len(self.machines)}
        return metadata | {"instances": items, "next_token": next_token}
