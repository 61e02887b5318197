"""DigitalOcean, in the shapes of its OpenAPI document."""

from __future__ import annotations

from typing import Any

from tests.doubles.fake import MACHINES, NO_SPEC, PRICELESS, VOLUMES, Fake, Thing, access, iso, linked, price
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
    """Two listings of Droplets, of which every third has GPUs; volumes own the links."""

    vendor = "digitalocean"
    specification = "digitalocean.json"
    page_size = PAGE
    calls = {MACHINES: 2, VOLUMES: 1}  # noqa: RUF012 - declared in the base class

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """One token."""
        return {"credentials": {"api_key": secret}}

    def machine(self, number: int) -> Thing:
        """A Droplet, with up to one volume that nobody has."""
        dice = self.dice
        word, status = dice.pick(STATUSES)
        identity, region, name, created = 3_000_000 + number, dice.choice(REGIONS), dice.name(), dice.instant()
        outer, inner = dice.maybe(dice.public_ip(), 0.9), dice.maybe(dice.private_ip(), 0.9)
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
            model, (vram, gpu_type, family) = dice.pick(GPUS)
            count = dice.choice((1, 8))
            size["gpu_info"] = {"count": count, "model": model, "vram": {"amount": vram, "unit": "gib"}}
            spec |= {"gpuType": gpu_type, "gpuFamily": family, "gpuCount": count}
        free = [one for one in self.volumes.values() if not one.attached]
        volumes = dice.sample(free, dice.choice((0, 1))) if free else []
        networks = [("private", inner), ("public", outer)]
        told = {
            "id": identity, "name": name, "memory": memory, "vcpus": vcpus, "disk": disk, "locked": locked,
            "status": word, "kernel": None, "created_at": iso(created), "features": ["ipv6"], "backup_ids": [],
            "next_backup_window": None, "snapshot_ids": [], "volume_ids": [one.vendor_id for one in volumes],
            "image": {
                "id": 63663980, "name": "24.04 x64", "distribution": "Ubuntu", "slug": image_slug, "public": True,
                "regions": ["nyc1"], "created_at": "2020-05-15T05:47:50Z", "type": "snapshot", "min_disk_size": 20,
                "size_gigabytes": 2.36, "description": "S3cret", "tags": [], "status": "available",
            },
            "size": size, "size_slug": slug, "tags": ["S3cret"], "vpc_uuid": vpc, "region": _region(region),
            "networks": {
                "v4": [
                    {"ip_address": ip, "netmask": "255.255.0.0", "gateway": "nil", "type": word}
                    for word, ip in networks if ip
                ],
                "v6": [],
            },
        }  # fmt: skip
        for one in volumes:
            one.told["droplet_ids"] = [identity]
        node = {
            "resourceType": "VM", "vendorRegion": region, "name": name, "status": status, "vendorStatus": word,
            "statusMessage": None, "spec": spec,
            "access": access(outer, inner, f"ssh root@{outer}" if outer else None, 22 if outer else None),
            **(PRICELESS if word == "archive" else price(hourly)),
        }  # fmt: skip
        machine = Thing(str(identity), told, node, created)
        linked(machine, volumes)
        return machine

    def volume(self, number: int) -> Thing:
        """A volume, attached to nothing yet."""
        dice = self.dice
        vendor_id, region, created = dice.uuid(), dice.choice(REGIONS), dice.instant()
        size, label = dice.randint(1, 16_000), dice.choice(("", "data"))
        told = {
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
        return Thing(vendor_id, told, node, created)

    def reply(self, asked: ReceivedRequest) -> tuple[int, Any]:
        """Lists by page, and one of each kind."""
        _, _, plural, *rest = asked.path.split("/")
        things = self.machines if plural == "droplets" else self.volumes
        if rest:
            one = things.get(rest[0])
            if one is None:
                return 404, {"id": "not_found", "message": "The resource you requested could not be found."}
            return 200, {plural.removesuffix("s"): one.told}
        gpus = asked.query.get("type") == "gpus"
        listed = {key: one for key, one in things.items() if plural == "volumes" or _has_gpus(one) is gpus}
        number, size = int(asked.query["page"]), int(asked.query["per_page"])
        start = (number - 1) * size
        items = [one.told for one in list(listed.values())[start : start + size]]
        if plural == "droplets" and self.vanishing is not None:
            self.machines.pop(self.vanishing, None)
            self.vanishing = None
        address = f"https://api.digitalocean.com/v2/{plural}?page={number + 1}&per_page={size}"
        pages = {"next": address, "last": address} if start + size < len(listed) else {}
        return 200, {plural: items, "links": {"pages": pages}, "meta": {"total": len(listed)}}

    def headers(self, asked: ReceivedRequest) -> dict[str, str]:
        """What is left of the hour."""
        return {"ratelimit-limit": "5000", "ratelimit-remaining": "4816", "ratelimit-reset": "1444931833"}


def _has_gpus(one: Thing) -> bool:
    return "gpu_info" in one.told["size"]


def _region(slug: str) -> dict[str, Any]:
    return {"name": slug.upper(), "slug": slug, "features": ["metadata"], "available": True, "sizes": ["s-1vcpu-1gb"]}
