"""Scaleway's double, in the shapes of its Python SDK and of the traffic recorded in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.enums import ResourceKind
from tests.matrix.player import PER_KIND, Asked, Call, JsonPlayer, Twist

_PAGE = 2


@dataclass(frozen=True)
class _Call(Call):
    """Which of the two interfaces; volumes are in both."""

    block: bool = False


class ScalewayPlayer(JsonPlayer):
    """One zone: servers and volumes, two a page, the odd volumes local, the even in Block Storage; volumes own the links.

    Totals stand in the body, where Block Storage has them: a page of this double has no headers of its own.
    """

    vendor = "scaleway"
    credential_header = "x-auth-token"
    _total = 0

    def settings(self, secret: str) -> dict[str, Any]:
        """One key, one zone."""
        return {"credentials": {"api_key": f"{secret}-key"}, "zones": ["fr-par-2"]}

    def call(self, asked: Asked) -> Call:
        """`/instance/v1/zones/ZONE/servers`, `.../servers/ID`, `.../volumes`, `/block/v1/zones/ZONE/volumes`, and price lists."""
        _, interface, _, _, _, plural, *rest = asked.path.split("/")
        if plural in ("products", "volume-types"):
            return _Call(ResourceKind.MACHINES if plural == "products" else ResourceKind.VOLUMES, catalogue=True)
        kind = ResourceKind.MACHINES if plural == "servers" else ResourceKind.VOLUMES
        page = int(asked.query.get("page", "1"))
        cursor = None if page == 1 else f"page-{(page - 1) * _PAGE}"
        return _Call(kind, rest[0] if rest else None, cursor, block=interface == "block")

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """A UUID."""
        return f"{'5' if kind is ResourceKind.MACHINES else '6'}6f0c6bd-b659-4aec-b885-{number:012}"

    def answer(self, call: Call, numbers: Sequence[int], twist: Twist = Twist.NONE) -> bytes:
        """Each listing of volumes tells its own; each kind has its price list."""
        if call.catalogue:
            return self._price_list(call.kind)
        if isinstance(call, _Call) and call.kind is ResourceKind.VOLUMES:
            numbers = [one for one in numbers if (one % 2 == 0) is call.block]
        self._total = len(numbers)
        try:
            return super().answer(call, numbers, twist)
        finally:
            self._total = 0

    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """A running server, or a volume."""
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
        # In the words of both interfaces: a short list is told alike by either.
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

    def listed(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """The list, and how many there are: more than have come, where another page is to follow."""
        plural = "servers" if kind is ResourceKind.MACHINES else "volumes"
        told = len(items) if isinstance(items, list) else 0
        return {plural: items, "total_count": self._total or (told if cursor is None else told + PER_KIND)}

    def single(self, item: Any) -> Any:
        """`server`."""
        return {"server": item}

    def impossible(self, fault: str, when: Any) -> str | None:
        """Nothing tells the next page, so no double can name one twice."""
        if fault == "repeated cursor":
            return "pages are asked for by number until the total has come: there is no cursor to repeat"
        return super().impossible(fault, when)

    def no_such(self, call: Call) -> tuple[int, bytes]:
        """As recorded."""
        told = {"message": "resource is not found", "resource": "instance_server", "type": "not_found"}
        return 404, json.dumps(told | {"resource_id": call.vendor_id} if call.vendor_id else told).encode()

    def refusal(self, text: str) -> bytes:
        """`type` and `message`."""
        return json.dumps({"type": "internal_error", "message": text}).encode()
