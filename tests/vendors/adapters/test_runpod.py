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
from tests.vendors.accounts import SECRET, Calls, account
from vendors.api_key import KeySettings
from vendors.base import VendorResponse
from vendors.runpod import RunPod

SPECIFICATION = "runpod-rest-v2.json"
REASON = prism.missing(SPECIFICATION)
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")
MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
SETTINGS = {"credentials": {"api_key": SECRET}}


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


async def sweep(address: str, kind: ResourceKind, calls: Calls | None = None) -> SweepResult:
    """Sweep one kind."""
    async with account("runpod", SETTINGS, address, observer=calls) as cloud:
        return await cloud.sweep(kind, None)


def the_pod() -> Observation:
    """The specification's example of a Pod, in our words."""
    (told,) = examples.answer(SPECIFICATION, "/v2/pods")["pods"]
    direct = told["ssh"]["direct"]
    assert "RUNNING" == told["status"]
    return Observation(
        kind=MACHINES,
        vendor_id=told["id"],
        resource_type=ResourceType.CONTAINER,
        status=ResourceStatus.RUNNING,
        vendor_status="RUNNING",
        region=told["dataCenterId"],
        created_at=datetime(2026, 6, 1, 12, tzinfo=UTC),
        name=told["name"],
        status_message=None,
        access=Access(direct["host"], None, direct["command"], direct["port"]),
        spec=Spec(
            gpu_type="nvidia-rtx-4090-24gb",
            gpu_family="RTX 4090",
            gpu_count=told["gpu"]["count"],
            disk_gb=told["disk"],
            vendor_sku=told["gpu"]["id"],
            image=told["image"],
            vendor={
                "cloud": told["cloud"],
                "cuda_version": told["cudaVersion"],
                "locked": told["locked"],
                "persistent_disk_gb": told["mounts"]["persistent"]["size"],
                "started_at": "2026-06-01T12:02:00.000000Z",
                "template": told["template"],
            },
        ),
        price=Price(told["cost"], "USD", PriceSource.VENDOR),
        terms=Terms(OfferType.CONTAINER, ContractType.UNKNOWN, told["gpu"]["id"], told["cost"], "USD"),
        links=(),
    )


async def test_the_example_pod(served: str) -> None:
    """Every value of the specification's example, the command exactly as the vendor gives it; nothing of its environment."""
    result = await sweep(served, MACHINES)

    assert (SweepOutcome.COMPLETE, 0, 1) == (result.outcome, result.dropped, result.calls)
    assert (the_pod(),) == result.observations
    (told,) = examples.answer(SPECIFICATION, "/v2/pods")["pods"]
    assert told["env"]
    assert not [value for value in told["env"].values() if value in repr(result)]


async def test_the_example_volume(served: str) -> None:
    """Every value of the specification's example."""
    result = await sweep(served, VOLUMES)

    (told,) = examples.answer(SPECIFICATION, "/v2/network-volumes")["networkVolumes"]
    expected = Observation(
        kind=VOLUMES,
        vendor_id=told["id"],
        resource_type=ResourceType.FILESYSTEM,
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=told["dataCenter"],
        name=told["name"],
        status_message=None,
        access=None,
        spec=Spec(disk_gb=told["size"], vendor_sku=told["type"]),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, told["type"], None, None),
    )
    assert (SweepOutcome.COMPLETE, (expected,)) == (result.outcome, result.observations)


async def test_cluster_members_are_asked_for(between: Forwarding) -> None:
    """They are left out otherwise."""
    await sweep(between.address, MACHINES)

    assert ["/v2/pods?includeClusterPods=true"] == between.passed


async def test_a_probe_tells_what_the_sweep_tells(served: str) -> None:
    """The example, asked for by its id."""
    async with account("runpod", SETTINGS, served) as cloud:
        probed = await cloud.probe(MACHINES, None, the_pod().vendor_id)

    assert ("found", the_pod()) == (probed.outcome, probed.observation)


@pytest.mark.parametrize(("status", "why"), [("401", StaleReason.AUTH_REJECTED), ("403", StaleReason.AUTH_REJECTED)])
@pytest.mark.parametrize("kind", ResourceKind)
async def test_rejected_credentials(between: Forwarding, kind: ResourceKind, status: str, why: StaleReason) -> None:
    """The documented refusals, at one call, without the key."""
    between.headers["Prefer"] = f"code={status}"
    calls = Calls()

    result = await sweep(between.address, kind, calls)

    assert result.problem is not None
    assert (SweepOutcome.FAILED, why, 1) == (result.outcome, result.problem.reason, len(calls.seen))
    assert SECRET not in result.problem.detail


async def test_too_many_calls(between: Forwarding) -> None:
    """The documented 429 tells when to come back, and nothing is sent before."""
    between.headers["Prefer"] = "code=429"
    async with account("runpod", SETTINGS, between.address) as cloud:
        first = await cloud.sweep(MACHINES, None)
        again = await cloud.sweep(VOLUMES, None)

    assert first.problem is not None
    assert again.problem is not None
    assert {StaleReason.RATE_LIMITED} == {first.problem.reason, again.problem.reason}
    assert first.problem.retry_at is not None
    assert 1 == len(between.passed)


@pytest.mark.parametrize("kind", ResourceKind)
async def test_its_words_for_no_such_thing(between: Forwarding, kind: ResourceKind) -> None:
    """The documented 404 of one resource is a witness of absence."""
    between.headers["Prefer"] = "code=404"

    async with account("runpod", SETTINGS, between.address) as cloud:
        assert "gone" == (await cloud.probe(kind, None, "7h9k2m4n6p")).outcome


async def test_any_other_404_is_no_witness(between: Forwarding) -> None:
    """Prism's own, for a path that the specification does not have."""
    between.prepend = "/moved"
    async with account("runpod", SETTINGS, between.address) as cloud:
        assert "failed" == (await cloud.probe(MACHINES, None, "7h9k2m4n6p")).outcome


def read(**changed: Any) -> Observation:
    """The example Pod with some of it otherwise."""
    (told,) = examples.answer(SPECIFICATION, "/v2/pods")["pods"]
    vendor = RunPod(KeySettings.model_validate(SETTINGS))
    (listing,) = vendor.listings(MACHINES, None)
    (seen,) = listing.read(VendorResponse(200, {}, {"pods": [told | changed]})).observations
    return seen


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("PROVISIONING", ResourceStatus.PROVISIONING),
        ("STARTING", ResourceStatus.PROVISIONING),
        ("EXITED", ResourceStatus.STOPPED),
        ("ERROR", ResourceStatus.ERROR),
        ("TERMINATED", ResourceStatus.DELETED),
        ("PAUSED", ResourceStatus.UNKNOWN),
    ],
)
def test_statuses(told: str, status: ResourceStatus) -> None:
    """Each word has its meaning; another one is kept and unknown."""
    seen = read(status=told)
    assert (status, told) == (seen.status, seen.vendor_status)


def test_a_stopped_pod_costs_what_the_vendor_says() -> None:
    """Nothing, by its own word; what it costs while running is not told then."""
    seen = read(status="EXITED", cost=0)
    assert Price(0, "USD", PriceSource.VENDOR) == seen.price
    assert isinstance(seen.terms, Terms)
    assert None is seen.terms.running_rate


def test_mounts_that_are_not_told_close_no_link() -> None:
    """Missing, null, of another kind or with a hole in them; an object without a network volume says that there is none."""
    mount = {"volumeId": "v-1", "path": "/data"}
    untold: list[Any] = [None, [], "x", {"network": {}}, {"network": [mount, {}]}, {"network": [mount, 7]}]
    told: list[Any] = [{}, {"network": []}, {"network": [mount, mount]}]

    assert {NOT_REPORTED} == {read(mounts=mounts).links for mounts in untold}
    link = Attachment(LinkType.ATTACHED_STORAGE, VOLUMES, "v-1")
    assert [(), (), (link,)] == [read(mounts=mounts).links for mounts in told]


def test_the_proxy_is_the_way_in_without_a_port() -> None:
    """By its own user and host; it is no address of the Pod."""
    (told,) = examples.answer(SPECIFICATION, "/v2/pods")["pods"]
    proxy = told["ssh"]["proxy"]
    assert Access(None, None, proxy["command"], proxy["port"]) == read(ssh=told["ssh"] | {"direct": None}).access
