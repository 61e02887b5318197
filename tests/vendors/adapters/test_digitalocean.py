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
def served() -> Iterator[str]:
    """Prism's address, for the module: it takes seconds to read this specification."""
    with prism.serving(SPECIFICATION) as address:
        yield address


@pytest.fixture
def between(served: str) -> Iterator[Forwarding]:
    """A double between us and Prism."""
    with forwarding(served) as rules:
        yield rules


@cache
def examples(response: str) -> Mapping[str, Any]:
    """The examples of a response, by their names."""
    whole = specifications.load(SPECIFICATION)
    told = whole["components"]["responses"][response]["content"]["application/json"]["examples"]
    found: dict[str, Any] = {name: resolved(whole, one)["value"] for name, one in told.items()}
    return found


def resolved(whole: Any, part: Any) -> Any:
    """What a reference stands for."""
    while "$ref" in part:
        steps, part = part["$ref"].removeprefix("#/").split("/"), whole
        for step in steps:
            part = part[step.replace("~1", "/")]
    return part


def machine(told: Mapping[str, Any]) -> Observation:
    """An example of a Droplet in our words, value by value."""
    size, gpus = told["size"], told["size"].get("gpu_info", {})
    addresses = {one["type"]: one["ip_address"] for one in told["networks"]["v4"]}
    gpu_type, family = GPUS[gpus["model"]] if gpus else (None, None)
    assert "active" == told["status"]
    return Observation(
        kind=MACHINES,
        vendor_id=str(told["id"]),
        resource_type=ResourceType.VM,
        status=ResourceStatus.RUNNING,
        vendor_status=told["status"],
        region=told["region"]["slug"],
        created_at=datetime.fromisoformat(told["created_at"]),
        name=told["name"],
        status_message=None,
        access=Access(addresses["public"], addresses["private"], f"ssh root@{addresses['public']}", 22),
        spec=Spec(
            gpu_type=gpu_type,
            gpu_family=family,
            gpu_count=gpus.get("count"),
            vcpu_count=told["vcpus"],
            memory_gb=told["memory"] / 1024,
            disk_gb=told["disk"],
            vendor_sku=told["size_slug"],
            image=told["image"]["slug"],
            vendor={"locked": told["locked"], "vpc_uuid": told["vpc_uuid"]},
        ),
        price=Price(size["price_hourly"], "USD", PriceSource.VENDOR),
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, told["size_slug"], size["price_hourly"], "USD"),
    )


def volume(told: Mapping[str, Any]) -> Observation:
    """An example of a volume in our words, value by value."""
    assert [] == told["droplet_ids"]
    facts = {name: told[name] for name in ("filesystem_type", "filesystem_label")}
    return Observation(
        kind=VOLUMES,
        vendor_id=told["id"],
        resource_type=ResourceType.BLOCK_DISK,
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=told["region"]["slug"],
        created_at=datetime.fromisoformat(told["created_at"]),
        name=told["name"],
        status_message=None,
        access=None,
        spec=Spec(disk_gb=told["size_gigabytes"], vendor=facts),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, None, None, None),
        links=(),
    )


async def sweep(address: str, kind: ResourceKind) -> SweepResult:
    """Sweep one kind."""
    async with account("digitalocean", SETTINGS, address) as cloud:
        return await cloud.sweep(kind, None)


@pytest.mark.parametrize("name", ["All Droplets", "GPU Droplets"])
async def test_the_example_droplets(between: Forwarding, name: str) -> None:
    """Every value of both examples; Prism tells the same one to each of the two calls."""
    between.headers["Prefer"] = f"example={name}"
    result = await sweep(between.address, MACHINES)

    told = examples("all_droplets")[name]["droplets"]
    assert (SweepOutcome.COMPLETE, None, 0) == (result.outcome, result.problem, result.dropped)
    assert [machine(one) for one in told] == list(result.observations)
    assert ["/v2/droplets?per_page=200&page=1", "/v2/droplets?per_page=200&page=1&type=gpus"] == between.passed


async def test_the_example_volumes(between: Forwarding) -> None:
    """Every value."""
    result = await sweep(between.address, VOLUMES)

    told = examples("volumes")["All Volumes"]["volumes"]
    assert (SweepOutcome.COMPLETE, None, 0) == (result.outcome, result.problem, result.dropped)
    assert [volume(one) for one in told] == list(result.observations)
    assert ["/v2/volumes?per_page=200&page=1"] == between.passed


async def test_the_example_of_one_droplet(between: Forwarding) -> None:
    """A probe tells the same; what the specification has for one that is not there is its word for it."""
    told = examples("existing_droplet")["Single Droplet"]["droplet"]
    async with account("digitalocean", SETTINGS, between.address) as cloud:
        found = await cloud.probe(MACHINES, None, str(told["id"]))
        between.headers["Prefer"] = "code=404"
        gone = await cloud.probe(MACHINES, None, str(told["id"]))

    assert ("found", machine(told)) == (found.outcome, found.observation)
    assert "gone" == gone.outcome


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (401, StaleReason.AUTH_REJECTED),
        (404, StaleReason.MALFORMED_ANSWER),
        (429, StaleReason.RATE_LIMITED),
        (500, StaleReason.VENDOR_DOWN),
    ],
)
async def test_the_documented_failures_of_a_list(between: Forwarding, code: int, reason: StaleReason) -> None:
    """Each is told apart, and none is an empty account."""
    between.headers["Prefer"] = f"code={code}"
    result = await sweep(between.address, MACHINES)

    assert result.problem is not None
    assert (SweepOutcome.FAILED, (), reason) == (result.outcome, result.observations, result.problem.reason)
