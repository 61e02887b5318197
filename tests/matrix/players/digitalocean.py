"""The double of DigitalOcean, with the shapes of its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.enums import ResourceKind
from tests.matrix.player import PER_KIND, JsonPlayer, ReceivedRequest, Twist, VendorCall

_GPU_NUMBER = PER_KIND
"""Number of the only machine that has GPUs."""


@dataclass(frozen=True)
class _DigitalOceanCall(VendorCall):
    """A call with the listing of machines that it requests: with GPUs, without, or `None` for neither."""

    gpus: bool | None = None


class DigitalOceanPlayer(JsonPlayer):
    """Droplets in two listings, with and without GPUs, and volumes, two per page. Volumes own the links."""

    vendor = "digitalocean"
    _total = 0

    def settings(self, secret: str) -> dict[str, Any]:
        """Return one API token."""
        return {"credentials": {"api_key": f"{secret}-key"}}

    def call(self, request: ReceivedRequest) -> VendorCall:
        """Recognize `/v2/droplets`, `/v2/droplets/ID` and the same paths for volumes.

        The page number in a link of this double is the index at which the page starts.
        """
        _, _, plural, *rest = request.path.split("/")
        kind = {"droplets": ResourceKind.MACHINES, "volumes": ResourceKind.VOLUMES}[plural]
        page = request.query.get("page", "1")
        gpus = None if rest or kind is ResourceKind.VOLUMES else request.query.get("type") == "gpus"
        return _DigitalOceanCall(kind, rest[0] if rest else None, None if page == "1" else f"page-{page}", gpus=gpus)

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """Return a number for a Droplet and a UUID for a volume."""
        return f"{3164440 + number}" if kind is ResourceKind.MACHINES else f"506f78a4-e098-11e5-ad9f-{number:012}"

    def answer(self, call: VendorCall, numbers: Sequence[int], twist: Twist = Twist.NONE) -> bytes:
        """Write the machines that belong to the requested listing."""
        if isinstance(call, _DigitalOceanCall) and call.gpus is not None:
            numbers = [one for one in numbers if (one == _GPU_NUMBER) is call.gpus]
        self._total = len(numbers)
        try:
            return super().answer(call, numbers, twist)
        finally:
            self._total = 0

    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """Return an active Droplet or a volume."""
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
            details = {"size_gigabytes": 10, "filesystem_type": "ext4", "filesystem_label": "data"}
            return common | details | {"droplet_ids": [machine] if number == 1 else []}
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
            "size": size | gpus if number == _GPU_NUMBER else size,
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

    def wrap_list(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """Return the list, the URL of the next page and the total number of items."""
        plural = "droplets" if kind is ResourceKind.MACHINES else "volumes"
        address = f"https://api.digitalocean.com/v2/{plural}?page={(cursor or '').removeprefix('page-')}&per_page=200"
        total = self._total or (len(items) if isinstance(items, list) else PER_KIND)
        return {plural: items, "links": {"pages": {"next": address}} if cursor else {}, "meta": {"total": total}}

    def wrap_one(self, item: Any) -> Any:
        """Put the item under `droplet` or `volume`."""
        is_volume = isinstance(item, dict) and "size_gigabytes" in item
        return {"volume" if is_volume else "droplet": item}

    def not_found(self, call: VendorCall) -> tuple[int, bytes]:
        """Return the documented response `not_found`."""
        error = {"id": "not_found", "message": "The resource you requested could not be found."}
        return 404, json.dumps(error).encode()

    def error_body(self, text: str) -> bytes:
        """Write `id` and `message`."""
        return json.dumps({"id": "server_error", "message": text}).encode()
