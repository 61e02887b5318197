"""Nonsense of the right shape: Prism answers with random values that fit a vendor's specification, and the adapter reads them.

Of vendors without one, what was recorded of them is changed at random.
Whatever comes, a sweep ends, its readers do not break, and nothing that cannot be gets past them.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from structlog.testing import capture_logs

from domain.enums import PriceSource
from domain.records.observation import Access, NotReported, Observation, Price, Spec, SweepResult, Terms
from tests.clock import ManualClock
from tests.doubles import prism, specifications
from tests.doubles.fake import Fake
from tests.doubles.forwarder import Forwarding, forwarding
from tests.fuzz.mutations import mutated
from tests.fuzz.recordings import of_vendor
from tests.vendors.accounts import QUICK
from vendors import registry
from vendors.client import endpoint
from vendors.client.cloud import VendorCloud
from vendors.client.transport import Transport
from vendors.parse.fields import HIGHEST_PORT, LONGEST_TEXT, is_identifier

_PAGES = 5
"""Random cursors never end a listing."""
_SHARES = (0.005, 0.1)
"""How much of a recorded answer is changed."""
_SIZES = frozenset({"count", "total", "total_instances", "page", "page_size"})
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
KEY = "key-that-must-not-be-seen"
_SHELL = frozenset("$`;|&<>(){}\\'\"\n")


@dataclass
class Fuzzed:
    """What a vendor's answers came to."""

    vendor: str
    answers: int = 0
    resources: int = 0
    dropped: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    amiss: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """For a reader."""
        ends = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        return (
            f"{self.vendor}: {self.answers} answers, {self.resources} resources, {self.dropped} values dropped, "
            f"{ends}; {len(self.amiss)} amiss"
        )


async def fuzz(fake: type[Fake], answers: int) -> Fuzzed:
    """Sweep and probe until so many answers were given.

    By a specification: half of them with every field, half with any. By recordings: half with few changes, half with many.
    """
    told = Fuzzed(fake.vendor)
    half = -(-answers // 2)
    if fake.specification is None:
        for seed, share in enumerate(_SHARES):
            async with mutated(of_vendor(fake), seed, share) as double:
                await _fuzz(fake, half, told, double.address, double.requests)
        return told
    for whole in (True, False):
        with nonsense(fake, whole=whole) as between:
            await _fuzz(fake, half, told, between.address, between.passed)
    return told


async def _fuzz(fake: type[Fake], answers: int, told: Fuzzed, address: str, asked: Sized) -> None:
    with capture_logs() as log:
        cloud = _unlimited(fake, address)
        try:
            while len(asked) < answers:
                for kind, region in cloud.scopes:
                    result = await cloud.sweep(kind, region)
                    _take(told, result)
                    if cloud.probes(kind):
                        probed = await cloud.probe(kind, region, _asked(result))
                        told.outcomes[f"probe {probed.outcome}"] += 1
                        if probed.observation:
                            told.amiss += impossible(probed.observation)
        finally:
            await cloud.close()
        told.answers += len(asked)
    told.amiss += [f"a reader broke: {line}" for line in log if line["event"] == "vendor_answer_unreadable"]


@contextmanager
def nonsense(fake: type[Fake], *, whole: bool) -> Iterator[Forwarding]:
    """Prism, answering with random values; `whole`: no field that is optional is left out, where else most are."""
    assert fake.specification is not None
    with TemporaryDirectory() as folder:
        file = Path(folder) / "specification.json"
        file.write_text(json.dumps(_usable(specifications.load(fake.specification), whole=whole)), "utf-8")
        with prism.serving(str(file)) as address, forwarding(address) as between:
            between.strip = fake.base_path
            between.headers["Prefer"] = "dynamic=true"
            yield between


def _usable(specification: Any, *, whole: bool) -> Any:
    """The specification with ids that can be ids, and sizes that can be sizes: else every page is refused at its first item."""
    for properties in _properties(specification):
        for name, declared in properties.items():
            kind = declared.get("type") if isinstance(declared, dict) else None
            if kind == "string" and name.lower().endswith("id") and not {"format", "enum"} & declared.keys():
                declared["pattern"] = "^[a-z0-9]{8}$"
            elif kind == "integer" and name in _SIZES:
                declared.update(minimum=0, maximum=3)
    # Prism's own option: nothing that is optional is left out.
    return specification | ({"x-json-schema-faker": {"always-fake-optionals": True}} if whole else {})


def _properties(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield node["properties"]
        for inner in node.values():
            yield from _properties(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _properties(inner)


def _unlimited(fake: type[Fake], address: str) -> VendorCloud:
    found = registry.find(fake.vendor)
    vendor = found(found.settings_type.model_validate(fake.settings(KEY)))
    moved = endpoint.parse(address, "lab")

    def base_url(region: str | None) -> str:
        return moved.instead_of(vendor.base_url(region))

    clock = ManualClock()
    transport = Transport("lab", base_url, vendor.authorize, vendor.read_failure, clock=clock, limits=QUICK)
    return VendorCloud("lab", vendor, transport, clock=clock, page_limit=_PAGES)


def _asked(result: SweepResult) -> str:
    return result.observations[0].vendor_id if result.observations else "7"


def _take(told: Fuzzed, result: SweepResult) -> None:
    told.outcomes[f"sweep {result.outcome.value}"] += 1
    told.resources += len(result.observations)
    told.dropped += result.dropped
    for observation in result.observations:
        told.amiss += impossible(observation)
    if KEY in repr(result):
        told.amiss.append("the key was told")


def impossible(seen: Observation) -> list[str]:
    """What of it cannot be."""
    found = [f"id {seen.vendor_id!r}"] if not is_identifier(seen.vendor_id) else []
    instants = [one for one in (seen.created_at, seen.valid_from, seen.valid_to) if isinstance(one, datetime)]
    found += [f"time {instant}" for instant in instants if not _FIRST_YEAR <= instant.year < _LAST_YEAR]
    found += _texts(seen)
    found += _access(seen.access) if isinstance(seen.access, Access) else []
    found += _spec(seen.spec) if isinstance(seen.spec, Spec) else []
    found += _money(seen)
    if not isinstance(seen.links, NotReported):
        found += [f"link {one}" for one in seen.links if not is_identifier(one.vendor_id)]
    return found


def _texts(seen: Observation) -> list[str]:
    texts = (seen.vendor_status, seen.region, seen.name, seen.status_message)
    told = [text for text in texts if isinstance(text, str)]
    return [f"text {text[:60]!r}" for text in told if "\0" in text or not text or len(text.encode()) > LONGEST_TEXT]


def _access(access: Access) -> list[str]:
    found = [] if access.ssh_port is None or 1 <= access.ssh_port <= HIGHEST_PORT else [f"port {access.ssh_port}"]
    addresses = [one for one in (access.external_ip, access.internal_ip) if one is not None]
    found += [f"address {one}" for one in addresses if str(ip_address(one)) != one]
    if access.ssh_command is not None and _SHELL & set(access.ssh_command):
        found.append(f"command {access.ssh_command!r}")
    return found


def _spec(spec: Spec) -> list[str]:
    figures = (spec.gpu_count, spec.vcpu_count, spec.memory_gb, spec.disk_gb)
    found = [f"figure {one}" for one in figures if one is not None and not (math.isfinite(one) and one >= 0)]
    json.dumps(dict(spec.vendor), allow_nan=False)
    return found


def _money(seen: Observation) -> list[str]:
    amounts: list[Any] = []
    found: list[str] = []
    if isinstance(seen.price, Price):
        amounts.append((seen.price.amount, seen.price.currency))
        if (seen.price.source is PriceSource.NONE) != (seen.price.amount is None):
            found.append(f"price {asdict(seen.price)}")
    if isinstance(seen.terms, Terms):
        amounts.append((seen.terms.running_rate, seen.terms.currency))
    for amount, currency in amounts:
        if (amount is None) != (currency is None):
            found.append(f"{amount} {currency}")
        if amount is not None and not (math.isfinite(amount) and amount >= 0):
            found.append(f"amount {amount}")
    return found
