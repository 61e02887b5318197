"""Vast.ai against Prism, which serves the vendor's own specification and enforces it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.enums import (
    ContractType,
    OfferType,
    PriceSource,
    ResourceKind,
    ResourceStatus,
    ResourceType,
    StaleReason,
)
from domain.records.observation import (
    NO_PRICE,
    NOT_REPORTED,
    Access,
    Observation,
    Price,
    Spec,
    SweepOutcome,
    SweepResult,
    Terms,
)
from tests.doubles import prism, specifications
from tests.doubles.forwarder import Forwarding, forwarding
from tests.vendors.accounts import SECRET, CallRecorder, account, lambda_settings

SPECIFICATION = "vast.yaml"
REASON = prism.missing(SPECIFICATION)
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES


@pytest.fixture(scope="module")
def prism_address() -> Iterator[str]:
    """Prism's address, for the module."""
    with prism.serving(SPECIFICATION) as address:
        yield address


@pytest.fixture
def proxy(prism_address: str) -> Iterator[Forwarding]:
    """A proxy in front of Prism."""
    with forwarding(prism_address) as rules:
        yield rules


def examples(schema: Any) -> dict[str, Any]:
    """Return the examples of an object's properties."""
    return {
        name: property_schema["example"]
        for name, property_schema in schema["properties"].items()
        if "example" in property_schema
    }


def listed_example() -> dict[str, Any]:
    """Return the specification's example of an instance in a list."""
    answers = specifications.load(SPECIFICATION)["paths"]["/api/v1/instances"]["get"]["responses"]
    return examples(answers["200"]["content"]["application/json"]["schema"]["properties"]["instances"]["items"])


def single_example() -> dict[str, Any]:
    """Return the specification's example of one instance."""
    return examples(specifications.load(SPECIFICATION)["components"]["schemas"]["Instance"])


async def sweep(address: str, kind: ResourceKind, calls: CallRecorder | None = None) -> SweepResult:
    """Sweep one kind."""
    async with account("vast", lambda_settings(), address, observer=calls) as cloud:
        return await cloud.sweep(kind, None)


def expected_facts(instance: dict[str, Any]) -> dict[str, Any]:
    """Return the vendor facts of an example."""
    facts = {
        "intended_status": instance["intended_status"],
        "cur_state": instance["cur_state"],
        "template_name": instance["template_name"],
        "machine_id": str(instance["machine_id"]),
        "host_id": str(instance["host_id"]),
        "verification": instance["verification"],
        "static_ip": instance["static_ip"],
        "gpu_fraction": instance["gpu_frac"],
        "gpu_memory_mb": instance["gpu_ram"],
        "cpu_name": instance["cpu_name"],
        "cpu_arch": instance["cpu_arch"],
        "host_memory_mb": instance["cpu_ram"],
        "disk_name": instance["disk_name"],
    }
    return {name: value for name, value in facts.items() if value is not None}


def expected(instance: dict[str, Any], access: Access, gpu: tuple[str, str], **other_fields: Any) -> Observation:
    """Return an example as an observation; `other_fields` are the fields that depend on the test."""
    start = datetime.fromtimestamp(instance["start_date"], UTC)
    return Observation(
        kind=MACHINES,
        vendor_id=str(instance["id"]),
        resource_type=ResourceType.CONTAINER,
        status=ResourceStatus.RUNNING,
        vendor_status=instance["actual_status"],
        region=instance["geolocation"],
        created_at=start,
        name=instance["label"],
        status_message=instance["status_msg"],
        access=access,
        spec=Spec(
            gpu_type=gpu[0],
            gpu_family=gpu[1],
            gpu_count=instance["num_gpus"],
            vcpu_count=instance["cpu_cores_effective"],
            disk_gb=instance["disk_space"],
            image=instance["image_uuid"],
            vendor=expected_facts(instance),
        ),
        valid_from=start,
        valid_to=datetime.fromtimestamp(instance["end_date"], UTC),
        **other_fields,
    )


async def test_example_of_a_list(prism_address: str) -> None:
    """Every value of the example is read. Prism's token never changes, so the sweep ends as partial."""
    result = await sweep(prism_address, MACHINES)

    instance = listed_example()
    mapped = instance["ports"]["22/tcp"][0]["HostPort"]
    address = instance["public_ipaddr"]
    access = Access(address, instance["local_ipaddrs"].split()[0], f"ssh root@{address} -p {mapped}", int(mapped))
    assert instance["credit_discount"], "it was paid in advance, so its cost is not reported"
    terms = Terms(OfferType.CONTAINER, ContractType.RESERVED, None, None, None)
    gpu = ("nvidia-rtx-4090-24gb", "RTX 4090")
    assert (expected(instance, access, gpu, price=NO_PRICE, terms=terms),) == result.observations
    assert result.problem is not None
    assert (SweepOutcome.PARTIAL, StaleReason.PARTIAL_SWEEP, 2, 0) == (
        result.outcome,
        result.problem.reason,
        result.calls,
        result.dropped,
    )
    for secret in (instance["jupyter_token"], instance["onstart"], "DOG"):
        assert secret not in repr(result)


async def test_example_of_one_instance(prism_address: str) -> None:
    """Every value of the example is read. Its ports are not a mapping, so SSH goes through Vast's host."""
    instance = single_example()
    async with account("vast", lambda_settings(), prism_address) as cloud:
        probe = await cloud.probe(MACHINES, None, str(instance["id"]))

    host, port = instance["ssh_host"], instance["ssh_port"]
    internal_ip = instance["local_ipaddrs"].split()[0]
    access = Access(instance["public_ipaddr"], internal_ip, f"ssh root@{host} -p {port}", port)
    rate = instance["dph_total"]
    observation = expected(
        instance,
        access,
        ("nvidia-rtx-a5000-24gb", "RTX A5000"),
        price=Price(rate, "USD", PriceSource.VENDOR),
        terms=Terms(OfferType.CONTAINER, ContractType.ONDEMAND, None, rate, "USD"),
    )
    assert ("found", observation) == (probe.outcome, probe.observation)
    assert rate == pytest.approx(instance["dph_base"] + instance["storage_total_cost"]), (
        "what a stopped one still costs"
    )
    assert instance["jupyter_token"] not in repr(probe)


async def test_generated_volume(prism_address: str) -> None:
    """The specification has no example of a volume: its links have an unknown shape, and close nothing."""
    result = await sweep(prism_address, VOLUMES)

    (observation,) = result.observations
    assert (SweepOutcome.COMPLETE, "0", ResourceStatus.UNKNOWN, "string", NOT_REPORTED) == (
        result.outcome,
        observation.vendor_id,
        observation.status,
        observation.vendor_status,
        observation.links,
    )


async def test_probe_of_another_instance(prism_address: str) -> None:
    """Prism answers every id with its one example: a response with another instance is malformed."""
    async with account("vast", lambda_settings(), prism_address) as cloud:
        probe = await cloud.probe(MACHINES, None, "7")

    assert probe.problem is not None
    assert ("failed", StaleReason.MALFORMED_ANSWER) == (probe.outcome, probe.problem.reason)


@pytest.mark.parametrize(("status", "reason"), [("401", StaleReason.AUTH_REJECTED), ("429", StaleReason.RATE_LIMITED)])
@pytest.mark.parametrize("kind", ResourceKind)
async def test_refusals(proxy: Forwarding, kind: ResourceKind, status: str, reason: StaleReason) -> None:
    """The documented refusals have their reasons, after one call and without the key."""
    proxy.headers["Prefer"] = f"code={status}"
    result = await sweep(proxy.address, kind)

    assert result.problem is not None
    assert (SweepOutcome.FAILED, (), 1, reason) == (
        result.outcome,
        result.observations,
        result.calls,
        result.problem.reason,
    )
    assert SECRET not in result.problem.detail


async def test_called_paths(proxy: Forwarding) -> None:
    """Three paths are called, under the specification's own base."""
    async with account("vast", lambda_settings(), proxy.address) as cloud:
        for kind in ResourceKind:
            await cloud.sweep(kind, None)
        await cloud.probe(MACHINES, None, "883")

    paths = [path.partition("?")[0] for path in proxy.passed]
    assert ["/api/v1/instances"] * 2 + ["/api/v0/volumes", "/api/v0/instances/883"] == paths
