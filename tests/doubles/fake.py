"""The base of stateful fakes of vendors: the resources of a fake, its responses, and what the graph must report of them.

Each vendor has a module in `tests/doubles/fakes/` with one class derived from `Fake`, which is found by scanning. What
the graph must report is written next to what the vendor reports, from the same random values and never with the
adapter's code. Behind `prism proxy --errors` the vendor's specification validates the fake, and
`tests/proofs/test_fakes.py` compares the adapter with it.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, ClassVar, TypeVar

from domain.enums import ResourceKind
from tests.matrix.player import ReceivedRequest
from tests.vendors.loopback import answer, loopback

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
T = TypeVar("T")


class Dice(Random):
    """Random values of the shapes that vendors report. Seeded, so that a run can be repeated."""

    def hexadecimal(self, digits: int) -> str:
        """Return a number with that many hexadecimal digits."""
        return f"{self.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        """Return a UUID in its canonical form."""
        text = self.hexadecimal(32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def public_ip(self) -> str:
        """Return an address of a network for documentation."""
        return f"203.0.113.{self.randint(1, 254)}"

    def private_ip(self) -> str:
        """Return an address of 10/8."""
        return f"10.{self.randint(0, 255)}.{self.randint(0, 255)}.{self.randint(1, 254)}"

    def name(self) -> str:
        """Return a name; some are not ASCII, and some look like markup."""
        word = self.choice(("train", "größe", "推論", "a b", "<b>", "x" * 60, "O'Neil"))
        return f"{word}-{self.randint(0, 10**6)}"

    def instant(self) -> datetime:
        """Return a whole second of 2025."""
        return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=self.randrange(365 * 86400))

    def maybe(self, value: T, chance: float = 0.5) -> T | None:
        """Return the value, or `None`."""
        return value if self.random() < chance else None

    def pick(self, table: Mapping[str, T]) -> tuple[str, T]:
        """Return a random entry of the table."""
        return self.choice(sorted(table.items(), key=lambda item: item[0]))


def iso(instant: datetime) -> str:
    """Format a time as vendors do."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def graph_time(instant: datetime) -> str:
    """Format a time as the graph does."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class FakeResource:
    """One machine or volume: `item` is the vendor's item, `node` is what the graph must report of it.

    `node` must have all keys of `NODE`. `created_at` is `None` if the vendor does not report it. `attached` are the
    vendor ids at the other ends of the links.
    """

    vendor_id: str
    item: dict[str, Any]
    node: dict[str, Any]
    """The expected fields of the graph. Only a running machine has SSH, so that of any other one is left out here."""
    created_at: datetime | None = None
    attached: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Leave out SSH unless the machine runs."""
        self.update_access()

    def update_access(self) -> None:
        """Leave out SSH unless the machine runs. Call it after a change of the expected status."""
        reachable = self.node.get("access")
        if reachable and self.node["status"] != "RUNNING":
            self.node["access"] = access(reachable["externalIp"], reachable["internalIp"], None, None)


NODE: tuple[str, ...] = (
    "resourceType", "vendorRegion", "name", "status", "vendorStatus", "statusMessage", "access", "spec",
    "pricingTotalHourly", "currency", "pricingSource",
)  # fmt: skip
NO_SPEC: dict[str, Any] = {
    "gpuType": None, "gpuFamily": None, "gpuCount": None, "vcpuCount": None, "memoryGb": None, "diskGb": None,
    "vendorSku": None, "image": None, "vendor": {},
}  # fmt: skip
"""A spec without any value."""
PRICELESS: dict[str, Any] = {"pricingTotalHourly": None, "currency": None, "pricingSource": "NONE"}


def access(external: str | None, internal: str | None, command: str | None, port: int | None) -> dict[str, Any] | None:
    """Return `access` as the graph reports it; `None` if nothing is reported."""
    fields = {"externalIp": external, "internalIp": internal, "sshCommand": command, "sshPort": port}
    return fields if any(value is not None for value in fields.values()) else None


def ssh_access(user: str, external_ip: str | None, internal_ip: str | None) -> dict[str, Any] | None:
    """Return `access` with a login at port 22 of the external address."""
    command, port = (f"ssh {user}@{external_ip}", 22) if external_ip else (None, None)
    return access(external_ip, internal_ip, command, port)


def price(amount: float, currency: str = "USD", source: str = "VENDOR") -> dict[str, Any]:
    """Return the fields of a known price."""
    return {"pricingTotalHourly": amount, "currency": currency, "pricingSource": source}


class Fake(ABC):
    """One account of one vendor, constructed as `cls(dice, machines, volumes)`. Its resources may change while it is served."""

    vendor: ClassVar[str]
    specification: ClassVar[str | None]
    """The file in `../shared/vendor-specs` with which Prism validates the fake; `None` if the vendor publishes none for Prism."""
    base_path: ClassVar[str] = ""
    """The base path in the specification's `servers`; Prism serves the paths without it."""
    page_size: ClassVar[int | None] = None
    """How many machines a page has; `None` if one call lists all."""
    price_list_calls: ClassVar[int] = 0
    """How many calls the price lists cost, once an hour."""
    media: ClassVar[str] = "application/json"
    calls: ClassVar[Mapping[ResourceKind, int]]
    """How many calls a sweep of an empty account costs."""

    def __init__(self, dice: Dice, machines: int, volumes: int) -> None:
        self.dice = dice
        self.volumes = {volume.vendor_id: volume for volume in map(self.volume, range(1, volumes + 1))}
        self.machines = {machine.vendor_id: machine for machine in map(self.machine, range(1, machines + 1))}
        self.requests: list[ReceivedRequest] = []
        self.violations: list[str] = []
        """How a fake that is checked against the model of a client library differs from that model."""
        self.latency_seconds = 0.0
        """How long each response takes."""
        self.vanishing: str | None = None
        """The id of a machine that disappears after the first page of machines was sent."""

    @classmethod
    @abstractmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """Return the account's own settings."""

    @abstractmethod
    def machine(self, number: int) -> FakeResource:
        """Return a machine with random values. It may attach volumes of `self.volumes`, which exist already."""

    @abstractmethod
    def volume(self, number: int) -> FakeResource:
        """Return a volume with random values."""

    @abstractmethod
    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Return the status of a response and its content for `body`. The request's path has no `base_path`."""

    def body(self, content: Any) -> bytes:
        """Return the content as JSON."""
        return json.dumps(content).encode()

    def page(
        self, resources: Mapping[str, FakeResource], start: int, size: int | None
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return the items from an index on, and whether more follow. Without `size`, all are returned."""
        ordered = list(resources.values())
        end = len(ordered) if size is None else start + size
        if resources is self.machines and self.vanishing is not None:
            self.machines.pop(self.vanishing, None)
            self.vanishing = None
        return [resource.item for resource in ordered[start:end]], end < len(ordered)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve the fake on loopback; yield its address."""

        async def reply_to_request(writer: Any) -> bool:
            request = ReceivedRequest.parse(server.requests[-1])
            request = replace(request, path=request.path.removeprefix(self.base_path))
            self.requests.append(request)
            await asyncio.sleep(self.latency_seconds)
            status, content = self.reply(request)
            headers = {"content-type": self.media} | self.headers(request)
            return await answer(self.body(content), status, headers)(writer)

        async with loopback(reply_to_request) as server:
            yield server.address

    def headers(self, request: ReceivedRequest) -> dict[str, str]:
        """Return additional headers of a response. Called after `reply`."""
        return {}


def link(machine: FakeResource, volumes: Sequence[FakeResource]) -> None:
    """Record the links at both ends."""
    for volume in volumes:
        machine.attached.append(volume.vendor_id)
        volume.attached.append(machine.vendor_id)
