"""Parsing Lambda's responses, without calls: statuses, prices, links, GPUs."""

from __future__ import annotations

from typing import Any

import pytest

from domain.enums import LinkType, PriceSource, ResourceKind, ResourceStatus
from domain.errors import MalformedAnswer
from domain.records.observation import NO_PRICE, NOT_REPORTED, Access, Attachment, Observation, Price, Spec
from tests.vendors.accounts import lambda_settings
from vendors.api_key import KeySettings
from vendors.base import Page, VendorResponse
from vendors.lambda_cloud import LambdaCloud

VENDOR = LambdaCloud(KeySettings.model_validate(lambda_settings()))
INSTANCE_TYPE = {
    "name": "gpu_1x_a10",
    "gpu_description": "A10 (24 GB PCIe)",
    "price_cents_per_hour": 75,
    "specs": {"gpus": 1},
}


def read(payload: object) -> Page:
    """Parse a page of instances."""
    (listing,) = VENDOR.listings(ResourceKind.MACHINES, None)
    return listing.read(VendorResponse(200, {}, payload))


def machine(**fields: Any) -> Observation:
    """Return one instance; keyword arguments replace its fields."""
    item = {"id": "i-1", "status": "active", "file_system_names": [], "instance_type": INSTANCE_TYPE} | fields
    (observation,) = read({"data": [item]}).observations
    return observation


@pytest.mark.parametrize(
    ("vendor_status", "status"),
    [
        ("booting", ResourceStatus.PROVISIONING),
        ("active", ResourceStatus.RUNNING),
        ("unhealthy", ResourceStatus.ERROR),
        ("preempted", ResourceStatus.ERROR),
        ("terminating", ResourceStatus.DELETING),
        ("terminated", ResourceStatus.DELETED),
        ("sleeping", ResourceStatus.UNKNOWN),
    ],
)
def test_statuses(vendor_status: str, status: ResourceStatus) -> None:
    """Every documented status is mapped, a new one is UNKNOWN, and the vendor's own text is recorded."""
    observation = machine(status=vendor_status)

    assert (status, vendor_status) == (observation.status, observation.vendor_status)


@pytest.mark.parametrize("vendor_status", ["booting", "unhealthy", "preempted", "terminating", "terminated"])
def test_only_active_machines_have_a_price(vendor_status: str) -> None:
    """Cents become dollars while it is active; else the price is null, and the running rate is still reported."""
    assert Price(0.75, "USD", PriceSource.VENDOR) == machine().price
    assert NO_PRICE == machine(status=vendor_status).price
    assert machine().terms == machine(status=vendor_status).terms


def test_price_of_zero() -> None:
    """The price is 0 only if the vendor reports 0; an unreported price is null."""
    assert (
        Price(0, "USD", PriceSource.VENDOR) == machine(instance_type=INSTANCE_TYPE | {"price_cents_per_hour": 0}).price
    )
    assert NO_PRICE == machine(instance_type=INSTANCE_TYPE | {"price_cents_per_hour": None}).price


LINK = Attachment(LinkType.ATTACHED_STORAGE, ResourceKind.VOLUMES, "fs-1")


@pytest.mark.parametrize(
    ("fields", "links"),
    [
        ({"file_system_mounts": [{"file_system_id": "fs-1"}], "file_system_names": ["a"]}, (LINK,)),
        ({"file_system_mounts": [{"file_system_id": "fs-1"}, {"file_system_id": "fs-1"}]}, (LINK,)),
        ({"file_system_names": []}, ()),
        ({"file_system_mounts": [], "file_system_names": []}, ()),
        ({"file_system_names": ["a"]}, NOT_REPORTED),
        ({"file_system_mounts": [], "file_system_names": ["a"]}, NOT_REPORTED),
        ({"file_system_names": None}, NOT_REPORTED),
        ({"file_system_mounts": "fs-1"}, NOT_REPORTED),
        ({"file_system_mounts": [{"file_system_id": "fs-1"}, {"file_system_id": {}}]}, NOT_REPORTED),
        ({"file_system_mounts": [{"file_system_id": "fs-1"}, "fs-2"]}, NOT_REPORTED),
        ({"file_system_mounts": [{"mount_point": "/data"}]}, NOT_REPORTED),
    ],
)
def test_links(fields: dict[str, Any], links: object) -> None:
    """Only a list that was read completely closes links; a missing list means none only if the names are empty."""
    assert links == machine(**fields).links


def test_access() -> None:
    """An invalid address never becomes part of a command that people paste into a shell."""
    assert Access("192.0.2.7", None, "ssh ubuntu@192.0.2.7", 22) == machine(ip="192.0.2.7").access
    assert Access(internal_ip="10.0.0.1") == machine(ip="$(reboot)", private_ip="10.0.0.1").access
    assert None is machine(ip="fe80::1%$(reboot)").access


@pytest.mark.parametrize(
    ("instance_type", "gpu"),
    [
        ({"gpu_description": "H100 (80 GB SXM5)", "specs": {"gpus": 8}}, ("nvidia-h100-sxm5-80gb", "H100", 8)),
        ({"gpu_description": "Tesla V100 (16 GB)", "specs": {"gpus": 8}}, ("nvidia-v100-16gb", "V100", 8)),
        ({"description": "2x A100 (40 GB)", "specs": {"gpus": 2}}, ("nvidia-a100-40gb", "A100", 2)),
        ({"gpu_description": "N/A", "specs": {"gpus": 0}}, (None, None, 0)),
        ({"description": "CPU only"}, (None, None, None)),
    ],
)
def test_gpus(instance_type: dict[str, Any], gpu: tuple[str | None, str | None, int | None]) -> None:
    """The model and its family by their canonical names, and the count."""
    spec = machine(instance_type=instance_type).spec

    assert isinstance(spec, Spec)
    assert gpu == (spec.gpu_type, spec.gpu_family, spec.gpu_count)


@pytest.mark.parametrize("payload", [{}, {"data": None}, {"data": {}}, {"data": [1]}, {"data": [{}]}, [], None, "data"])
def test_missing_list_is_malformed(payload: object) -> None:
    """Without a list of objects with ids under `data` the response is malformed."""
    with pytest.raises(MalformedAnswer):
        read(payload)


def test_impossible_values_are_counted() -> None:
    """One invalid address and one invalid number are two dropped values."""
    page = read({"data": [{"id": "i-1", "name": "n", "ip": "999.1.1.1", "instance_type": {"specs": {"vcpus": -4}}}]})

    assert 2 == page.dropped
    assert ["n"] == [one.name for one in page.observations]
