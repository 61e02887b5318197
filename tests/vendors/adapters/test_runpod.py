"""RunPod against Prism, which serves the vendor's own specification and enforces it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.enums import (
    ContractType,
    LinkType,
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
    Attachment,
    Observation,
    Price,
    Spec,
    SweepOutcome,
    SweepResult,
    Terms,
)
from tests.doubles import examples, prism
from tests.doubles.forwarder import Forwarding, forwarding
from tests.vendors.accounts import SECRET, CallRecorder, account
from vendors.api_key import KeySettings
from vendors.base import VendorResponse
from vendors.runpod import RunPod

SPECIFICATION = "runpod-rest-v2.json"
REASON = prism.missing(SPECIFICATION)
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")
MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
SETTINGS = {"credentials": {"api_key": SECRET}}


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


async def sweep(address: str, kind: ResourceKind, calls: CallRecorder | None = None) -> SweepResult:
    """Sweep one kind."""
    async with account("runpod", SETTINGS, address, observer=calls) as cloud:
        return await cloud.sweep(kind, None)


def example_pod() -> Observation:
    """Return the specification's example of a Pod as an observation."""
    (pod,) = examples.answer(SPECIFICATION, "/v2/pods")["pods"]
    direct = pod["ssh"]["direct"]
    assert "RUNNING" == pod["status"]
    return Observation(
        kind=MACHINES,
        vendor_id=pod["id"],
        resource_type=ResourceType.CONTAINER,
        status=ResourceStatus.RUNNING,
        vendor_status="RUNNING",
        region=pod["dataCenterId"],
        created_at=datetime(2026, 6, 1, 12, tzinfo=UTC),
        name=pod["name"],
        status_message=None,
        access=Access(direct["host"], None, direct["command"], direct["port"]),
        spec=Spec(
            gpu_type="nvidia-rtx-4090-24gb",
            gpu_family="RTX 4090",
            gpu_count=pod["gpu"]["count"],
            disk_gb=pod["disk"],
            vendor_sku=pod["gpu"]["id"],
            image=pod["image"],
            vendor={
                "cloud": pod["cloud"],
                "cuda_version": pod["cudaVersion"],
                "locked": pod["locked"],
                "persistent_disk_gb": pod["mounts"]["persistent"]["size"],
                "started_at": "2026-06-01T12:02:00.000000Z",
                "template": pod["template"],
            },
        ),
        price=Price(pod["cost"], "USD", PriceSource.VENDOR),
        terms=Terms(OfferType.CONTAINER, ContractType.UNKNOWN, pod["gpu"]["id"], pod["cost"], "USD"),
        links=(),
    )


async def test_example_pod(prism_address: str) -> None:
    """Every value of the example is read, the SSH command equals the vendor's, and nothing of the environment is read."""
    result = await sweep(prism_address, MACHINES)

    assert (SweepOutcome.COMPLETE, 0, 1) == (result.outcome, result.dropped, result.calls)
    assert (example_pod(),) == result.observations
    (pod,) = examples.answer(SPECIFICATION, "/v2/pods")["pods"]
    assert pod["env"]
    assert not [value for value in pod["env"].values() if value in repr(result)]


async def test_example_volume(prism_address: str) -> None:
    """Every value of the example is read."""
    result = await sweep(prism_address, VOLUMES)

    (item,) = examples.answer(SPECIFICATION, "/v2/network-volumes")["networkVolumes"]
    expected = Observation(
        kind=VOLUMES,
        vendor_id=item["id"],
        resource_type=ResourceType.FILESYSTEM,
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=item["dataCenter"],
        name=item["name"],
        status_message=None,
        access=None,
        spec=Spec(disk_gb=item["size"], vendor_sku=item["type"]),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, item["type"], None, None),
    )
    assert (SweepOutcome.COMPLETE, (expected,)) == (result.outcome, result.observations)


async def test_cluster_members_are_included(proxy: Forwarding) -> None:
    """Without the parameter they would be left out."""
    await sweep(proxy.address, MACHINES)

    assert ["/v2/pods?includeClusterPods=true"] == proxy.passed


async def test_probe_equals_sweep(prism_address: str) -> None:
    """The example, requested by its id, equals that of the sweep."""
    async with account("runpod", SETTINGS, prism_address) as cloud:
        probe = await cloud.probe(MACHINES, None, example_pod().vendor_id)

    assert ("found", example_pod()) == (probe.outcome, probe.observation)


@pytest.mark.parametrize(("status", "reason"), [("401", StaleReason.AUTH_REJECTED), ("403", StaleReason.AUTH_REJECTED)])
@pytest.mark.parametrize("kind", ResourceKind)
async def test_rejected_credentials(proxy: Forwarding, kind: ResourceKind, status: str, reason: StaleReason) -> None:
    """The documented refusals have their reasons, after one call and without the key."""
    proxy.headers["Prefer"] = f"code={status}"
    calls = CallRecorder()

    result = await sweep(proxy.address, kind, calls)

    assert result.problem is not None
    assert (SweepOutcome.FAILED, reason, 1) == (result.outcome, result.problem.reason, len(calls.calls))
    assert SECRET not in result.problem.detail


async def test_too_many_calls(proxy: Forwarding) -> None:
    """The documented 429 reports when to come back, and nothing is sent before."""
    proxy.headers["Prefer"] = "code=429"
    async with account("runpod", SETTINGS, proxy.address) as cloud:
        first = await cloud.sweep(MACHINES, None)
        second = await cloud.sweep(VOLUMES, None)

    assert first.problem is not None
    assert second.problem is not None
    assert {StaleReason.RATE_LIMITED} == {first.problem.reason, second.problem.reason}
    assert first.problem.retry_at is not None
    assert 1 == len(proxy.passed)


@pytest.mark.parametrize("kind", ResourceKind)
async def test_documented_404(proxy: Forwarding, kind: ResourceKind) -> None:
    """The documented 404 of one resource is evidence of absence."""
    proxy.headers["Prefer"] = "code=404"

    async with account("runpod", SETTINGS, proxy.address) as cloud:
        assert "gone" == (await cloud.probe(kind, None, "7h9k2m4n6p")).outcome


async def test_other_404(proxy: Forwarding) -> None:
    """Prism's own 404, for a path that the specification does not have, is not evidence of absence."""
    proxy.prepend = "/moved"
    async with account("runpod", SETTINGS, proxy.address) as cloud:
        assert "failed" == (await cloud.probe(MACHINES, None, "7h9k2m4n6p")).outcome


def read(**changes: Any) -> Observation:
    """Return the example Pod with changed fields."""
    (pod,) = examples.answer(SPECIFICATION, "/v2/pods")["pods"]
    vendor = RunPod(KeySettings.model_validate(SETTINGS))
    (listing,) = vendor.listings(MACHINES, None)
    (observation,) = listing.read(VendorResponse(200, {}, {"pods": [pod | changes]})).observations
    return observation


@pytest.mark.parametrize(
    ("vendor_status", "status"),
    [
        ("PROVISIONING", ResourceStatus.PROVISIONING),
        ("STARTING", ResourceStatus.PROVISIONING),
        ("EXITED", ResourceStatus.STOPPED),
        ("ERROR", ResourceStatus.ERROR),
        ("TERMINATED", ResourceStatus.DELETED),
        ("PAUSED", ResourceStatus.UNKNOWN),
    ],
)
def test_statuses(vendor_status: str, status: ResourceStatus) -> None:
    """Each documented status is mapped; another one is recorded and UNKNOWN."""
    observation = read(status=vendor_status)
    assert (status, vendor_status) == (observation.status, observation.vendor_status)


def test_price_of_a_stopped_pod() -> None:
    """It costs nothing, as reported; its rate while running is then not reported."""
    observation = read(status="EXITED", cost=0, mounts={})
    assert Price(0, "USD", PriceSource.VENDOR) == observation.price
    assert isinstance(observation.terms, Terms)
    assert None is observation.terms.running_rate


def test_price_of_a_stopped_pod_with_a_disk() -> None:
    """Its disk is charged, which `cost` leaves out. No price is better than 0."""
    disk = {"persistent": {"size": 500, "path": "/workspace"}}
    assert NO_PRICE == read(status="EXITED", cost=0, mounts=disk).price
    assert Price(0.4, "USD", PriceSource.VENDOR) == read(status="RUNNING", cost=0.4, mounts=disk).price


def test_a_pod_without_gpus() -> None:
    """A Pod that was started again while its GPUs were rented to others has none, which is a number."""
    spec = read(status="RUNNING", gpu={"id": "NVIDIA GeForce RTX 4090", "count": 0}).spec
    assert isinstance(spec, Spec)
    assert 0 == spec.gpu_count


def test_links() -> None:
    """Missing, null, malformed or incomplete mounts close no link; an object without network volumes means none."""
    mount = {"volumeId": "v-1", "path": "/data"}
    unreported: list[Any] = [None, [], "x", {"network": {}}, {"network": [mount, {}]}, {"network": [mount, 7]}]
    reported: list[Any] = [{}, {"network": []}, {"network": [mount, mount]}]

    assert {NOT_REPORTED} == {read(mounts=mounts).links for mounts in unreported}
    link = Attachment(LinkType.ATTACHED_STORAGE, VOLUMES, "v-1")
    assert [(), (), (link,)] == [read(mounts=mounts).links for mounts in reported]


def test_ssh_proxy() -> None:
    """It has its own user and host, which is not an address of the Pod."""
    (pod,) = examples.answer(SPECIFICATION, "/v2/pods")["pods"]
    ssh_proxy = pod["ssh"]["proxy"]
    assert Access(None, None, ssh_proxy["command"], ssh_proxy["port"]) == read(ssh=pod["ssh"] | {"direct": None}).access
