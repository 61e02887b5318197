"""Scaleway, in the shapes of its Python SDK and of the traffic recorded in it. All of it is held against the SDK's types."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from scaleway.block.v1 import types as block_types
from scaleway.instance.v1 import types as instance_types

from tests.doubles.conformance import by_dataclass
from tests.doubles.fake import MACHINES, NO_SPEC, PRICELESS, VOLUMES, Fake, Thing, access, iso, price
from tests.matrix.player import Asked

STATES = {
    "starting": "PROVISIONING", "running": "RUNNING", "stopping": "STOPPING", "stopped": "STOPPED",
    "stopped_in_place": "STOPPED", "locked": "ERROR",
}  # fmt: skip
CHARGED = ("running", "stopped_in_place")
VOLUME_STATES = {"available": "RUNNING", "snapshotting": "RUNNING", "resizing": "RUNNING", "error": "ERROR"}
TYPES: dict[str, tuple[str | None, str | None, int | None, float | None, int, int]] = {
    "DEV1-S": (None, None, 0, 0.0088, 2, 2),
    "H100-1-80G": ("nvidia-h100-80gb", "H100", 1, 2.73, 24, 240),
    "H100-SXM-8-80G": ("nvidia-h100-sxm5-80gb", "H100", 8, 23.028, 128, 960),
    "L40S-4-48G": ("nvidia-l40s-48gb", "L40S", 4, 5.6, 32, 384),
    "L4-1-24G": ("nvidia-l4-24gb", "L4", 1, 0.75, 8, 48),
    "RENDER-S": ("nvidia-p100-16gb", "P100", 1, 1.221, 10, 42),
    "NEXT-B": ("nvidia-b200-sxm6-180gb", "B200", 8, 40, 128, 2048),
    "LATER-2-7G": (None, None, None, None, 0, 0),
}
"""GPUs, euros an hour, CPUs and memory; of the last the price list knows nothing, of `NEXT-B` it alone knows the GPUs."""
ZONE = "fr-par-2"
PAGE = 100
NANOS_A_GIGABYTE = 118_000
GET_SERVER = instance_types.GetServerResponse
LISTS = {
    ("instance", "servers"): instance_types.ListServersResponse,
    ("instance", "volumes"): instance_types.ListVolumesResponse,
    ("instance", "products"): instance_types.ListServersTypesResponse,
    ("block", "volumes"): block_types.ListVolumesResponse,
    ("block", "volume-types"): block_types.ListVolumeTypesResponse,
}
_LISTED = "/instance/v1/zones/ZONE/servers".count("/")


class ScalewayFake(Fake):
    """One zone; volumes, local and of Block Storage in turn, own the links."""

    vendor = "scaleway"
    specification = None
    page_size = PAGE
    catalogue_calls = 2
    _total = 0
    calls = {MACHINES: 1, VOLUMES: 2}  # noqa: RUF012 - declared in the base class

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """One key, one zone."""
        return {"credentials": {"api_key": secret}, "zones": [ZONE]}

    def machine(self, number: int) -> Thing:
        """A server, with up to two volumes that nobody has."""
        dice = self.dice
        word, status = dice.pick(STATES)
        sku, (gpu_type, family, count, hourly, cpus, memory) = dice.pick(TYPES)
        vendor_id, name, created, detail = dice.uuid(), dice.name(), dice.instant(), dice.choice(("", "booted"))
        outer, inner = dice.maybe(dice.public_ip(), 0.8), dice.maybe(dice.private_ip(), 0.3)
        image, project = dice.maybe("Ubuntu 24.04"), dice.uuid()
        address = {"id": dice.uuid(), "address": outer, "family": "inet", "state": "attached", "tags": ["S3cret"]}
        six = {"id": dice.uuid(), "address": "2001:db8::1", "family": "inet6", "state": "attached", "tags": []}
        free = [one for one in self.volumes.values() if not one.attached]
        volumes = dice.sample(free, min(len(free), dice.choice((0, 0, 1, 2))))
        told = {
            "id": vendor_id, "name": name, "state": word, "state_detail": detail, "commercial_type": sku, "arch": "x86_64",
            "hostname": "host", "project": project, "organization": project, "creation_date": iso(created),
            "modification_date": iso(created), "tags": ["S3cret"], "admin_password_encrypted_value": "S3cret",
            "image": image and {"id": dice.uuid(), "name": image}, "public_ip": address if outer else None,
            "public_ips": [six, address] if outer else [], "private_ip": inner, "zone": ZONE,
            "volumes": {str(place): {"id": one.vendor_id} for place, one in enumerate(volumes)},
        }  # fmt: skip
        since = dice.instant()
        for one in volumes:
            one.attached.append(vendor_id)
            if "references" in one.told:
                one.told["references"] = [_reference("attached", vendor_id, iso(since))]
            else:
                one.told["server"] = {"id": vendor_id, "name": name}
        spec = {
            **NO_SPEC, "gpuType": gpu_type, "gpuFamily": family, "gpuCount": count, "vendorSku": sku, "image": image,
            "vcpuCount": float(cpus) if hourly else None, "memoryGb": float(memory) if hourly else None,
            "vendor": {"arch": "x86_64", "hostname": "host", "project": project},
        }  # fmt: skip
        priced = hourly is not None and word in CHARGED
        node = {
            "resourceType": "VM", "vendorRegion": ZONE, "name": name, "status": status, "vendorStatus": word,
            "statusMessage": detail or None, "spec": spec,
            "access": access(outer, inner, f"ssh root@{outer}" if outer else None, 22 if outer else None),
            **(price(hourly or 0, "EUR", "CATALOGUE") if priced else PRICELESS),
        }  # fmt: skip
        return Thing(vendor_id, told, node, created, [one.vendor_id for one in volumes])

    def volume(self, number: int) -> Thing:
        """A volume, attached to nothing: a local one, or one of Block Storage that was once detached."""
        dice = self.dice
        word, status = dice.pick(VOLUME_STATES)
        vendor_id, created, size = dice.uuid(), dice.instant(), dice.randint(1, 10_000)
        common = {"id": vendor_id, "name": f"data-{number}", "size": size * 10**9, "zone": ZONE, "tags": ["S3cret"]}
        block = number % 2 == 0
        sku = "sbs_5k" if block else "l_ssd"
        if block:
            told = common | {
                "type": sku, "status": word, "created_at": iso(created), "specs": {"perf_iops": 5000, "class": "sbs"},
                "references": [_reference("detached", dice.uuid(), iso(created))],
            }  # fmt: skip
        else:
            told = common | {"volume_type": sku, "state": word, "creation_date": iso(created), "server": None}
        rate = round(NANOS_A_GIGABYTE / 10**9 * size, 9)
        node = {
            "resourceType": "BLOCK_DISK", "vendorRegion": ZONE, "name": f"data-{number}", "status": status,
            "vendorStatus": word, "statusMessage": None, "access": None,
            "spec": {
                **NO_SPEC, "diskGb": float(size), "vendorSku": sku, "vendor": {"iops": 5000} if block else {},
            },
            **(price(rate, "EUR", "CATALOGUE") if block and status == "RUNNING" else PRICELESS),
        }  # fmt: skip
        return Thing(vendor_id, told, node, created)

    def reply(self, asked: Asked) -> tuple[int, Any]:
        """Lists by page, one server, and two price lists."""
        status, told = self._told(asked)
        if status == HTTPStatus.OK:
            interface, plural = asked.path.split("/")[1], asked.path.split("/")[5]
            one = asked.path.count("/") > _LISTED
            self.violations += by_dataclass(
                told, GET_SERVER if one and plural == "servers" else LISTS[interface, plural]
            )
        return status, told

    def _told(self, asked: Asked) -> tuple[int, Any]:
        _, interface, _, _, zone, plural, *rest = asked.path.split("/")
        if zone != ZONE:
            return 403, {"type": "denied_authentication", "message": "Not yours."}
        if plural == "products":
            return 200, {"servers": {sku: _type(sku) for sku, (_, _, _, rate, *_) in TYPES.items() if rate}}
        if plural == "volume-types":
            pricing = {"currency_code": "EUR", "units": 0, "nanos": NANOS_A_GIGABYTE}
            return 200, {"volume_types": [{"type": "sbs_5k", "pricing": pricing}], "total_count": 1}
        if rest:
            one = self.machines.get(rest[0])
            if one is None:
                words = {"resource": "instance_server", "resource_id": rest[0], "type": "not_found"}
                return 404, words | {"message": "resource is not found"}
            return 200, {"server": one.told}
        things = self._listed(interface, plural)
        size = int(asked.query["page_size" if interface == "block" else "per_page"])
        self._total = len(things)
        items, _ = self.page(things, (int(asked.query["page"]) - 1) * size, size)
        return 200, {plural: items} | ({"total_count": self._total} if interface == "block" else {})

    def _listed(self, interface: str, plural: str) -> dict[str, Thing]:
        if plural == "servers":
            return self.machines
        return {key: one for key, one in self.volumes.items() if ("references" in one.told) is (interface == "block")}

    def headers(self, asked: Asked) -> dict[str, str]:
        """How many there are, where the body does not tell."""
        if asked.path.startswith("/block/") or asked.path.rpartition("/")[2] in self.machines:
            return {}
        total = sum(1 for _, _, _, rate, *_ in TYPES.values() if rate) if "/products/" in asked.path else self._total
        return {"x-total-count": str(total)}


def _type(sku: str) -> dict[str, Any]:
    _, _, count, rate, cpus, memory = TYPES[sku]
    told: dict[str, Any] = {"hourly_price": rate, "ncpus": cpus, "ram": memory << 30, "gpu": count, "arch": "x86_64"}
    if sku == "NEXT-B":
        told["gpu_info"] = {"gpu_manufacturer": "NVIDIA", "gpu_name": "B200-SXM", "gpu_memory": 180 << 30}
    return told


def _reference(status: str, holder: str, since: str) -> dict[str, Any]:
    return {
        "id": holder, "product_resource_type": "instance_server", "product_resource_id": holder, "created_at": since,
        "type": "exclusive", "status": status,
    }  # fmt: skip
