"""Lambda Cloud against Prism, which serves the vendor's own specification and enforces it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.enums import ContractType, LinkType, OfferType, ResourceKind, ResourceStatus, ResourceType, StaleReason
from domain.records.observation import (
    NO_PRICE,
    Access,
    Attachment,
    Observation,
    Spec,
    SweepOutcome,
    SweepResult,
    Terms,
)
from tests.doubles import prism, specifications
from tests.doubles.forwarder import Forwarding, forwarding
from tests.vendors.accounts import SECRET, CallRecorder, account, lambda_settings

SPECIFICATION = "lambda-1.8.3.json"
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


def example(schema: str) -> dict[str, Any]:
    """Return the examples of a schema's properties; of an enumeration, its first value."""
    schemas = specifications.load(SPECIFICATION)["components"]["schemas"]
    values: dict[str, Any] = {}
    for name, declared in schemas[schema]["properties"].items():
        named = declared.get("$ref", "").rpartition("/")[2]
        if "examples" in declared:
            values[name] = declared["examples"][0]
        elif "enum" in schemas.get(named, {}):
            values[name] = schemas[named]["enum"][0]
        elif schemas.get(named, {}).get("properties"):
            values[name] = example(named)
        elif declared.get("type") == "array":
            values[name] = [example(declared["items"]["$ref"].rpartition("/")[2])]
    return values


async def sweep(address: str, kind: ResourceKind, calls: CallRecorder | None = None) -> SweepResult:
    """Sweep one kind."""
    async with account("lambda", lambda_settings(), address, observer=calls) as cloud:
        return await cloud.sweep(kind, None)


def example_machine() -> Observation:
    """Return the specification's example of an instance as an observation."""
    item = example("Instance")
    instance_type = item["instance_type"]
    specs = instance_type["specs"]
    return Observation(
        kind=MACHINES,
        vendor_id=item["id"],
        resource_type=ResourceType.VM,
        status=ResourceStatus.PROVISIONING,
        vendor_status="booting",
        # Prism uses the first of the enumerated regions, because the example's own value is not among them.
        region="europe-central-1",
        created_at=None,
        name=item["name"],
        status_message=None,
        # It is booting, and accepts no connection yet.
        access=Access(item["ip"], item["private_ip"]),
        spec=Spec(
            gpu_type="nvidia-h100-sxm5-80gb",
            gpu_family="H100",
            gpu_count=specs["gpus"],
            vcpu_count=specs["vcpus"],
            memory_gb=specs["memory_gib"],
            disk_gb=specs["storage_gib"],
            vendor_sku=instance_type["name"],
            vendor={"hostname": item["hostname"]},
        ),
        price=NO_PRICE,
        terms=Terms(
            OfferType.VM,
            ContractType.ONDEMAND,
            instance_type["name"],
            instance_type["price_cents_per_hour"] / 100,
            "USD",
        ),
        links=(Attachment(LinkType.ATTACHED_STORAGE, VOLUMES, item["file_system_mounts"][0]["file_system_id"]),),
    )


async def test_example_machine(prism_address: str) -> None:
    """Every value of the example instance is read, and none of its secrets."""
    result = await sweep(prism_address, MACHINES)

    assert (SweepOutcome.COMPLETE, 0, 1) == (result.outcome, result.dropped, result.calls)
    assert (example_machine(),) == result.observations
    item = example("Instance")
    assert item["jupyter_token"] not in repr(result)


async def test_example_file_system(prism_address: str) -> None:
    """Every value of the example file system is read."""
    result = await sweep(prism_address, VOLUMES)

    item = example("Filesystem")
    expected = Observation(
        kind=VOLUMES,
        vendor_id=item["id"],
        resource_type=ResourceType.FILESYSTEM,
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region="europe-central-1",
        created_at=datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC),
        name=item["name"],
        status_message=None,
        access=None,
        spec=Spec(vendor={"mount_point": item["mount_point"]}),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, None, None, None),
    )
    assert (SweepOutcome.COMPLETE, (expected,)) == (result.outcome, result.observations)


async def test_probe_equals_sweep(prism_address: str) -> None:
    """The example instance, requested by its id, equals that of the sweep."""
    async with account("lambda", lambda_settings(), prism_address) as cloud:
        probe = await cloud.probe(MACHINES, None, example_machine().vendor_id)

    assert ("found", example_machine()) == (probe.outcome, probe.observation)


async def test_probe_of_another_machine(prism_address: str) -> None:
    """Prism answers every id with its one example: a response with another machine is malformed."""
    async with account("lambda", lambda_settings(), prism_address) as cloud:
        probe = await cloud.probe(MACHINES, None, "ffffffffffffffffffffffffffffffff")

    assert probe.problem is not None
    assert ("failed", StaleReason.MALFORMED_ANSWER) == (probe.outcome, probe.problem.reason)


async def test_file_systems_are_not_probed(prism_address: str) -> None:
    """File systems have no call for a single one."""
    calls = CallRecorder()
    async with account("lambda", lambda_settings(), prism_address, observer=calls) as cloud:
        assert (True, False) == (cloud.probes(MACHINES), cloud.probes(VOLUMES))
        assert "failed" == (await cloud.probe(VOLUMES, None, "398578a2336b49079e74043f0bd2cfe8")).outcome
    assert [] == calls.calls


@pytest.mark.parametrize("status", ["401", "403"])
@pytest.mark.parametrize("kind", ResourceKind)
async def test_rejected_credentials(proxy: Forwarding, kind: ResourceKind, status: str) -> None:
    """The documented 401 and 403 read AUTH_REJECTED, after one call, without the key."""
    proxy.headers["Prefer"] = f"code={status}"
    calls = CallRecorder()

    result = await sweep(proxy.address, kind, calls)

    assert result.problem is not None
    assert (SweepOutcome.FAILED, (), 1) == (result.outcome, result.observations, result.calls)
    assert StaleReason.AUTH_REJECTED is result.problem.reason
    assert SECRET not in result.problem.detail
    assert ["auth_rejected"] == calls.outcomes


async def test_documented_404_of_an_instance(proxy: Forwarding) -> None:
    """The documented 404 of one instance is evidence of absence."""
    proxy.headers["Prefer"] = "code=404"

    async with account("lambda", lambda_settings(), proxy.address) as cloud:
        assert "gone" == (await cloud.probe(MACHINES, None, "0920582c7ff041399e34823a0be62549")).outcome


@pytest.mark.parametrize("kind", ResourceKind)
async def test_404_of_a_list(proxy: Forwarding, kind: ResourceKind) -> None:
    """Prism's own 404, for a path that the specification does not have, is malformed."""
    proxy.prepend = "/moved"

    result = await sweep(proxy.address, kind)

    assert result.problem is not None
    assert (SweepOutcome.FAILED, StaleReason.MALFORMED_ANSWER) == (result.outcome, result.problem.reason)


async def test_endpoint_with_a_prefix(proxy: Forwarding) -> None:
    """The vendor's own base path follows the endpoint's prefix."""
    proxy.strip = "/proxied/lambda"

    result = await sweep(f"{proxy.address}/proxied/lambda/", MACHINES)

    assert ["/proxied/lambda/api/v1/instances"] == proxy.passed
    assert SweepOutcome.COMPLETE is result.outcome


async def test_random_values(proxy: Forwarding) -> None:
    """Random values that fit the specification's schema are read or dropped."""
    proxy.headers["Prefer"] = "dynamic=true"

    for kind in ResourceKind:
        result = await sweep(proxy.address, kind)
        assert SweepOutcome.COMPLETE is result.outcome or result.problem is not None
        assert "jupyter" not in repr(result.observations)
