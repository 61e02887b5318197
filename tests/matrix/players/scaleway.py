"""The double of Scaleway, with the shapes of its Python SDK and of the traffic recorded in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.enums import ResourceKind
from tests.matrix.player import PER_KIND, JsonPlayer, ReceivedRequest, Twist, VendorCall

_PAGE = 2


@dataclass(frozen=True)
class _ScalewayCall(VendorCall):
    """A call with the API that it goes to: Instances or Block Storage. Both list volumes."""

    block: bool = False


class ScalewayPlayer(JsonPlayer):
    """Servers and volumes of one zone, two per page. Volumes own the links.

    Volumes with odd numbers are local, those with even numbers are in Block Storage. Totals are in the body, as in Block
    Storage, because this double cannot set headers for a page.
    """

    vendor = "scaleway"
    credential_header = "x-auth-token"
    _total = 0

    def settings(self, secret: str) -> dict[str, Any]:
        """Return one API key and one zone."""
        return {"credentials": {"api_key": f"{secret}-key"}, "zones": ["fr-par-2"]}

    def call(self, request: ReceivedRequest) -> VendorCall:
        """Recognize servers and volumes, as lists and by id, and price lists.

        The paths are `/instance/v1/zones/ZONE/servers`, `.../servers/ID`, `.../volumes` and `/block/v1/zones/ZONE/volumes`.
        """
        _, interface, _, _, _, plural, *rest = request.path.split("/")
        if plural in ("products", "volume-types"):
            return _ScalewayCall(
                ResourceKind.MACHINES if plural == "products" else ResourceKind.VOLUMES, catalogue=True
            )
        kind = ResourceKind.MACHINES if plural == "servers" else ResourceKind.VOLUMES
        page = int(request.query.get("page", "1"))
        cursor = None if page == 1 else f"page-{(page - 1) * _PAGE}"
        return _ScalewayCall(kind, rest[0] if rest else None, cursor, block=interface == "block")

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """Return a UUID."""
        return f"{'5' if kind is ResourceKind.MACHINES else '6'}6f0c6bd-b659-4aec-b885-{number:012}"

    def answer(self, call: VendorCall, numbers: Sequence[int], twist: Twist = Twist.NONE) -> bytes:
        """Write the volumes that belong to the requested API, or the price list of the kind."""
        if call.catalogue:
            return self._price_list(call.kind)
        if isinstance(call, _ScalewayCall) and call.kind is ResourceKind.VOLUMES:
            numbers = [one for one in numbers if (one % 2 == 0) is call.block]
        self._total = len(numbers)
        try:
            return super().answer(call, numbers, twist)
        finally:
            self._total = 0

    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """Return a running server or a volume."""
        common = {"id": self.vendor_id(kind, number), "name": f"name-{number}", "zone": "fr-par-2", "tags": []}
        created = "2026-01-01T00:00:00.000000+00:00"
        if kind is ResourceKind.MACHINES:
            address = {"id": "0d7781cb", "address": "192.0.2.1", "family": "inet", "state": "attached"}
            return common | {
                "state": "running",
                "state_detail": "booted",
                "commercial_type": "H100-1-80G",
                "creation_date": created,
                "image": {"id": "c00ae53c", "name": "Ubuntu 24.04"},
                "public_ips": [address],
                "private_ip": "10.0.0.1",
                "hostname": "worker",
                "arch": "x86_64",
                "volumes": {},
            }
        # Has the fields of both APIs, because the fault "short list" sends the same page for both.
        machine = self.vendor_id(ResourceKind.MACHINES, 1)
        reference = {"product_resource_type": "instance_server", "product_resource_id": machine, "status": "attached"}
        local = {
            "volume_type": "l_ssd", "state": "available", "creation_date": created,
            "server": {"id": machine, "name": "name-1"} if number == 1 else None,
        }  # fmt: skip
        block = {
            "type": "sbs_5k", "status": "available", "created_at": created,
            "references": [reference] if number == 1 else [], "specs": {"perf_iops": 5000, "class": "sbs"},
        }  # fmt: skip
        return common | {"size": 10**10} | local | block

    def _price_list(self, kind: ResourceKind) -> bytes:
        if kind is ResourceKind.MACHINES:
            return json.dumps({"servers": {"H100-1-80G": {"hourly_price": 2.73}}, "total_count": 1}).encode()
        pricing = {"currency_code": "EUR", "units": 0, "nanos": 118_000}
        return json.dumps({"volume_types": [{"type": "sbs_5k", "pricing": pricing}], "total_count": 1}).encode()

    def wrap_list(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """Return the list and the total, which is larger than the list if another page follows."""
        plural = "servers" if kind is ResourceKind.MACHINES else "volumes"
        count = len(items) if isinstance(items, list) else 0
        return {plural: items, "total_count": self._total or (count if cursor is None else count + PER_KIND)}

    def wrap_one(self, item: Any) -> Any:
        """Put the item under `server`."""
        return {"server": item}

    def why_impossible(self, fault: str, flight: Any) -> str | None:
        """Rule out a repeated cursor, because pages are requested by number."""
        if fault == "repeated cursor":
            return "pages are requested by number up to the total count: there is no cursor to repeat"
        return super().why_impossible(fault, flight)

    def not_found(self, call: VendorCall) -> tuple[int, bytes]:
        """Return the recorded error."""
        error = {"message": "resource is not found", "resource": "instance_server", "type": "not_found"}
        return 404, json.dumps(error | {"resource_id": call.vendor_id} if call.vendor_id else error).encode()

    def error_body(self, text: str) -> bytes:
        """Write `type` and `message`."""
        return json.dumps({"type": "internal_error", "message": text}).encode()
