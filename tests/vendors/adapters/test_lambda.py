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
from tests.vendors.accounts import SECRET, Calls, account, lambda_settings

SPECIFICATION = "lambda-1.8.3.json"
REASON = prism.missing(SPECIFICATION)
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """Prism's address, for the module."""
    with prism.serving(SPECIFICATION) as address:
        yield address


@pytest.fixture
def between(served: str) -> Iterator[Forwarding]:
    """A double between us and Prism."""
    with forwarding(served) as rules:
        yield rules


def example(schema: str) -> dict[str, Any]:
    """The examples of a schema's properties, as the specification has them; of an enumeration its first word."""
    schemas = specifications.load(SPECIFICATION)["components"]["schemas"]
    told: dict[str, Any] = {}
    for name, declared in schemas[schema]["properties"].items():
        named = declared.get("$ref", "").rpartition("/")[2]
        if "examples" in declared:
            told[name] = declared["examples"][0]
        elif "enum" in schemas.get(named, {}):
            told[name] = schemas[named]["enum"][0]
        elif schemas.get(named, {}).get("properties"):
            told[name] = example(named)
        elif declared.get("type") == "array":
            told[name] = [example(declared["items"]["$ref"].rpartition("/")[2])]
    return told


async def sweep(address: str, kind: ResourceKind, calls: Calls | None = None) -> SweepResult:
    """Sweep one kind."""
    async with account("lambda", lambda_settings(), address, observer=calls) as cloud:
        return await cloud.sweep(kind, None)


def the_machine() -> Observation:
    """The specification's example of an instance, in our words."""
    told = example("Instance")
    offered = told["instance_type"]
    specs = offered["specs"]
    return Observation(
        kind=MACHINES,
        vendor_id=told["id"],
        resource_type=ResourceType.VM,
        status=ResourceStatus.PROVISIONING,
        vendor_status="booting",
        # Prism puts the first of the enumerated regions where the example's own word would be outside of it.
        region="europe-central-1",
        created_at=None,
        name=told["name"],
        status_message=None,
        access=Access(told["ip"], told["private_ip"], f"ssh ubuntu@{told['ip']}", 22),
        spec=Spec(
            gpu_type="nvidia-h100-sxm5-80gb",
            gpu_family="H100",
            gpu_count=specs["gpus"],
            vcpu_count=specs["vcpus"],
            memory_gb=specs["memory_gib"],
            disk_gb=specs["storage_gib"],
            vendor_sku=offered["name"],
            vendor={"hostname": told["hostname"]},
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, offered["name"], offered["price_cents_per_hour"] / 100, "USD"),
        links=(Attachment(LinkType.ATTACHED_STORAGE, VOLUMES, told["file_system_mounts"][0]["file_system_id"]),),
    )


async def test_the_example_machine(served: str) -> None:
    """Every value of the specification's example instance, and nothing of its secrets."""
    result = await sweep(served, MACHINES)

    assert (SweepOutcome.COMPLETE, 0, 1) == (result.outcome, result.dropped, result.calls)
    assert (the_machine(),) == result.observations
    told = example("Instance")
    assert told["jupyter_token"] not in repr(result)


async def test_the_example_file_system(served: str) -> None:
    """Every value of the specification's example file system."""
    result = await sweep(served, VOLUMES)

    told = example("Filesystem")
    expected = Observation(
        kind=VOLUMES,
        vendor_id=told["id"],
        resource_type=ResourceType.FILESYSTEM,
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region="europe-central-1",
        created_at=datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC),
        name=told["name"],
        status_message=None,
        access=None,
        spec=Spec(vendor={"mount_point": told["mount_point"]}),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, None, None, None),
    )
    assert (SweepOutcome.COMPLETE, (expected,)) == (result.outcome, result.observations)


async def test_a_probe_tells_what_the_sweep_tells(served: str) -> None:
    """The example instance, asked for by its id."""
    async with account("lambda", lambda_settings(), served) as cloud:
        probed = await cloud.probe(MACHINES, None, the_machine().vendor_id)

    assert ("found", the_machine()) == (probed.outcome, probed.observation)


async def test_a_probe_that_tells_of_another(served: str) -> None:
    """Prism answers every id with its one example: another machine is no answer."""
    async with account("lambda", lambda_settings(), served) as cloud:
        probed = await cloud.probe(MACHINES, None, "ffffffffffffffffffffffffffffffff")

    assert probed.problem is not None
    assert ("failed", StaleReason.MALFORMED_ANSWER) == (probed.outcome, probed.problem.reason)


async def test_file_systems_are_never_probed(served: str) -> None:
    """They have no call of their own."""
    calls = Calls()
    async with account("lambda", lambda_settings(), served, observer=calls) as cloud:
        assert (True, False) == (cloud.probes(MACHINES), cloud.probes(VOLUMES))
        assert "failed" == (await cloud.probe(VOLUMES, None, "398578a2336b49079e74043f0bd2cfe8")).outcome
    assert [] == calls.seen


@pytest.mark.parametrize("status", ["401", "403"])
@pytest.mark.parametrize("kind", ResourceKind)
async def test_rejected_credentials(between: Forwarding, kind: ResourceKind, status: str) -> None:
    """The documented 401 and 403 read AUTH_REJECTED, at one call, without the key."""
    between.headers["Prefer"] = f"code={status}"
    calls = Calls()

    result = await sweep(between.address, kind, calls)

    assert result.problem is not None
    assert (SweepOutcome.FAILED, (), 1) == (result.outcome, result.observations, result.calls)
    assert StaleReason.AUTH_REJECTED is result.problem.reason
    assert SECRET not in result.problem.detail
    assert ["auth_rejected"] == calls.outcomes


async def test_the_vendors_own_words_for_no_such_thing(between: Forwarding) -> None:
    """The documented 404 of one instance is a witness of absence."""
    between.headers["Prefer"] = "code=404"

    async with account("lambda", lambda_settings(), between.address) as cloud:
        assert "gone" == (await cloud.probe(MACHINES, None, "0920582c7ff041399e34823a0be62549")).outcome


@pytest.mark.parametrize("kind", ResourceKind)
async def test_a_404_on_a_list_is_no_empty_account(between: Forwarding, kind: ResourceKind) -> None:
    """Prism's own 404, for a path that the specification does not have, is a malformed answer."""
    between.prepend = "/moved"

    result = await sweep(between.address, kind)

    assert result.problem is not None
    assert (SweepOutcome.FAILED, StaleReason.MALFORMED_ANSWER) == (result.outcome, result.problem.reason)


async def test_an_endpoint_with_a_prefix(between: Forwarding) -> None:
    """The vendor's own base path follows the endpoint's prefix."""
    between.strip = "/proxied/lambda"

    result = await sweep(f"{between.address}/proxied/lambda/", MACHINES)

    assert ["/proxied/lambda/api/v1/instances"] == between.passed
    assert SweepOutcome.COMPLETE is result.outcome


async def test_nonsense_of_the_right_shape_never_breaks_it(between: Forwarding) -> None:
    """Random values that fit the specification's schema: whatever comes, it is told or dropped."""
    between.headers["Prefer"] = "dynamic=true"

    for kind in ResourceKind:
        result = await sweep(between.address, kind)
        assert SweepOutcome.COMPLETE is result.outcome or result.problem is not None
        assert "jupyter" not in repr(result.observations)
