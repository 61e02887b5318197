"""DigitalOcean against Prism, which serves the vendor's own specification and enforces it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import pytest

from domain.enums import ContractType, OfferType, PriceSource, ResourceKind, ResourceStatus, ResourceType, StaleReason
from domain.records.observation import NO_PRICE, Access, Observation, Price, Spec, SweepOutcome, SweepResult, Terms
from tests.doubles import prism, specifications
from tests.doubles.forwarder import Forwarding, forwarding
from tests.vendors.accounts import SECRET, account

SPECIFICATION = "digitalocean.json"
REASON = prism.missing(SPECIFICATION)
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")
MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
SETTINGS = {"credentials": {"api_key": SECRET}}
GPUS = {"nvidia_h100": ("nvidia-h100-80gb", "H100")}


@pytest.fixture(scope="module")
def prism_address() -> Iterator[str]:
    """Prism's address, for the module: Prism takes seconds to read this specification."""
    with prism.serving(SPECIFICATION) as address:
        yield address


@pytest.fixture
def proxy(prism_address: str) -> Iterator[Forwarding]:
    """A proxy in front of Prism."""
    with forwarding(prism_address) as rules:
        yield rules


@cache
def examples(response: str) -> Mapping[str, Any]:
    """Return the examples of a response, by their names."""
    document = specifications.load(SPECIFICATION)
    named_examples = document["components"]["responses"][response]["content"]["application/json"]["examples"]
    values: dict[str, Any] = {name: resolve(document, example)["value"] for name, example in named_examples.items()}
    return values


def resolve(document: Any, part: Any) -> Any:
    """Return the object that a reference stands for."""
    while "$ref" in part:
        steps, part = part["$ref"].removeprefix("#/").split("/"), document
        for step in steps:
            part = part[step.replace("~1", "/")]
    return part


def machine(droplet: Mapping[str, Any]) -> Observation:
    """Return an example of a Droplet as an observation, value by value."""
    size, gpus = droplet["size"], droplet["size"].get("gpu_info", {})
    addresses = {network["type"]: network["ip_address"] for network in droplet["networks"]["v4"]}
    gpu_type, family = GPUS[gpus["model"]] if gpus else (None, None)
    assert "active" == droplet["status"]
    return Observation(
        kind=MACHINES,
        vendor_id=str(droplet["id"]),
        resource_type=ResourceType.VM,
        status=ResourceStatus.RUNNING,
        vendor_status=droplet["status"],
        region=droplet["region"]["slug"],
        created_at=datetime.fromisoformat(droplet["created_at"]),
        name=droplet["name"],
        status_message=None,
        access=Access(addresses["public"], addresses["private"], f"ssh root@{addresses['public']}", 22),
        spec=Spec(
            gpu_type=gpu_type,
            gpu_family=family,
            gpu_count=gpus.get("count"),
            vcpu_count=droplet["vcpus"],
            memory_gb=droplet["memory"] / 1024,
            disk_gb=droplet["disk"],
            vendor_sku=droplet["size_slug"],
            image=droplet["image"]["slug"],
            vendor={"locked": droplet["locked"], "vpc_uuid": droplet["vpc_uuid"]},
        ),
        price=Price(size["price_hourly"], "USD", PriceSource.VENDOR),
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, droplet["size_slug"], size["price_hourly"], "USD"),
    )


def volume(item: Mapping[str, Any]) -> Observation:
    """Return an example of a volume as an observation, value by value."""
    assert [] == item["droplet_ids"]
    facts = {name: item[name] for name in ("filesystem_type", "filesystem_label")}
    return Observation(
        kind=VOLUMES,
        vendor_id=item["id"],
        resource_type=ResourceType.BLOCK_DISK,
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=item["region"]["slug"],
        created_at=datetime.fromisoformat(item["created_at"]),
        name=item["name"],
        status_message=None,
        access=None,
        spec=Spec(disk_gb=item["size_gigabytes"], vendor=facts),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, None, None, None),
        links=(),
    )


async def sweep(address: str, kind: ResourceKind) -> SweepResult:
    """Sweep one kind."""
    async with account("digitalocean", SETTINGS, address) as cloud:
        return await cloud.sweep(kind, None)


@pytest.mark.parametrize("name", ["All Droplets", "GPU Droplets"])
async def test_example_droplets(proxy: Forwarding, name: str) -> None:
    """Every value of both examples is read. Prism gives both calls the same response."""
    proxy.headers["Prefer"] = f"example={name}"
    result = await sweep(proxy.address, MACHINES)

    droplets = examples("all_droplets")[name]["droplets"]
    assert (SweepOutcome.COMPLETE, None, 0) == (result.outcome, result.problem, result.dropped)
    assert [machine(droplet) for droplet in droplets] == list(result.observations)
    assert ["/v2/droplets?per_page=200&page=1", "/v2/droplets?per_page=200&page=1&type=gpus"] == proxy.passed


async def test_example_volumes(proxy: Forwarding) -> None:
    """Every value of the example is read."""
    result = await sweep(proxy.address, VOLUMES)

    volumes = examples("volumes")["All Volumes"]["volumes"]
    assert (SweepOutcome.COMPLETE, None, 0) == (result.outcome, result.problem, result.dropped)
    assert [volume(item) for item in volumes] == list(result.observations)
    assert ["/v2/volumes?per_page=200&page=1"] == proxy.passed


async def test_example_of_one_droplet(proxy: Forwarding) -> None:
    """A probe reads the same fields; the specification's example of a 404 means that the Droplet does not exist."""
    droplet = examples("existing_droplet")["Single Droplet"]["droplet"]
    async with account("digitalocean", SETTINGS, proxy.address) as cloud:
        probe = await cloud.probe(MACHINES, None, str(droplet["id"]))
        proxy.headers["Prefer"] = "code=404"
        missing = await cloud.probe(MACHINES, None, str(droplet["id"]))

    assert ("found", machine(droplet)) == (probe.outcome, probe.observation)
    assert "gone" == missing.outcome


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (401, StaleReason.AUTH_REJECTED),
        (404, StaleReason.MALFORMED_ANSWER),
        (429, StaleReason.RATE_LIMITED),
        (500, StaleReason.VENDOR_DOWN),
    ],
)
async def test_documented_failures(proxy: Forwarding, code: int, reason: StaleReason) -> None:
    """Each failure has its reason, and none is an empty account."""
    proxy.headers["Prefer"] = f"code={code}"
    result = await sweep(proxy.address, MACHINES)

    assert result.problem is not None
    assert (SweepOutcome.FAILED, (), reason) == (result.outcome, result.observations, result.problem.reason)
