"""Random responses: Prism answers with random values that fit a vendor's specification, and the adapter parses them.

For vendors without a specification, recorded responses are changed at random. Whatever the response, a sweep must end,
no parser may break, and no impossible value may be observed.
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
from tests.fuzz.mutations import serve_mutations
from tests.fuzz.recordings import of_vendor
from tests.vendors.accounts import QUICK
from vendors import registry
from vendors.client import endpoint
from vendors.client.cloud import VendorCloud
from vendors.client.transport import Transport
from vendors.parse.fields import MAX_PORT, MAX_TEXT_BYTES, is_identifier

_PAGES = 5
"""Random cursors never end a listing."""
_SHARES = (0.005, 0.1)
"""The share of a recorded response that is changed."""
_SIZES = frozenset({"count", "total", "total_instances", "page", "page_size"})
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
KEY = "key-that-must-not-be-seen"
_SHELL = frozenset("$`;|&<>(){}\\'\"\n")


@dataclass
class FuzzSummary:
    """The result of a vendor's random responses."""

    vendor: str
    responses: int = 0
    resources: int = 0
    dropped: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """A summary for people."""
        ends = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        return (
            f"{self.vendor}: {self.responses} responses, {self.resources} resources, {self.dropped} values dropped, "
            f"{ends}; {len(self.violations)} violations"
        )


async def fuzz(fake: type[Fake], responses: int) -> FuzzSummary:
    """Sweep and probe until that many responses were given.

    With a specification, half of them have every field and half have any. With recordings, half have few changes and
    half many.
    """
    summary = FuzzSummary(fake.vendor)
    half = -(-responses // 2)
    if fake.specification is None:
        for seed, share in enumerate(_SHARES):
            async with serve_mutations(of_vendor(fake), seed, share) as server:
                await _sweep_and_probe(fake, half, summary, server.address, server.requests)
        return summary
    for all_fields in (True, False):
        with random_responses(fake, all_fields=all_fields) as proxy:
            await _sweep_and_probe(fake, half, summary, proxy.address, proxy.passed)
    return summary


async def _sweep_and_probe(
    fake: type[Fake], responses: int, summary: FuzzSummary, address: str, requests: Sized
) -> None:
    with capture_logs() as log:
        cloud = _unlimited_account(fake, address)
        try:
            while len(requests) < responses:
                for kind, region in cloud.scopes:
                    result = await cloud.sweep(kind, region)
                    _add_sweep(summary, result)
                    if cloud.probes(kind):
                        probe = await cloud.probe(kind, region, _id_to_probe(result))
                        summary.outcomes[f"probe {probe.outcome}"] += 1
                        if probe.observation:
                            summary.violations += violations_of(probe.observation)
        finally:
            await cloud.close()
        summary.responses += len(requests)
    summary.violations += [f"a parser broke: {line}" for line in log if line["event"] == "vendor_response_unreadable"]


@contextmanager
def random_responses(fake: type[Fake], *, all_fields: bool) -> Iterator[Forwarding]:
    """Serve random values with Prism. With `all_fields`, no optional field is left out; without it, most are."""
    assert fake.specification is not None
    with TemporaryDirectory() as folder:
        file = Path(folder) / "specification.json"
        file.write_text(json.dumps(_restrict(specifications.load(fake.specification), all_fields=all_fields)), "utf-8")
        with prism.serving(str(file)) as address, forwarding(address) as proxy:
            proxy.strip = fake.base_path
            proxy.headers["Prefer"] = "dynamic=true"
            yield proxy


def _restrict(specification: Any, *, all_fields: bool) -> Any:
    """Return the specification with valid ids and sizes: otherwise every page would be rejected at its first item."""
    for properties in _properties(specification):
        for name, schema in properties.items():
            json_type = schema.get("type") if isinstance(schema, dict) else None
            if json_type == "string" and name.lower().endswith("id") and not {"format", "enum"} & schema.keys():
                schema["pattern"] = "^[a-z0-9]{8}$"
            elif json_type == "integer" and name in _SIZES:
                schema.update(minimum=0, maximum=3)
    # Prism's own option: no optional field is left out.
    return specification | ({"x-json-schema-faker": {"always-fake-optionals": True}} if all_fields else {})


def _properties(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield node["properties"]
        for inner in node.values():
            yield from _properties(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _properties(inner)


def _unlimited_account(fake: type[Fake], address: str) -> VendorCloud:
    vendor_type = registry.find(fake.vendor)
    vendor = vendor_type(vendor_type.settings_type.model_validate(fake.settings(KEY)))
    own_endpoint = endpoint.parse(address, "lab")

    def base_url(region: str | None) -> str:
        return own_endpoint.apply_to(vendor.base_url(region))

    clock = ManualClock()
    transport = Transport("lab", base_url, vendor.authorize, vendor.read_failure, clock=clock, limits=QUICK)
    return VendorCloud("lab", vendor, transport, clock=clock, page_limit=_PAGES)


def _id_to_probe(result: SweepResult) -> str:
    return result.observations[0].vendor_id if result.observations else "7"


def _add_sweep(summary: FuzzSummary, result: SweepResult) -> None:
    summary.outcomes[f"sweep {result.outcome.value}"] += 1
    summary.resources += len(result.observations)
    summary.dropped += result.dropped
    for observation in result.observations:
        summary.violations += violations_of(observation)
    if KEY in repr(result):
        summary.violations.append("the key was observed")


def violations_of(observation: Observation) -> list[str]:
    """Return the impossible values of an observation."""
    violations = [f"id {observation.vendor_id!r}"] if not is_identifier(observation.vendor_id) else []
    times = (observation.created_at, observation.valid_from, observation.valid_to)
    datetimes = [time for time in times if isinstance(time, datetime)]
    violations += [f"time {time}" for time in datetimes if not _FIRST_YEAR <= time.year < _LAST_YEAR]
    violations += _texts(observation)
    violations += _access(observation.access) if isinstance(observation.access, Access) else []
    violations += _spec(observation.spec) if isinstance(observation.spec, Spec) else []
    violations += _money(observation)
    if not isinstance(observation.links, NotReported):
        violations += [f"link {link}" for link in observation.links if not is_identifier(link.vendor_id)]
    return violations


def _texts(observation: Observation) -> list[str]:
    texts = (observation.vendor_status, observation.region, observation.name, observation.status_message)
    present = [text for text in texts if isinstance(text, str)]
    return [
        f"text {text[:60]!r}" for text in present if "\0" in text or not text or len(text.encode()) > MAX_TEXT_BYTES
    ]


def _access(access: Access) -> list[str]:
    violations = [] if access.ssh_port is None or 1 <= access.ssh_port <= MAX_PORT else [f"port {access.ssh_port}"]
    addresses = [address for address in (access.external_ip, access.internal_ip) if address is not None]
    violations += [f"address {address}" for address in addresses if str(ip_address(address)) != address]
    if access.ssh_command is not None and _SHELL & set(access.ssh_command):
        violations.append(f"command {access.ssh_command!r}")
    return violations


def _spec(spec: Spec) -> list[str]:
    figures = (spec.gpu_count, spec.vcpu_count, spec.memory_gb, spec.disk_gb)
    json.dumps(dict(spec.vendor), allow_nan=False)
    return [
        f"figure {figure}" for figure in figures if figure is not None and not (math.isfinite(figure) and figure >= 0)
    ]


def _money(observation: Observation) -> list[str]:
    amounts: list[Any] = []
    violations: list[str] = []
    if isinstance(observation.price, Price):
        amounts.append((observation.price.amount, observation.price.currency))
        if (observation.price.source is PriceSource.NONE) != (observation.price.amount is None):
            violations.append(f"price {asdict(observation.price)}")
    if isinstance(observation.terms, Terms):
        amounts.append((observation.terms.running_rate, observation.terms.currency))
    for amount, currency in amounts:
        if (amount is None) != (currency is None):
            violations.append(f"{amount} {currency}")
        if amount is not None and not (math.isfinite(amount) and amount >= 0):
            violations.append(f"amount {amount}")
    return violations
