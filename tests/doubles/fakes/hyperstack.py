"""Hyperstack, in the shapes of its OpenAPI document.

The examples in that document violate it (objects given as the text `{}`), so the fake does not follow them. The
document requires a zone in every time and has no null; the real responses have times without a zone, and nulls, which
the tests of the parser cover. Here times have a zone, and null fields are left out.
"""

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
    iso,
    link,
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
"""The type and family in the graph, and the price of one GPU per hour."""
FLAVOR = {"cpu": 28, "ram": 58.5, "disk": 100, "features": {}}


class HyperstackFake(Fake):
    """Numbered pages of at most 100, oldest first. Machines own the links. Only three lists exist."""

    vendor = "hyperstack"
    specification = "hyperstack.yaml"
    base_path = "/v1"
    page_size = 100
    price_list_calls = 1
    calls = {MACHINES: 1, VOLUMES: 1}  # noqa: RUF012 - declared in the base class

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """Return one key."""
        return {"credentials": {"api_key": secret}}

    def machine(self, number: int) -> FakeResource:
        """Return a machine, with up to two volumes."""
        dice = self.dice
        vendor_status, status = dice.pick(STATUSES)
        gpu, (gpu_type, family, gpu_price) = dice.pick(GPUS)
        count, contract = dice.choice((1, 8)), dice.maybe(dice.randint(1, 99), 0.2)
        external_ip, internal_ip = dice.maybe(dice.public_ip()), dice.maybe(dice.private_ip(), 0.9)
        created, name, region = dice.instant(), dice.name(), dice.choice(("CANADA-1", "NORWAY-1", "US-1"))
        volumes = dice.sample(list(self.volumes.values()), dice.choice((0, 0, 1, 2))) if self.volumes else []
        item = {
            "id": 500_000 + number, "name": name, "status": vendor_status, "vm_state": "active", "power_state": "RUNNING",
            "floating_ip": external_ip, "fixed_ip": internal_ip, "contract_id": contract, "created_at": iso(created),
            "environment": {"name": f"default-{region}", "region": region, "id": 1},
            "image": {"name": "Ubuntu Server 22.04"}, "keypair": {"name": "key"},
            "callback_url": "https://user:S3cret@callback.test/",
            "flavor": {"name": f"n3-{gpu}x{count}", "gpu": gpu, "gpu_count": count, **FLAVOR},
            "volume_attachments": [
                {"id": index, "status": "ATTACHED", "created_at": iso(created), "volume": {"id": int(volume.vendor_id)}}
                for index, volume in enumerate(volumes)
            ],
        }  # fmt: skip
        facts = {"gpu": gpu, "environment": f"default-{region}", "vm_state": "active", "power_state": "RUNNING"}
        if contract is not None:
            facts["contract_id"] = str(contract)
        spec = {
            **NO_SPEC, "gpuType": gpu_type, "gpuFamily": family, "gpuCount": count, "vcpuCount": 28.0, "memoryGb": 58.5,
            "diskGb": 100.0, "vendorSku": f"n3-{gpu}x{count}", "image": "Ubuntu Server 22.04", "vendor": facts,
        }  # fmt: skip
        has_price = vendor_status in ("ACTIVE", "SHUTOFF") and gpu_price is not None and contract is None
        node = {
            "resourceType": "VM", "vendorRegion": region, "name": name, "status": status, "vendorStatus": vendor_status,
            "statusMessage": None, "spec": spec, "access": access(external_ip, internal_ip, None, None),
            **(price((gpu_price or 0) * count, source="CATALOGUE") if has_price else PRICELESS),
        }  # fmt: skip
        reported = {key: value for key, value in item.items() if value is not None}
        machine = FakeResource(str(item["id"]), reported, node, created)
        link(machine, volumes)
        return machine

    def volume(self, number: int) -> FakeResource:
        """Return a volume."""
        dice = self.dice
        created, size, region = dice.instant(), dice.randint(1, 4000), dice.choice(("CANADA-1", "NORWAY-1"))
        item = {
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
        return FakeResource(str(item["id"]), item, node, created)

    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Return a page of a list, or the pricebook. Any other request raises an error that fails the test."""
        path = request.path.removeprefix(self.base_path)
        if path == "/pricebook":
            prices = {name: gpu_price for name, (_, _, gpu_price) in GPUS.items() if gpu_price is not None}
            return 200, [
                {"id": number, "name": name, "value": value, "original_value": value, "discount_applied": False}
                for number, (name, value) in enumerate((prices | {"vCPU": 0.01}).items())
            ]
        lists = {"/core/virtual-machines": ("instances", self.machines), "/core/volumes": ("volumes", self.volumes)}
        name, resources = lists[path]
        number, size = int(request.query["page"]), min(int(request.query["pageSize"]), self.page_size)
        count = len(resources)
        items, _ = self.page(resources, (number - 1) * size, size)
        metadata = {"status": True, "message": "OK", "page": number, "page_size": size, "count": count}
        return 200, metadata | {name: items}
