"""Hyperstack, in the shapes of its OpenAPI document.

That document's own examples break it (objects told as the text `{}`), so they are not followed. It wants a zone in every time and
knows no null: its real answers have times without a zone, and nulls, which the tests of the reader have; here a zone is told, and
what is null is left out.
"""

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
    iso,
    linked,
    price,
)
from tests.matrix.player import ReceivedRequest

STATUSES = {
    "CREATING": "PENDING",
    "BUILD": "PROVISIONING",
    "STARTING": "PROVISIONING",
    "ACTIVE": "RUNNING",
    "STOPPING": "STOPPING",
    "SHUTOFF": "STOPPED",
    "HIBERNATED": "STOPPED",
    "ERROR": "ERROR",
    "DREAMING": "UNKNOWN",
}
GPUS = {
    "H100-80GB-PCIe": ("nvidia-h100-pcie-80gb", "H100", 1.9),
    "A100-80GB-PCIe": ("nvidia-a100-pcie-80gb", "A100", 1.35),
    "L40": ("nvidia-l40-48gb", "L40", 1.0),
    "X9000": ("X9000", None, None),
}
"""What the graph calls them, and what one costs an hour."""


class HyperstackFake(Fake):
    """Pages of at most 100 by their number, oldest first; machines own the links; nothing but three lists is known."""

    vendor = "hyperstack"
    specification = "hyperstack.yaml"
    base_path = "/v1"
    page_size = 100
    catalogue_calls = 1
    calls = {MACHINES: 1, VOLUMES: 1}  # noqa: RUF012 - declared in the base class

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """One key."""
        return {"credentials": {"api_key": secret}}

    def machine(self, number: int) -> Thing:
        """A machine, with up to two volumes."""
        dice = self.dice
        word, status = dice.pick(STATUSES)
        gpu, (gpu_type, family, each) = dice.pick(GPUS)
        count, contract = dice.choice((1, 8)), dice.maybe(dice.randint(1, 99), 0.2)
        outer, inner = dice.maybe(dice.public_ip()), dice.maybe(dice.private_ip(), 0.9)
        created, name, region = dice.instant(), dice.name(), dice.choice(("CANADA-1", "NORWAY-1", "US-1"))
        volumes = dice.sample(list(self.volumes.values()), dice.choice((0, 0, 1, 2))) if self.volumes else []
        told = {
            "id": 500_000 + number,
            "name": name,
            "status": word,
            "vm_state": "active",
            "power_state": "RUNNING",
            "floating_ip": outer,
            "fixed_ip": inner,
            "contract_id": contract,
            "created_at": iso(created),
            "environment": {"name": f"default-{region}", "region": region, "id": 1},
            "image": {"name": "Ubuntu Server 22.04"},
            "keypair": {"name": "key"},
            "callback_url": "https://user:S3cret@callback.test/",
            "flavor": {
                "name": f"n3-{gpu}x{count}", "gpu": gpu, "gpu_count": count, "cpu": 28, "ram": 58.5, "disk": 100,
                "features": {},
            },
            "volume_attachments": [
                {"id": place, "status": "ATTACHED", "created_at": iso(created), "volume": {"id": int(one.vendor_id)}}
                for place, one in enumerate(volumes)
            ],
        }  # fmt: skip
        facts: dict[str, Any] = {
            "gpu": gpu, "environment": f"default-{region}", "vm_state": "active", "power_state": "RUNNING",
        }  # fmt: skip
        if contract is not None:
            facts["contract_id"] = str(contract)
        spec = {
            **NO_SPEC, "gpuType": gpu_type, "gpuFamily": family, "gpuCount": count, "vcpuCount": 28.0, "memoryGb": 58.5,
            "diskGb": 100.0, "vendorSku": f"n3-{gpu}x{count}", "image": "Ubuntu Server 22.04", "vendor": facts,
        }  # fmt: skip
        billed = word in ("ACTIVE", "SHUTOFF") and each is not None and contract is None
        node = {
            "resourceType": "VM", "vendorRegion": region, "name": name, "status": status, "vendorStatus": word,
            "statusMessage": None, "spec": spec, "access": access(outer, inner, None, None),
            **(price((each or 0) * count, source="CATALOGUE") if billed else PRICELESS),
        }  # fmt: skip
        kept = {key: value for key, value in told.items() if value is not None}
        machine = Thing(str(told["id"]), kept, node, created)
        linked(machine, volumes)
        return machine

    def volume(self, number: int) -> Thing:
        """A volume."""
        dice = self.dice
        created, size, region = dice.instant(), dice.randint(1, 4000), dice.choice(("CANADA-1", "NORWAY-1"))
        told = {
            "id": 700_000 + number,
            "name": f"data-{number}",
            "status": "in-use",
            "size": size,
            "volume_type": "Cloud-SSD",
            "bootable": False,
            "created_at": iso(created),
            "environment": {"name": "default", "region": region},
            "attachments": [],
        }
        node = {
            "resourceType": "BLOCK_DISK", "vendorRegion": region, "name": f"data-{number}", "status": "UNKNOWN",
            "vendorStatus": "in-use", "statusMessage": None, "access": None, **PRICELESS,
            "spec": {
                **NO_SPEC, "diskGb": float(size), "vendorSku": "Cloud-SSD",
                "vendor": {"environment": "default", "bootable": False},
            },
        }  # fmt: skip
        return Thing(str(told["id"]), told, node, created)

    def reply(self, asked: ReceivedRequest) -> tuple[int, Any]:
        """Two lists and the pricebook; whatever else is asked, and be it a GET, is told as an error that the tests see."""
        path = asked.path.removeprefix(self.base_path)
        if path == "/pricebook":
            priced = {name: each for name, (_, _, each) in GPUS.items() if each is not None} | {"vCPU": 0.01}
            return 200, [
                {"id": number, "name": name, "value": each, "original_value": each, "discount_applied": False}
                for number, (name, each) in enumerate(priced.items())
            ]
        lists = {"/core/virtual-machines": ("instances", self.machines), "/core/volumes": ("volumes", self.volumes)}
        name, things = lists[path]
        number, size = int(asked.query["page"]), min(int(asked.query["pageSize"]), self.page_size)
        count = len(things)
        items, _ = self.page(things, (number - 1) * size, size)
        about = {"status": True, "message": "OK", "page": number, "page_size": size, "count": count}
        return 200, about | {name: items}
