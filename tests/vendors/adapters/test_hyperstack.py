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
from tests.vendors.accounts import SECRET, CallRecorder, account, lambda_settings

SPECIFICATION = "hyperstack.yaml"
REASON = prism.missing(SPECIFICATION)
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
TIME = datetime(2000, 1, 23, 4, 56, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def prism_address() -> Iterator[str]:
    """Prism's address, for the module."""
    with prism.serving(SPECIFICATION) as address:
        yield address


@pytest.fixture
def proxy(prism_address: str) -> Iterator[Forwarding]:
    """A proxy in front of Prism, which serves the paths without the specification's base path."""
    with forwarding(prism_address) as rules:
        rules.strip = "/v1"
        yield rules


def example(schema: str, name: str) -> dict[str, Any]:
    """Return the first item of a schema's example."""
    items = specifications.load(SPECIFICATION)["components"]["schemas"][schema]["example"][name]
    item: dict[str, Any] = items[0]
    return item


async def sweep(address: str, kind: ResourceKind, calls: CallRecorder | None = None) -> SweepResult:
    """Sweep one kind."""
    async with account("hyperstack", lambda_settings(), address, observer=calls) as cloud:
        return await cloud.sweep(kind, None)


def expected_machine(item: dict[str, Any]) -> Observation:
    """Return the example of a machine as an observation, value by value."""
    flavor, environment = item["flavor"], item["environment"]
    volume = item["volume_attachments"][0]["volume"]
    return Observation(
        kind=MACHINES,
        vendor_id=str(item["id"]),
        resource_type=ResourceType.VM,
        status=ResourceStatus.UNKNOWN,
        vendor_status=item["status"],
        region=environment["region"],
        created_at=TIME,
        name=item["name"],
        status_message=None,
        access=None,  # "floating_ip" is not a valid address.
        spec=Spec(
            gpu_type=flavor["gpu"],
            gpu_family=None,
            gpu_count=flavor["gpu_count"],
            vcpu_count=flavor["cpu"],
            memory_gb=flavor["ram"],
            disk_gb=flavor["disk"],
            vendor_sku=flavor["name"],
            image=item["image"]["name"],
            vendor={
                "gpu": flavor["gpu"],
                "environment": environment["name"],
                "ephemeral_disk_gb": flavor["ephemeral"],
                "os": item["os"],
                "vm_state": item["vm_state"],
                "power_state": item["power_state"],
                "floating_ip_status": item["floating_ip_status"],
                "contract_id": str(item["contract_id"]),
                "locked": item["locked"],
            },
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.VM, ContractType.RESERVED, flavor["name"], None, None),
        links=(Attachment(LinkType.ATTACHED_STORAGE, VOLUMES, str(volume["id"]), TIME),),
    )


async def test_example_machine(proxy: Forwarding) -> None:
    """Every value of the example is read. It contains two machines of one id and a count of 0, so the sweep is partial."""
    result = await sweep(proxy.address, MACHINES)

    item = example("Instances", "instances")
    assert (expected_machine(item),) == result.observations
    assert result.problem is not None
    assert (SweepOutcome.PARTIAL, StaleReason.PARTIAL_SWEEP) == (result.outcome, result.problem.reason)
    assert 4 == result.dropped, "two addresses of each of the two machines"
    assert item["callback_url"] not in repr(result)


async def test_example_volume(proxy: Forwarding) -> None:
    """Every value of the example is read; the sweep is partial for the same reason."""
    result = await sweep(proxy.address, VOLUMES)

    item = example("Volumes", "volumes")
    environment = item["environment"]
    expected = Observation(
        kind=VOLUMES,
        vendor_id=str(item["id"]),
        resource_type=ResourceType.BLOCK_DISK,
        status=ResourceStatus.UNKNOWN,
        vendor_status=item["status"],
        region=environment["region"],
        created_at=TIME,
        name=item["name"],
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=item["size"],
            vendor_sku=item["volume_type"],
            vendor={
                "environment": environment["name"],
                "description": item["description"],
                "bootable": item["bootable"],
                "image_id": str(item["image_id"]),
            },
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, item["volume_type"], None, None),
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
    """Two lists and the pricebook are called; a probe costs no call."""
    async with account("hyperstack", lambda_settings(), proxy.address) as cloud:
        for kind in ResourceKind:
            assert not cloud.probes(kind)
            await cloud.sweep(kind, None)
            assert "failed" == (await cloud.probe(kind, None, "4")).outcome

    assert [
        "/v1/core/virtual-machines?page=1&pageSize=100",
        "/v1/pricebook",
        "/v1/core/volumes?page=1&pageSize=100",
    ] == proxy.passed
