"""A stateful fake of a vendor: what it holds, how it tells it, and what the graph must then say.

One file a vendor in `tests/doubles/fakes/`, with one class derived from `Fake`; it is found by scanning. What the graph must say
is written beside what the vendor tells, from the same dice and never by the adapter's own reading. Behind `prism proxy --errors`
the vendor's specification judges the fake, and `tests/proofs/test_fakes.py` holds the adapter against it.
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
    """Random values of the shapes that vendors tell. Seeded: a run is told by its seed."""

    def hexadecimal(self, digits: int) -> str:
        """So many digits."""
        return f"{self.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        """In its usual spelling."""
        text = self.hexadecimal(32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def public_ip(self) -> str:
        """Of the networks for documentation."""
        return f"203.0.113.{self.randint(1, 254)}"

    def private_ip(self) -> str:
        """Of 10/8."""
        return f"10.{self.randint(0, 255)}.{self.randint(0, 255)}.{self.randint(1, 254)}"

    def name(self) -> str:
        """Also one that is not ASCII, and one that looks like mark-up."""
        word = self.choice(("train", "größe", "推論", "a b", "<b>", "x" * 60, "O'Neil"))
        return f"{word}-{self.randint(0, 10**6)}"

    def instant(self) -> datetime:
        """A whole second of 2025."""
        return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=self.randrange(365 * 86400))

    def maybe(self, value: T, chance: float = 0.5) -> T | None:
        """It, or None."""
        return value if self.random() < chance else None

    def pick(self, table: Mapping[str, T]) -> tuple[str, T]:
        """An entry."""
        return self.choice(sorted(table.items(), key=lambda item: item[0]))


def iso(instant: datetime) -> str:
    """As vendors spell a time."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def graph_time(instant: datetime) -> str:
    """As the graph spells it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Thing:
    """One machine or volume: `told` as the vendor tells it, `node` what the graph must say of it.

    The keys of `node` are those of `NODE`, of which none may be left out; `created_at` None where the vendor tells none.
    `attached` are the vendor ids at the other ends of its links.
    """

    vendor_id: str
    told: dict[str, Any]
    node: dict[str, Any]
    created_at: datetime | None = None
    attached: list[str] = field(default_factory=list)


NODE: tuple[str, ...] = (
    "resourceType", "vendorRegion", "name", "status", "vendorStatus", "statusMessage", "access", "spec",
    "pricingTotalHourly", "currency", "pricingSource",
)  # fmt: skip
NO_SPEC: dict[str, Any] = {
    "gpuType": None, "gpuFamily": None, "gpuCount": None, "vcpuCount": None, "memoryGb": None, "diskGb": None,
    "vendorSku": None, "image": None, "vendor": {},
}  # fmt: skip
"""A specification that tells nothing."""
PRICELESS: dict[str, Any] = {"pricingTotalHourly": None, "currency": None, "pricingSource": "NONE"}


def access(external: str | None, internal: str | None, command: str | None, port: int | None) -> dict[str, Any] | None:
    """As the graph says it; None where nothing is known."""
    told = {"externalIp": external, "internalIp": internal, "sshCommand": command, "sshPort": port}
    return told if any(value is not None for value in told.values()) else None


def price(amount: float, currency: str = "USD", source: str = "VENDOR") -> dict[str, Any]:
    """A price that is known."""
    return {"pricingTotalHourly": amount, "currency": currency, "pricingSource": source}


class Fake(ABC):
    """One account of one vendor. Built as `cls(dice, machines, volumes)`; what it holds may be changed while it is served."""

    vendor: ClassVar[str]
    specification: ClassVar[str | None]
    """The file in `../shared/vendor-specs` by which Prism judges the fake; None where the vendor publishes none for Prism."""
    base_path: ClassVar[str] = ""
    """What the specification keeps in `servers`: Prism knows the paths without it."""
    page_size: ClassVar[int | None] = None
    """How many machines a page holds, None where one call lists all."""
    catalogue_calls: ClassVar[int] = 0
    """How many calls the price lists cost, once an hour."""
    media: ClassVar[str] = "application/json"
    calls: ClassVar[Mapping[ResourceKind, int]]
    """How many calls a sweep of an account without anything costs."""

    def __init__(self, dice: Dice, machines: int, volumes: int) -> None:
        self.dice = dice
        self.volumes = {one.vendor_id: one for one in (self.volume(number) for number in range(1, volumes + 1))}
        self.machines = {one.vendor_id: one for one in (self.machine(number) for number in range(1, machines + 1))}
        self.asked: list[ReceivedRequest] = []
        self.violations: list[str] = []
        """Where a fake that judges itself, by a model that is not ours, differs from that."""
        self.latency_seconds = 0.0
        """How long each answer takes."""
        self.vanishing: str | None = None
        """The id of a machine that is no more once the first page of machines was told."""

    @classmethod
    @abstractmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """The account's own settings."""

    @abstractmethod
    def machine(self, number: int) -> Thing:
        """A machine of random values; it may take volumes of `self.volumes`, which are made before."""

    @abstractmethod
    def volume(self, number: int) -> Thing:
        """A volume of random values."""

    @abstractmethod
    def reply(self, asked: ReceivedRequest) -> tuple[int, Any]:
        """Status of an answer, and what `body` writes out; the path is without `base_path`."""

    def body(self, told: Any) -> bytes:
        """As it goes out: JSON."""
        return json.dumps(told).encode()

    def page(self, things: Mapping[str, Thing], start: int, size: int | None) -> tuple[list[dict[str, Any]], bool]:
        """The items from a place on, and whether more follow. `size` None tells all."""
        listed = list(things.values())
        end = len(listed) if size is None else start + size
        if things is self.machines and self.vanishing is not None:
            self.machines.pop(self.vanishing, None)
            self.vanishing = None
        return [one.told for one in listed[start:end]], end < len(listed)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve it on loopback; gives the address."""

        async def replied(writer: Any) -> bool:
            asked = ReceivedRequest.parse(double.requests[-1])
            asked = replace(asked, path=asked.path.removeprefix(self.base_path))
            self.asked.append(asked)
            await asyncio.sleep(self.latency_seconds)
            status, told = self.reply(asked)
            headers = {"content-type": self.media} | self.headers(asked)
            return await answer(self.body(told), status, headers)(writer)

        async with loopback(replied) as double:
            yield double.address

    def headers(self, asked: ReceivedRequest) -> dict[str, str]:
        """Headers of its answers beside the usual ones; asked for after `reply`."""
        return {}


def linked(machine: Thing, volumes: Sequence[Thing]) -> None:
    """Note the link at both ends."""
    for one in volumes:
        machine.attached.append(one.vendor_id)
        one.attached.append(machine.vendor_id)
