"""DigitalOcean's double, in the shapes of its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.enums import ResourceKind
from tests.matrix.player import PER_KIND, Asked, Call, JsonPlayer, Twist

_GPUS = PER_KIND
"""The number of the one machine that has GPUs."""


@dataclass(frozen=True)
class _Call(Call):
    """Which of the two listings of machines; a probe asks neither."""

    gpus: bool | None = None


class DigitalOceanPlayer(JsonPlayer):
    """Droplets in two listings, with GPUs and without, and volumes, two a page; volumes own the links."""

    vendor = "digitalocean"
    _total = 0

    def settings(self, secret: str) -> dict[str, Any]:
        """One token."""
        return {"credentials": {"api_key": f"{secret}-key"}}

    def call(self, asked: Asked) -> Call:
        """`/v2/droplets`, `/v2/droplets/ID`, and the same of volumes; the number of a page is where it starts."""
        _, _, plural, *rest = asked.path.split("/")
        kind = {"droplets": ResourceKind.MACHINES, "volumes": ResourceKind.VOLUMES}[plural]
        page = asked.query.get("page", "1")
        gpus = None if rest or kind is ResourceKind.VOLUMES else asked.query.get("type") == "gpus"
        return _Call(kind, rest[0] if rest else None, None if page == "1" else f"page-{page}", gpus=gpus)

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """A number, or a UUID."""
        return f"{3164440 + number}" if kind is ResourceKind.MACHINES else f"506f78a4-e098-11e5-ad9f-{number:012}"

    def answer(self, call: Call, numbers: Sequence[int], twist: Twist = Twist.NONE) -> bytes:
        """Each listing of machines tells its own."""
        if isinstance(call, _Call) and call.gpus is not None:
            numbers = [one for one in numbers if (one == _GPUS) is call.gpus]
        self._total = len(numbers)
        try:
            return super().answer(call, numbers, twist)
        finally:
            self._total = 0

    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """An active Droplet, or a volume."""
        region = {"name": "New York 3", "slug": "nyc3", "features": [], "available": True, "sizes": []}
        common = {
            "id": self.vendor_id(kind, number),
            "name": f"name-{number}",
            "region": region,
            "created_at": "2026-01-01T00:00:00Z",
            "tags": [],
        }
        if kind is ResourceKind.VOLUMES:
            machine = int(self.vendor_id(ResourceKind.MACHINES, 1))
            told = {"size_gigabytes": 10, "filesystem_type": "ext4", "filesystem_label": "data"}
            return common | told | {"droplet_ids": [machine] if number == 1 else []}
        size = {"slug": "gpu-h100x1-80gb", "price_hourly": 6.74, "available": True}
        gpus = {"gpu_info": {"count": 1, "model": "nvidia_h100", "vram": {"amount": 80, "unit": "gib"}}}
        return common | {
            "id": int(self.vendor_id(kind, number)),
            "status": "active",
            "memory": 1024,
            "vcpus": 1,
            "disk": 25,
            "locked": False,
            "image": {"slug": "ubuntu-24-04-x64", "name": "24.04 x64"},
            "size": size | gpus if number == _GPUS else size,
            "size_slug": size["slug"],
            "networks": {
                "v4": [
                    {"ip_address": "10.0.0.1", "type": "private"},
                    {"ip_address": "192.0.2.1", "type": "public"},
                ],
                "v6": [],
            },
            "volume_ids": [],
        }

    def listed(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """The list, the address of the next page, and how many there are."""
        plural = "droplets" if kind is ResourceKind.MACHINES else "volumes"
        address = f"https://api.digitalocean.com/v2/{plural}?page={(cursor or '').removeprefix('page-')}&per_page=200"
        total = self._total or (len(items) if isinstance(items, list) else PER_KIND)
        return {plural: items, "links": {"pages": {"next": address}} if cursor else {}, "meta": {"total": total}}

    def single(self, item: Any) -> Any:
        """`droplet`, or `volume`."""
        volume = isinstance(item, dict) and "size_gigabytes" in item
        return {"volume" if volume else "droplet": item}

    def no_such(self, call: Call) -> tuple[int, bytes]:
        """The response `not_found`."""
        told = {"id": "not_found", "message": "The resource you requested could not be found."}
        return 404, json.dumps(told).encode()

    def refusal(self, text: str) -> bytes:
        """`id` and `message`."""
        return json.dumps({"id": "server_error", "message": text}).encode()
