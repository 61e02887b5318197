"""Shadeform against Prism, which serves the vendor's own specification and enforces it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.enums import ContractType, LinkType, OfferType, PriceSource, ResourceKind, ResourceStatus, ResourceType
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
from tests.vendors.accounts import SECRET, Calls, account
from vendors.api_key import KeySettings
from vendors.base import VendorResponse
from vendors.shadeform import Shadeform

SPECIFICATION = "shadeform.yaml"
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
    """A double between us and Prism, which takes off the base path."""
    with forwarding(served) as rules:
        rules.strip = "/v1"
        yield rules


async def sweep(between: Forwarding, kind: ResourceKind, calls: Calls | None = None) -> SweepResult:
    """Sweep one kind."""
    async with account("shadeform", SETTINGS, between.address, observer=calls) as cloud:
        return await cloud.sweep(kind, None)


def example(path: str, items: str) -> dict[str, Any]:
    """The specification's example of an item."""
    (told,) = examples.answer(SPECIFICATION, path)[items]
    found: dict[str, Any] = told
    return found


async def test_the_example_instance(between: Forwarding) -> None:
    """Every value of the specification's example, and nothing of its launch configuration."""
    result = await sweep(between, MACHINES)

    told = example("/instances", "instances")
    has = told["configuration"]
    assert ("creating", "A100", "pcie") == (told["status"], has["gpu_type"], has["interconnect"])
    created = datetime(2016, 8, 29, 9, 12, 33, 1000, tzinfo=UTC)
    expected = Observation(
        kind=MACHINES,
        vendor_id=told["id"],
        resource_type=ResourceType.VM,
        status=ResourceStatus.PENDING,
        vendor_status="creating",
        region=told["region"],
        created_at=created,
        name=told["name"],
        status_message=told["status_details"],
        access=Access(told["ip"], None, f"ssh {told['ssh_user']}@{told['ip']}", told["ssh_port"]),
        spec=Spec(
            gpu_type="nvidia-a100-pcie",
            gpu_family="A100",
            gpu_count=has["num_gpus"],
            vcpu_count=has["vcpus"],
            memory_gb=has["memory_in_gb"],
            disk_gb=has["storage_in_gb"],
            vendor_sku=told["shade_instance_type"],
            image=has["os"],
            vendor={
                "active_at": "2016-08-29T09:12:33.001000Z",
                "cloud": told["cloud"],
                "cloud_assigned_id": told["cloud_assigned_id"],
                "cloud_instance_type": told["cloud_instance_type"],
                "gpu_memory_gb": has["vram_per_gpu_in_gb"],
                "interconnect": has["interconnect"],
                "nvlink": has["nvlink"],
                "shade_cloud": told["shade_cloud"],
            },
        ),
        price=NO_PRICE,
        terms=Terms(
            OfferType.VM, ContractType.ONDEMAND, told["shade_instance_type"], told["hourly_price"] / 100, "USD"
        ),
        upstream=None,
    )
    assert (SweepOutcome.COMPLETE, 0, 1) == (result.outcome, result.dropped, result.calls)
    assert (expected,) == result.observations
    assert "HUGGING_FACE" not in repr(result)
    assert ["/v1/instances"] == between.passed


async def test_the_example_volume(between: Forwarding) -> None:
    """Every value of the specification's example, with its price from the price list's example."""
    result = await sweep(between, VOLUMES)

    told, offered = example("/volumes", "volumes"), example("/volumes/types", "volume_types")
    hourly = float(offered["price_per_gb_per_hour"]) * told["size_in_gb"]
    sku = f"{told['cloud']}/{told['region']}/fixed/multi-mount"
    expected = Observation(
        kind=VOLUMES,
        vendor_id=told["id"],
        resource_type=ResourceType.FILESYSTEM,
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=told["region"],
        name=told["name"],
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=told["size_in_gb"],
            vendor_sku=sku,
            vendor={
                "cloud": told["cloud"],
                "cloud_assigned_id": told["cloud_assigned_id"],
                "fixed_size": told["fixed_size"],
                "supports_multi_mount": told["supports_multi_mount"],
            },
        ),
        price=Price(hourly, "USD", PriceSource.CATALOGUE, START),
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, sku, hourly, "USD"),
        links=(Attachment(LinkType.ATTACHED_TO, MACHINES, told["mounted_by"]),),
    )
    assert (SweepOutcome.COMPLETE, (expected,)) == (result.outcome, result.observations)
    assert ["/v1/volumes", "/v1/volumes/types"] == between.passed


async def test_nothing_is_probed(between: Forwarding) -> None:
    """No words for "no such thing" are documented."""
    async with account("shadeform", SETTINGS, between.address) as cloud:
        for kind in ResourceKind:
            assert not cloud.probes(kind)
            assert "failed" == (await cloud.probe(kind, None, "d290f1ee-6c54-4b01-90e6-d701748f0851")).outcome
    assert [] == between.passed


def read(kind: ResourceKind, **changed: Any) -> Observation:
    """The example with some of it otherwise."""
    items = "instances" if kind is MACHINES else "volumes"
    vendor = Shadeform(KeySettings.model_validate(SETTINGS))
    (listing,) = vendor.listings(kind, None)
    page = listing.read(VendorResponse(200, {}, {items: [example(f"/{items}", items) | changed]}))
    return page.observations[0]


@pytest.mark.parametrize(
    ("told", "status"),
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
def test_statuses(told: str, status: ResourceStatus) -> None:
    """Each word has its meaning; another one is kept and unknown."""
    seen = read(MACHINES, status=told)
    assert (status, told) == (seen.status, seen.vendor_status)


def test_an_active_instance_costs_its_price() -> None:
    """In cents as told; what it costs in other statuses nobody says."""
    assert Price(2.1, "USD", PriceSource.VENDOR) == read(MACHINES, status="active").price
    assert NO_PRICE == read(MACHINES, status="error").price


@pytest.mark.parametrize(
    ("told", "upstream"),
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
def test_what_runs_in_the_teams_own_account(told: dict[str, Any], upstream: object) -> None:
    """Is named by the cloud and the cloud's own id; what runs in Shadeform's account is nobody else's."""
    assert upstream == read(MACHINES, **told).upstream


@pytest.mark.parametrize(("told", "links"), [("", ()), (None, ()), (["x"], NOT_REPORTED)])
def test_a_volume_that_nothing_mounts(told: object, links: object) -> None:
    """Has no links; one that cannot be read closes none."""
    assert links == read(VOLUMES, mounted_by=told).links


def test_a_volume_that_scales_by_itself() -> None:
    """Its size and its price change while nothing is done to it: neither is taken."""
    seen = read(VOLUMES, fixed_size=False)
    assert isinstance(seen.spec, Spec)
    assert (None, NO_PRICE) == (seen.spec.disk_gb, seen.price)


def test_a_name_is_no_address() -> None:
    """The command has it; the external address is not told."""
    access = read(MACHINES, ip="node-7.cloud.test", ssh_port=2200).access
    assert Access(None, None, "ssh shadeform@node-7.cloud.test -p 2200", 2200) == access
