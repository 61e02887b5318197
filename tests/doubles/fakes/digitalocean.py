"""DigitalOcean, in the shapes of its OpenAPI document."""

from __future__ import annotations

from typing import Any

from tests.doubles.fake import MACHINES, NO_SPEC, PRICELESS, VOLUMES, Fake, FakeResource, iso, link, price, ssh_access
from tests.matrix.player import ReceivedRequest

STATUSES = {"new": "PROVISIONING", "active": "RUNNING", "off": "STOPPED", "archive": "UNKNOWN"}
GPUS = {
    "nvidia_h100": (80, "nvidia-h100-80gb", "H100"),
    "nvidia_h200": (141, "nvidia-h200-sxm5-141gb", "H200"),
    "nvidia_l40s": (48, "nvidia-l40s-48gb", "L40S"),
    "amd_mi300x": (192, "amd-mi300x-oam-192gb", "MI300X"),
    "nvidia_later": (7, "nvidia_later", None),
}
REGIONS = ("nyc1", "ams3", "tor1")
PAGE = 200


class DigitalOceanFake(Fake):
    """Two listings of Droplets: every third Droplet has GPUs. Volumes own the links."""

    vendor = "digitalocean"
    specification = "digitalocean.json"
    page_size = PAGE
    calls = {MACHINES: 2, VOLUMES: 1}  # noqa: RUF012 - declared in the base class

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """Return one token."""
        return {"credentials": {"api_key": secret}}

    def machine(self, number: int) -> FakeResource:
        """Return a Droplet, with up to one unattached volume."""
        dice = self.dice
        vendor_status, status = dice.pick(STATUSES)
        droplet_id, region, name, created = 3_000_000 + number, dice.choice(REGIONS), dice.name(), dice.instant()
        external_ip, internal_ip = dice.maybe(dice.public_ip(), 0.9), dice.maybe(dice.private_ip(), 0.9)
        memory, vcpus, disk = 8 * dice.randint(64, 30_000), dice.randint(1, 64), dice.randint(10, 2000)
        slug, hourly = f"size-{dice.randint(1, 99)}", dice.randint(1, 99_999) / 10_000
        image_slug, locked, vpc = dice.maybe("ubuntu-24-04-x64"), dice.random() < 0.1, dice.uuid()
        spec = {
            **NO_SPEC, "vcpuCount": float(vcpus), "memoryGb": memory / 1024, "diskGb": float(disk), "vendorSku": slug,
            "image": image_slug or "24.04 x64", "vendor": {"locked": locked, "vpc_uuid": vpc},
        }  # fmt: skip
        size: dict[str, Any] = {
            "slug": slug, "memory": memory, "vcpus": vcpus, "disk": disk, "transfer": 1, "price_monthly": 9,
            "price_hourly": hourly, "regions": [region], "available": True, "description": "Basic",
        }  # fmt: skip
        if number % 3 == 0:
            self._add_gpus(size, spec)
        free = [volume for volume in self.volumes.values() if not volume.attached]
        volumes = dice.sample(free, dice.choice((0, 1))) if free else []
        item = {
            "id": droplet_id, "name": name, "memory": memory, "vcpus": vcpus, "disk": disk, "locked": locked,
            "status": vendor_status, "kernel": None, "created_at": iso(created), "features": ["ipv6"], "backup_ids": [],
            "next_backup_window": None, "snapshot_ids": [], "volume_ids": [volume.vendor_id for volume in volumes],
            "image": _image(image_slug), "size": size, "size_slug": slug, "tags": ["S3cret"], "vpc_uuid": vpc,
            "region": _region(region), "networks": _networks(internal_ip, external_ip),
        }  # fmt: skip
        for volume in volumes:
            volume.item["droplet_ids"] = [droplet_id]
        node = {
            "resourceType": "VM", "vendorRegion": region, "name": name, "status": status, "vendorStatus": vendor_status,
            "statusMessage": None, "spec": spec, "access": ssh_access("root", external_ip, internal_ip),
            **(PRICELESS if vendor_status == "archive" else price(hourly)),
        }  # fmt: skip
        machine = FakeResource(str(droplet_id), item, node, created)
        link(machine, volumes)
        return machine

    def _add_gpus(self, size: dict[str, Any], spec: dict[str, Any]) -> None:
        model, (vram, gpu_type, family) = self.dice.pick(GPUS)
        count = self.dice.choice((1, 8))
        size["gpu_info"] = {"count": count, "model": model, "vram": {"amount": vram, "unit": "gib"}}
        spec |= {"gpuType": gpu_type, "gpuFamily": family, "gpuCount": count}

    def volume(self, number: int) -> FakeResource:
        """Return an unattached volume."""
        dice = self.dice
        vendor_id, region, created = dice.uuid(), dice.choice(REGIONS), dice.instant()
        size, label = dice.randint(1, 16_000), dice.choice(("", "data"))
        item = {
            "id": vendor_id, "region": _region(region), "droplet_ids": [], "name": f"data-{number}",
            "description": "S3cret", "size_gigabytes": size, "created_at": iso(created), "filesystem_type": "ext4",
            "filesystem_label": label, "tags": ["S3cret"],
        }  # fmt: skip
        facts = {"filesystem_type": "ext4"} | ({"filesystem_label": label} if label else {})
        node = {
            "resourceType": "BLOCK_DISK", "vendorRegion": region, "name": f"data-{number}", "status": "RUNNING",
            "vendorStatus": None, "statusMessage": None, "access": None,
            "spec": {**NO_SPEC, "diskGb": float(size), "vendor": facts}, **PRICELESS,
        }  # fmt: skip
        return FakeResource(vendor_id, item, node, created)

    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Return a page of a list, or one resource."""
        _, _, plural, *rest = request.path.split("/")
        resources = self.machines if plural == "droplets" else self.volumes
        if rest:
            resource = resources.get(rest[0])
            if resource is None:
                return 404, {"id": "not_found", "message": "The resource you requested could not be found."}
            return 200, {plural.removesuffix("s"): resource.item}
        gpus = request.query.get("type") == "gpus"
        selected = [one for one in resources.values() if plural == "volumes" or _has_gpus(one) is gpus]
        number, size = int(request.query["page"]), int(request.query["per_page"])
        start = (number - 1) * size
        items = [resource.item for resource in selected[start : start + size]]
        if plural == "droplets" and self.vanishing is not None:
            self.machines.pop(self.vanishing, None)
            self.vanishing = None
        address = f"https://api.digitalocean.com/v2/{plural}?page={number + 1}&per_page={size}"
        pages = {"next": address, "last": address} if start + size < len(selected) else {}
        return 200, {plural: items, "links": {"pages": pages}, "meta": {"total": len(selected)}}

    def headers(self, request: ReceivedRequest) -> dict[str, str]:
        """Return what is left of the hour."""
        return {"ratelimit-limit": "5000", "ratelimit-remaining": "4816", "ratelimit-reset": "1444931833"}


def _has_gpus(droplet: FakeResource) -> bool:
    return "gpu_info" in droplet.item["size"]


def _image(slug: str | None) -> dict[str, Any]:
    return {
        "id": 63663980, "name": "24.04 x64", "distribution": "Ubuntu", "slug": slug, "public": True,
        "regions": ["nyc1"], "created_at": "2020-05-15T05:47:50Z", "type": "snapshot", "min_disk_size": 20,
        "size_gigabytes": 2.36, "description": "S3cret", "tags": [], "status": "available",
    }  # fmt: skip


def _networks(internal_ip: str | None, external_ip: str | None) -> dict[str, Any]:
    addresses = [("private", internal_ip), ("public", external_ip)]
    common = {"netmask": "255.255.0.0", "gateway": "nil"}
    return {"v4": [{"ip_address": ip, "type": network, **common} for network, ip in addresses if ip], "v6": []}


def _region(slug: str) -> dict[str, Any]:
    return {"name": slug.upper(), "slug": slug, "features": ["metadata"], "available": True, "sizes": ["s-1vcpu-1gb"]}
