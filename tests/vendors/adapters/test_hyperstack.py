"""Hyperstack against Prism, which serves the vendor's own specification and enforces it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.enums import ContractType, LinkType, OfferType, ResourceKind, ResourceStatus, ResourceType, StaleReason
from domain.records.observation import NO_PRICE, Attachment, Observation, Spec, SweepOutcome, SweepResult, Terms
from tests.doubles import prism, specifications
from tests.doubles.forwarder import Forwarding, forwarding
from tests.vendors.accounts import SECRET, Calls, account, lambda_settings

SPECIFICATION = "hyperstack.yaml"
REASON = prism.missing(SPECIFICATION)
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
TIME = datetime(2000, 1, 23, 4, 56, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """Prism's address, for the module."""
    with prism.serving(SPECIFICATION) as address:
        yield address


@pytest.fixture
def between(served: str) -> Iterator[Forwarding]:
    """A double between us and Prism, which knows the paths without the specification's base."""
    with forwarding(served) as rules:
        rules.strip = "/v1"
        yield rules


def example(schema: str, name: str) -> dict[str, Any]:
    """The first item of a schema's example."""
    items = specifications.load(SPECIFICATION)["components"]["schemas"][schema]["example"][name]
    told: dict[str, Any] = items[0]
    return told


async def sweep(address: str, kind: ResourceKind, calls: Calls | None = None) -> SweepResult:
    """Sweep one kind."""
    async with account("hyperstack", lambda_settings(), address, observer=calls) as cloud:
        return await cloud.sweep(kind, None)


async def test_the_example_machine(between: Forwarding) -> None:
    """Every value of it. The example holds two of one id, of a count of 0: so the sweep is partial."""
    result = await sweep(between.address, MACHINES)

    told = example("Instances", "instances")
    flavor, environment = told["flavor"], told["environment"]
    volume = told["volume_attachments"][0]["volume"]
    expected = Observation(
        kind=MACHINES,
        vendor_id=str(told["id"]),
        resource_type=ResourceType.VM,
        status=ResourceStatus.UNKNOWN,
        vendor_status=told["status"],
        region=environment["region"],
        created_at=TIME,
        name=told["name"],
        status_message=None,
        # "floating_ip" is no address.
        access=None,
        spec=Spec(
            gpu_type=flavor["gpu"],
            gpu_family=None,
            gpu_count=flavor["gpu_count"],
            vcpu_count=flavor["cpu"],
            memory_gb=flavor["ram"],
            disk_gb=flavor["disk"],
            vendor_sku=flavor["name"],
            image=told["image"]["name"],
            vendor={
                "gpu": flavor["gpu"],
                "environment": environment["name"],
                "ephemeral_disk_gb": flavor["ephemeral"],
                "os": told["os"],
                "vm_state": told["vm_state"],
                "power_state": told["power_state"],
                "floating_ip_status": told["floating_ip_status"],
                "contract_id": str(told["contract_id"]),
                "locked": told["locked"],
            },
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.VM, ContractType.RESERVED, flavor["name"], None, None),
        links=(Attachment(LinkType.ATTACHED_STORAGE, VOLUMES, str(volume["id"]), TIME),),
    )
    assert (expected,) == result.observations
    assert result.problem is not None
    assert (SweepOutcome.PARTIAL, StaleReason.PARTIAL_SWEEP) == (result.outcome, result.problem.reason)
    assert 4 == result.dropped, "two addresses of each of the two"
    assert told["callback_url"] not in repr(result)


async def test_the_example_volume(between: Forwarding) -> None:
    """Every value of it; partial for the same reason."""
    result = await sweep(between.address, VOLUMES)

    told = example("Volumes", "volumes")
    environment = told["environment"]
    expected = Observation(
        kind=VOLUMES,
        vendor_id=str(told["id"]),
        resource_type=ResourceType.BLOCK_DISK,
        status=ResourceStatus.UNKNOWN,
        vendor_status=told["status"],
        region=environment["region"],
        created_at=TIME,
        name=told["name"],
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=told["size"],
            vendor_sku=told["volume_type"],
            vendor={
                "environment": environment["name"],
                "description": told["description"],
                "bootable": told["bootable"],
                "image_id": str(told["image_id"]),
            },
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, told["volume_type"], None, None),
    )
    assert ((expected,), SweepOutcome.PARTIAL, 1, 0) == (
        result.observations,
        result.outcome,
        result.calls,
        result.dropped,
    )


@pytest.mark.parametrize(
    ("status", "reason"), [("401", StaleReason.AUTH_REJECTED), ("400", StaleReason.MALFORMED_ANSWER)]
)
@pytest.mark.parametrize("kind", ResourceKind)
async def test_refusals(between: Forwarding, kind: ResourceKind, status: str, reason: StaleReason) -> None:
    """The documented ones, each at one call and without the key."""
    between.headers["Prefer"] = f"code={status}"
    result = await sweep(between.address, kind)

    assert result.problem is not None
    assert (SweepOutcome.FAILED, (), 1, reason) == (
        result.outcome,
        result.observations,
        result.calls,
        result.problem.reason,
    )
    assert SECRET not in result.problem.detail


async def test_exactly_what_is_called(between: Forwarding) -> None:
    """Two lists and the pricebook; a machine that is asked for by its id costs no call."""
    async with account("hyperstack", lambda_settings(), between.address) as cloud:
        for kind in ResourceKind:
            assert not cloud.probes(kind)
            await cloud.sweep(kind, None)
            assert "failed" == (await cloud.probe(kind, None, "4")).outcome

    assert [
        "/v1/core/virtual-machines?page=1&pageSize=100",
        "/v1/pricebook",
        "/v1/core/volumes?page=1&pageSize=100",
    ] == between.passed
