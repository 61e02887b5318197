"""Scaleway, in the shapes of its Python SDK, whose types every response is checked against, and of the traffic in it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from scaleway.block.v1 import types as block_types
from scaleway.instance.v1 import types as instance_types

from tests.doubles.conformance import dataclass_violations
from tests.doubles.fake import MACHINES, NO_SPEC, PRICELESS, VOLUMES, Fake, FakeResource, iso, price, ssh_access
from tests.matrix.player import ReceivedRequest

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
"""GPUs, euros per hour, CPUs and memory. The price list does not contain the last type; only it reports the GPUs of `NEXT-B`."""
ZONE = "fr-par-2"
PAGE = 100
NANOS_PER_GB = 118_000
GET_SERVER = instance_types.GetServerResponse
LISTS = {
    ("instance", "servers"): instance_types.ListServersResponse,
    ("instance", "volumes"): instance_types.ListVolumesResponse,
    ("instance", "products"): instance_types.ListServersTypesResponse,
    ("block", "volumes"): block_types.ListVolumesResponse,
    ("block", "volume-types"): block_types.ListVolumeTypesResponse,
}
_LIST_DEPTH = "/instance/v1/zones/ZONE/servers".count("/")


class ScalewayFake(Fake):
    """One zone. Volumes own the links; local ones and those of Block Storage alternate."""

    vendor = "scaleway"
    specification = None
    page_size = PAGE
    price_list_calls = 2
    _total = 0
    calls = {MACHINES: 1, VOLUMES: 2}  # noqa: RUF012 - declared in the base class

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """Return one key and one zone."""
        return {"credentials": {"api_key": secret}, "zones": [ZONE]}

    def machine(self, number: int) -> FakeResource:
        """Return a server, with up to two unattached volumes."""
        dice = self.dice
        vendor_status, status = dice.pick(STATES)
        sku, (gpu_type, family, count, hourly, cpus, memory) = dice.pick(TYPES)
        vendor_id, name, created, detail = dice.uuid(), dice.name(), dice.instant(), dice.choice(("", "booted"))
        external_ip, internal_ip = dice.maybe(dice.public_ip(), 0.8), dice.maybe(dice.private_ip(), 0.3)
        image, project = dice.maybe("Ubuntu 24.04"), dice.uuid()
        address = {"id": dice.uuid(), "address": external_ip, "family": "inet", "state": "attached", "tags": ["S3cret"]}
        address_v6 = {"id": dice.uuid(), "address": "2001:db8::1", "family": "inet6", "state": "attached", "tags": []}
        free = [volume for volume in self.volumes.values() if not volume.attached]
        volumes = dice.sample(free, min(len(free), dice.choice((0, 0, 1, 2))))
        item = {
            "id": vendor_id, "name": name, "state": vendor_status, "state_detail": detail, "commercial_type": sku,
            "arch": "x86_64", "hostname": "host", "project": project, "organization": project, "creation_date": iso(created),
            "modification_date": iso(created), "tags": ["S3cret"], "admin_password_encrypted_value": "S3cret",
            "image": image and {"id": dice.uuid(), "name": image}, "public_ip": address if external_ip else None,
            "public_ips": [address_v6, address] if external_ip else [], "private_ip": internal_ip, "zone": ZONE,
            "volumes": {str(index): {"id": volume.vendor_id} for index, volume in enumerate(volumes)},
        }  # fmt: skip
        attached_at = dice.instant()
        for volume in volumes:
            volume.attached.append(vendor_id)
            if "references" in volume.item:
                volume.item["references"] = [_reference("attached", vendor_id, iso(attached_at))]
            else:
                volume.item["server"] = {"id": vendor_id, "name": name}
        spec = {
            **NO_SPEC, "gpuType": gpu_type, "gpuFamily": family, "gpuCount": count, "vendorSku": sku, "image": image,
            "vcpuCount": float(cpus) if hourly else None, "memoryGb": float(memory) if hourly else None,
            "vendor": {"arch": "x86_64", "hostname": "host", "project": project},
        }  # fmt: skip
        has_price = hourly is not None and vendor_status in CHARGED
        node = {
            "resourceType": "VM", "vendorRegion": ZONE, "name": name, "status": status, "vendorStatus": vendor_status,
            "statusMessage": detail or None, "spec": spec,
            "access": ssh_access("root", external_ip, internal_ip),
            **(price(hourly or 0, "EUR", "CATALOGUE") if has_price else PRICELESS),
        }  # fmt: skip
        return FakeResource(vendor_id, item, node, created, [volume.vendor_id for volume in volumes])

    def volume(self, number: int) -> FakeResource:
        """Return an unattached volume: a local one, or one of Block Storage that was detached before."""
        dice = self.dice
        vendor_status, status = dice.pick(VOLUME_STATES)
        vendor_id, created, size = dice.uuid(), dice.instant(), dice.randint(1, 10_000)
        common = {"id": vendor_id, "name": f"data-{number}", "size": size * 10**9, "zone": ZONE, "tags": ["S3cret"]}
        block = number % 2 == 0
        sku = "sbs_5k" if block else "l_ssd"
        if block:
            item = common | {
                "type": sku, "status": vendor_status, "created_at": iso(created),
                "specs": {"perf_iops": 5000, "class": "sbs"}, "references": [_reference("detached", dice.uuid(), iso(created))],
            }  # fmt: skip
        else:
            item = common | {"volume_type": sku, "state": vendor_status, "creation_date": iso(created), "server": None}
        rate = round(NANOS_PER_GB / 10**9 * size, 9)
        node = {
            "resourceType": "BLOCK_DISK", "vendorRegion": ZONE, "name": f"data-{number}", "status": status,
            "vendorStatus": vendor_status, "statusMessage": None, "access": None,
            "spec": {
                **NO_SPEC, "diskGb": float(size), "vendorSku": sku, "vendor": {"iops": 5000} if block else {},
            },
            **(price(rate, "EUR", "CATALOGUE") if block and status == "RUNNING" else PRICELESS),
        }  # fmt: skip
        return FakeResource(vendor_id, item, node, created)

    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Return a page of a list, one server, or a page of a price list."""
        status, content = self._respond(request)
        if status == HTTPStatus.OK:
            interface, plural = request.path.split("/")[1], request.path.split("/")[5]
            is_single = request.path.count("/") > _LIST_DEPTH and plural == "servers"
            self.violations += dataclass_violations(content, GET_SERVER if is_single else LISTS[interface, plural])
        return status, content

    def _respond(self, request: ReceivedRequest) -> tuple[int, Any]:
        _, interface, _, _, zone, plural, *rest = request.path.split("/")
        if zone != ZONE:
            return 403, {"type": "denied_authentication", "message": "Not yours."}
        if plural == "products":
            return 200, {"servers": {sku: _type(sku) for sku, (_, _, _, rate, *_) in TYPES.items() if rate}}
        if plural == "volume-types":
            pricing = {"currency_code": "EUR", "units": 0, "nanos": NANOS_PER_GB}
            return 200, {"volume_types": [{"type": "sbs_5k", "pricing": pricing}], "total_count": 1}
        if rest:
            server = self.machines.get(rest[0])
            if server is None:
                error = {"resource": "instance_server", "resource_id": rest[0], "type": "not_found"}
                return 404, error | {"message": "resource is not found"}
            return 200, {"server": server.item}
        resources = self._select(interface, plural)
        size = int(request.query["page_size" if interface == "block" else "per_page"])
        self._total = len(resources)
        items, _ = self.page(resources, (int(request.query["page"]) - 1) * size, size)
        return 200, {plural: items} | ({"total_count": self._total} if interface == "block" else {})

    def _select(self, interface: str, plural: str) -> dict[str, FakeResource]:
        if plural == "servers":
            return self.machines
        return {key: one for key, one in self.volumes.items() if ("references" in one.item) is (interface == "block")}

    def headers(self, request: ReceivedRequest) -> dict[str, str]:
        """Return the total if the body does not contain it."""
        if request.path.startswith("/block/") or request.path.rpartition("/")[2] in self.machines:
            return {}
        total = sum(1 for _, _, _, rate, *_ in TYPES.values() if rate) if "/products/" in request.path else self._total
        return {"x-total-count": str(total)}


def _type(sku: str) -> dict[str, Any]:
    _, _, count, rate, cpus, memory = TYPES[sku]
    item: dict[str, Any] = {"hourly_price": rate, "ncpus": cpus, "ram": memory << 30, "gpu": count, "arch": "x86_64"}
    if sku == "NEXT-B":
        item["gpu_info"] = {"gpu_manufacturer": "NVIDIA", "gpu_name": "B200-SXM", "gpu_memory": 180 << 30}
    return item


def _reference(status: str, server_id: str, attached_at: str) -> dict[str, Any]:
    return {
        "id": server_id, "product_resource_type": "instance_server", "product_resource_id": server_id,
        "created_at": attached_at, "type": "exclusive", "status": status,
    }  # fmt: skip
