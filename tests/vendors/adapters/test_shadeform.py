"""Shadeform against Prism, which serves the vendor's own specification and enforces it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.enums import ContractType, LinkType, OfferType, PriceSource, ResourceKind, ResourceStatus, ResourceType
from domain.errors import MalformedAnswer
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
    UpstreamResource,
)
from tests.clock import START
from tests.doubles import examples, prism
from tests.doubles.forwarder import Forwarding, forwarding
from tests.vendors.accounts import SECRET, CallRecorder, account
from vendors.api_key import KeySettings
from vendors.base import VendorResponse
from vendors.shadeform import Shadeform

SPECIFICATION = "shadeform.yaml"
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
    """A proxy in front of Prism, which removes the base path."""
    with forwarding(prism_address) as rules:
        rules.strip = "/v1"
        yield rules


async def sweep(proxy: Forwarding, kind: ResourceKind, calls: CallRecorder | None = None) -> SweepResult:
    """Sweep one kind."""
    async with account("shadeform", SETTINGS, proxy.address, observer=calls) as cloud:
        return await cloud.sweep(kind, None)


def example(path: str, key: str) -> dict[str, Any]:
    """Return the specification's example of an item."""
    (item,) = examples.answer(SPECIFICATION, path)[key]
    value: dict[str, Any] = item
    return value


def expected_instance(item: dict[str, Any]) -> Observation:
    """Return the example of an instance as an observation, value by value."""
    configuration = item["configuration"]
    return Observation(
        kind=MACHINES,
        vendor_id=item["id"],
        resource_type=ResourceType.VM,
        status=ResourceStatus.PENDING,
        vendor_status="creating",
        region=item["region"],
        created_at=datetime(2016, 8, 29, 9, 12, 33, 1000, tzinfo=UTC),
        name=item["name"],
        status_message=item["status_details"],
        access=Access(item["ip"], None),
        spec=Spec(
            gpu_type="nvidia-a100-pcie",
            gpu_family="A100",
            gpu_count=configuration["num_gpus"],
            vcpu_count=configuration["vcpus"],
            memory_gb=configuration["memory_in_gb"],
            disk_gb=configuration["storage_in_gb"],
            vendor_sku=item["shade_instance_type"],
            image=configuration["os"],
            vendor={
                "active_at": "2016-08-29T09:12:33.001000Z",
                "cloud": item["cloud"],
                "cloud_assigned_id": item["cloud_assigned_id"],
                "cloud_instance_type": item["cloud_instance_type"],
                "gpu_memory_gb": configuration["vram_per_gpu_in_gb"],
                "interconnect": configuration["interconnect"],
                "nvlink": configuration["nvlink"],
                "shade_cloud": item["shade_cloud"],
            },
        ),
        price=NO_PRICE,
        terms=Terms(
            OfferType.VM, ContractType.ONDEMAND, item["shade_instance_type"], item["hourly_price"] / 100, "USD"
        ),
        upstream=None,
    )


async def test_example_instance(proxy: Forwarding) -> None:
    """Every value of the example is read, and nothing of its launch configuration."""
    result = await sweep(proxy, MACHINES)

    item = example("/instances", "instances")
    configuration = item["configuration"]
    assert ("creating", "A100", "pcie") == (item["status"], configuration["gpu_type"], configuration["interconnect"])
    assert (SweepOutcome.COMPLETE, 0, 1) == (result.outcome, result.dropped, result.calls)
    assert (expected_instance(item),) == result.observations
    assert "HUGGING_FACE" not in repr(result)
    assert ["/v1/instances"] == proxy.passed


async def test_example_volume(proxy: Forwarding) -> None:
    """Every value of the example is read, with its price from the price list's example."""
    result = await sweep(proxy, VOLUMES)

    item, volume_type = example("/volumes", "volumes"), example("/volumes/types", "volume_types")
    hourly = float(volume_type["price_per_gb_per_hour"]) * item["size_in_gb"]
    sku = f"{item['cloud']}/{item['region']}/fixed/multi-mount"
    expected = Observation(
        kind=VOLUMES,
        vendor_id=item["id"],
        resource_type=ResourceType.FILESYSTEM,
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=item["region"],
        name=item["name"],
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=item["size_in_gb"],
            vendor_sku=sku,
            vendor={
                "cloud": item["cloud"],
                "cloud_assigned_id": item["cloud_assigned_id"],
                "fixed_size": item["fixed_size"],
                "supports_multi_mount": item["supports_multi_mount"],
            },
        ),
        price=Price(hourly, "USD", PriceSource.CATALOGUE, START),
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, sku, hourly, "USD"),
        links=(Attachment(LinkType.ATTACHED_TO, MACHINES, item["mounted_by"]),),
    )
    assert (SweepOutcome.COMPLETE, (expected,)) == (result.outcome, result.observations)
    assert ["/v1/volumes", "/v1/volumes/types"] == proxy.passed


async def test_nothing_is_probed(proxy: Forwarding) -> None:
    """No response for "not found" is documented."""
    async with account("shadeform", SETTINGS, proxy.address) as cloud:
        for kind in ResourceKind:
            assert not cloud.probes(kind)
            assert "failed" == (await cloud.probe(kind, None, "d290f1ee-6c54-4b01-90e6-d701748f0851")).outcome
    assert [] == proxy.passed


def read(kind: ResourceKind, **changes: Any) -> Observation:
    """Return the example with changed fields."""
    key = "instances" if kind is MACHINES else "volumes"
    vendor = Shadeform(KeySettings.model_validate(SETTINGS))
    (listing,) = vendor.listings(kind, None)
    page = listing.read(VendorResponse(200, {}, {key: [example(f"/{key}", key) | changes]}))
    return page.observations[0]


@pytest.mark.parametrize(
    ("vendor_status", "status"),
    [
        ("creating", ResourceStatus.PENDING),
        ("pending_provider", ResourceStatus.PROVISIONING),
        ("pending", ResourceStatus.PROVISIONING),
        ("active", ResourceStatus.RUNNING),
        ("error", ResourceStatus.ERROR),
        ("deleting", ResourceStatus.DELETING),
        ("deleted", ResourceStatus.DELETED),
        ("asleep", ResourceStatus.UNKNOWN),
    ],
)
def test_statuses(vendor_status: str, status: ResourceStatus) -> None:
    """Each documented status is mapped; another one is recorded and UNKNOWN."""
    observation = read(MACHINES, status=vendor_status)
    assert (status, vendor_status) == (observation.status, observation.vendor_status)


def test_price_of_an_instance() -> None:
    """Its price in cents; what it costs in other statuses is not documented."""
    assert Price(2.1, "USD", PriceSource.VENDOR) == read(MACHINES, status="active").price
    assert NO_PRICE == read(MACHINES, status="error").price


@pytest.mark.parametrize(
    ("fields", "upstream"),
    [
        ({"shade_cloud": True}, None),
        ({"shade_cloud": False}, UpstreamResource("hyperstack", "13b057d7-e266-4869-985f-760fe75a78b3")),
        (
            {"shade_cloud": False, "cloud": "lambdalabs", "cloud_assigned_id": "0123"},
            UpstreamResource("lambda", "0123"),
        ),
        ({"shade_cloud": False, "cloud_assigned_id": ""}, None),
        ({"shade_cloud": None}, NOT_REPORTED),
    ],
)
def test_upstream_resources(fields: dict[str, Any], upstream: object) -> None:
    """An instance in the team's own account has the cloud's own id; one in Shadeform's account has no upstream resource."""
    assert upstream == read(MACHINES, **fields).upstream


@pytest.mark.parametrize(("mounted_by", "links"), [("", ()), (None, ()), (["x"], NOT_REPORTED)])
def test_unmounted_volume(mounted_by: object, links: object) -> None:
    """It has no links; an unreadable field closes none."""
    assert links == read(VOLUMES, mounted_by=mounted_by).links


def test_volume_that_scales_automatically() -> None:
    """Its size and its price change without any action of the user, so neither is read."""
    observation = read(VOLUMES, fixed_size=False)
    assert isinstance(observation.spec, Spec)
    assert (None, NO_PRICE) == (observation.spec.disk_gb, observation.price)


def test_host_name() -> None:
    """The command contains the host name; the external address is not reported."""
    access = read(MACHINES, status="active", ip="node-7.cloud.test", ssh_port=2200).access
    assert Access(None, None, "ssh shadeform@node-7.cloud.test -p 2200", 2200) == access


def test_null_is_an_empty_list() -> None:
    """An account that has nothing yet gets null from a server in Go. A missing list is still malformed."""
    vendor = Shadeform(KeySettings.model_validate(SETTINGS))
    for kind, key in ((MACHINES, "instances"), (ResourceKind.VOLUMES, "volumes")):
        (listing,) = vendor.listings(kind, None)
        assert () == listing.read(VendorResponse(200, {}, {key: None})).observations
        malformed: list[dict[str, Any]] = [{}, {key: {}}, {key: "none"}]
        for payload in malformed:
            with pytest.raises(MalformedAnswer):
                listing.read(VendorResponse(200, {}, payload))
