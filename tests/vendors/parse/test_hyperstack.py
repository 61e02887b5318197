"""Parsing Hyperstack's responses, without calls: statuses, the pricebook, terms, links, pages, and which paths are called."""

from __future__ import annotations

import ast
import inspect
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.enums import ContractType, LinkType, OfferType, ResourceKind, ResourceStatus
from domain.errors import CredentialsRejected, MalformedAnswer, VendorFailure
from domain.records.observation import NO_PRICE, NOT_REPORTED, Access, Attachment, Observation, Spec, Terms
from tests.clock import START
from tests.vendors.accounts import lambda_settings
from vendors import hyperstack
from vendors.api_key import KeySettings
from vendors.base import Page, Quote, VendorResponse
from vendors.hyperstack import PATHS, Hyperstack

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
VENDOR = Hyperstack(KeySettings.model_validate(lambda_settings()))
FLAVOR = {"name": "n3-H100x8", "gpu": "H100-80GB-PCIe", "gpu_count": 8, "cpu": 252, "ram": 1440.0, "disk": 100}
CHANGING = (
    "start",
    "stop",
    "reboot",
    "hibernate",
    "restore",
    "console",
    "attach",
    "detach",
    "resize",
    "delete",
    "update",
)


def read(payload: object, kind: ResourceKind = MACHINES, cursor: str | None = None) -> Page:
    """Parse a page."""
    (listing,) = VENDOR.listings(kind, None)
    return listing.read(VendorResponse(200, {}, payload, cursor=cursor))


def machine(**fields: Any) -> Observation:
    """Return one machine; keyword arguments replace its fields."""
    item = {"id": 4, "status": "ACTIVE", "flavor": FLAVOR, "volume_attachments": []} | fields
    (observation,) = read({"instances": [item], "count": 1, "page_size": 100}).observations
    return observation


def volume(**fields: Any) -> Observation:
    """Return one volume."""
    (observation,) = read({"volumes": [{"id": 9} | fields], "count": 1, "page_size": 100}, VOLUMES).observations
    return observation


@pytest.mark.parametrize(
    ("vendor_status", "status"),
    [
        ("CREATING", ResourceStatus.PENDING),
        ("BUILD", ResourceStatus.PROVISIONING),
        ("STARTING", ResourceStatus.PROVISIONING),
        ("REBOOTING", ResourceStatus.PROVISIONING),
        ("RESTORING", ResourceStatus.PROVISIONING),
        ("ACTIVE", ResourceStatus.RUNNING),
        ("STOPPING", ResourceStatus.STOPPING),
        ("HIBERNATING", ResourceStatus.STOPPING),
        ("SHUTOFF", ResourceStatus.STOPPED),
        ("HIBERNATED", ResourceStatus.STOPPED),
        ("DELETING", ResourceStatus.DELETING),
        ("ERROR", ResourceStatus.ERROR),
        ("active", ResourceStatus.UNKNOWN),
        ("RESCUED", ResourceStatus.UNKNOWN),
        (None, ResourceStatus.UNKNOWN),
    ],
)
def test_statuses(vendor_status: str | None, status: ResourceStatus) -> None:
    """Every documented status is mapped, a new one is UNKNOWN, and the vendor's own text is recorded."""
    observation = machine(status=vendor_status)

    assert (status, vendor_status, NO_PRICE) == (observation.status, observation.vendor_status, observation.price)


def quotes(*entries: object) -> dict[str, Quote]:
    """Return the quotes of a pricebook with these entries."""
    price_list = VENDOR.price_list(MACHINES, None)
    assert price_list is not None
    return dict(price_list.read(VendorResponse(200, {}, list(entries))).quotes)


H100 = {"id": 1, "name": "H100-80GB-PCIe", "value": 1.9, "original_value": 2.5, "start_time": None, "end_time": None}


def test_pricebook() -> None:
    """Prices are those after discounts; a temporary price, or two different prices of one name, give no quote."""
    assert {"H100-80GB-PCIe": Quote(1.9, "USD")} == quotes(H100, {"name": "vCPU"}, {"value": 7.0})
    assert {} == quotes(H100 | {"end_time": "2030-01-01T00:00:00"})
    assert {} == quotes(H100, H100 | {"value": 2.5})
    assert {"H100-80GB-PCIe": Quote(1.9, "USD")} == quotes(H100, H100 | {"id": 2})
    assert {} == quotes()


@pytest.mark.parametrize("payload", [{}, {"pricebook": [H100]}, None, "no", [1]])
def test_malformed_pricebook(payload: object) -> None:
    """A pricebook of another shape is malformed."""
    price_list = VENDOR.price_list(MACHINES, None)
    assert price_list is not None
    with pytest.raises(MalformedAnswer):
        price_list.read(VendorResponse(200, {}, payload))


PRICES = {
    "H100-80GB-PCIe": Quote(1.9, "USD"),
    "H100-80GB-PCIe-spot": Quote(1.5, "USD"),
    "A100-80GB-PCIe": Quote(1.35, "USD"),
    "": Quote(99, "USD"),
}


@pytest.mark.parametrize(
    ("fields", "hourly"),
    [
        ({}, 15.2),
        ({"flavor": FLAVOR | {"gpu_count": 1}}, 1.9),
        ({"flavor": FLAVOR | {"name": "n3-H100x8-spot"}}, 12.0),
        ({"flavor": FLAVOR | {"gpu": "H100-80GB-PCIe-spot"}}, 12.0),
        ({"flavor": FLAVOR | {"gpu": "A100-80GB-PCIe", "name": "n3-A100x8-spot"}}, None),
        ({"flavor": FLAVOR | {"gpu": "L40"}}, None),
        ({"flavor": FLAVOR | {"gpu_count": 0, "gpu": ""}}, None),
        ({"flavor": FLAVOR | {"gpu_count": None}}, None),
        ({"flavor": None}, None),
        ({"contract_id": 12}, None),
    ],
)
def test_price_of_a_machine(fields: dict[str, Any], hourly: float | None) -> None:
    """The price of its GPU times their number; none for spot without a spot price, for contracts and without GPUs."""
    price_list = VENDOR.price_list(MACHINES, None)
    assert price_list is not None
    quote = price_list.quote(machine(**fields), PRICES)

    assert hourly == (None if quote is None else pytest.approx(quote.hourly))


@pytest.mark.parametrize(
    "vendor_status", ["ACTIVE", "SHUTOFF", "HIBERNATED", "HIBERNATING", "RESTORING", "ERROR", "CREATING", None]
)
def test_charged_statuses(vendor_status: str | None) -> None:
    """Resources stay allocated while a machine is shut off; what other states cost is not documented."""
    price_list = VENDOR.price_list(MACHINES, None)
    assert price_list is not None

    assert (vendor_status in ("ACTIVE", "SHUTOFF")) is price_list.is_charged(machine(status=vendor_status))
    assert None is VENDOR.price_list(VOLUMES, None)


@pytest.mark.parametrize(
    ("fields", "contract"),
    [
        ({}, ContractType.ONDEMAND),
        ({"contract_id": None}, ContractType.ONDEMAND),
        ({"contract_id": 12}, ContractType.RESERVED),
        ({"flavor": FLAVOR | {"name": "n3-H100x8-spot"}}, ContractType.SPOT),
    ],
)
def test_terms(fields: dict[str, Any], contract: ContractType) -> None:
    """A contract is reserved; a flavour with spot in its name is spot."""
    observation = machine(**fields)
    assert isinstance(observation.terms, Terms)

    assert Terms(OfferType.VM, contract, observation.terms.sku, None, None) == observation.terms


def attachment(volume_id: object, **fields: Any) -> dict[str, Any]:
    """Return an attachment of a machine."""
    return {"id": 1, "volume": {"id": volume_id}, "created_at": "2026-01-02T03:04:05"} | fields


def link(volume_id: str, since: datetime | None = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) -> Attachment:
    """Return the link of an attachment."""
    return Attachment(LinkType.ATTACHED_STORAGE, VOLUMES, volume_id, since)


@pytest.mark.parametrize(
    ("attachments", "links"),
    [
        ([attachment(6), attachment(7)], (link("6"), link("7"))),
        ([attachment(6), attachment(6)], (link("6"),)),
        ([attachment(6, created_at=None)], (link("6", None),)),
        ([], ()),
        (None, NOT_REPORTED),
        ("6", NOT_REPORTED),
        ([attachment(6), 7], NOT_REPORTED),
        ([attachment(6), attachment(None)], NOT_REPORTED),
        ([attachment(6), attachment([])], NOT_REPORTED),
        ([attachment(6, created_at="soon")], NOT_REPORTED),
        ([{"id": 1}], NOT_REPORTED),
    ],
)
def test_links(attachments: object, links: object) -> None:
    """Only a list that was read completely closes links; a time without a zone is UTC."""
    assert links == machine(volume_attachments=attachments).links


def test_other_fields_of_a_machine() -> None:
    """A time without a zone is UTC. There is no SSH command, because no login name is reported."""
    observation = machine(
        name="trainer",
        created_at="2026-01-02T03:04:05",
        environment={"name": "default-CANADA-1", "region": "CANADA-1"},
        floating_ip="192.0.2.7",
        fixed_ip="10.0.0.7",
        image={"name": "Ubuntu Server 22.04"},
        vm_state="active",
        power_state="RUNNING",
    )

    assert datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) == observation.created_at
    assert ("CANADA-1", "trainer") == (observation.region, observation.name)
    assert Access("192.0.2.7", "10.0.0.7") == observation.access
    assert None is machine(floating_ip=None, fixed_ip="").access
    expected = Spec(
        "nvidia-h100-pcie-80gb",
        "H100",
        8,
        252,
        1440.0,
        100.0,
        "n3-H100x8",
        "Ubuntu Server 22.04",
        {
            "gpu": "H100-80GB-PCIe",
            "environment": "default-CANADA-1",
            "vm_state": "active",
            "power_state": "RUNNING",
        },
    )
    assert expected == observation.spec


def test_other_fields_are_not_read() -> None:
    """Keys, callbacks, firewall rules and free texts do not change the observation."""
    other_fields = {
        "keypair": {"name": "key"},
        "callback_url": "https://user:secret@example.test/",
        "security_rules": [{"id": 1}],
        "labels": ["a"],
        "features": {"token": "secret"},
        "user_data": "#!/bin/sh",
        "port_randomization_status": "ENABLED",
    }

    assert machine() == machine(**other_fields)


def test_status_of_a_volume() -> None:
    """No status of a volume is documented; if none is reported, a listed volume can be attached."""
    observation = volume(
        status="in-use", name="data", size=100, volume_type="Cloud-SSD", created_at="2026-01-02T03:04:05"
    )

    assert (ResourceStatus.UNKNOWN, "in-use", "data") == (
        observation.status,
        observation.vendor_status,
        observation.name,
    )
    assert (ResourceStatus.RUNNING, None, NOT_REPORTED) == ((bare := volume()).status, bare.vendor_status, bare.links)
    assert isinstance(observation.spec, Spec)
    assert (100, "Cloud-SSD") == (observation.spec.disk_gb, observation.spec.vendor_sku)


@pytest.mark.parametrize(
    ("number", "size", "items", "count", "cursor_after"),
    [
        (1, 100, 0, 0, None),
        (1, 100, 40, 40, None),
        (1, 100, 100, 301, "2"),
        (3, 100, 100, 301, "4"),
        (4, 100, 1, 301, None),
        (2, 100, 100, 200, None),
        (1, 100, 100, 100, "2"),
        (2, 100, 0, 100, None),
        (2, 100, 100, 100, "3"),
        (1, 1, 2, 0, None),
        (1, 50, 50, 301, "2"),
        (1, 100, 40, 301, None),
        (2, 100, 0, 301, None),
    ],
)
def test_last_page(number: int, size: int, items: int, count: int, cursor_after: str | None) -> None:
    """The page size is the reported one, and a page that is not full ends the list.

    The count is that of the whole list, unless it is only that of the page: then the list has no total.
    """
    payload = {"instances": [{"id": one} for one in range(items)], "count": count, "page": number, "page_size": size}
    page = read(payload, cursor=str(number) if number > 1 else None)

    total = None if count == items else count
    number_after = None if page.cursor is None else page.cursor.partition(":")[0]
    assert (cursor_after, total, items) == (number_after, page.total, len(page.observations))


def test_a_server_without_pages_ends() -> None:
    """It repeats the first page for every number, with a count of that page."""
    payload = {"instances": [{"id": 7}, {"id": 8}], "count": 2, "page": 1, "page_size": 2}
    first = read(payload)
    assert "2:7" == first.cursor
    assert None is read(payload, cursor=first.cursor).cursor


def test_page_numbers() -> None:
    """The next page is requested by its number, with the same size."""
    (listing,) = VENDOR.listings(VOLUMES, None)

    assert (("page", "1"), ("pageSize", "100")) == listing.request(None).query
    assert (("page", "2"), ("pageSize", "100")) == listing.request("2").query


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"count": 0},
        {"instances": []},
        {"instances": [], "count": None},
        {"instances": [], "count": "0"},
        {"instances": None, "count": 0},
        {"instances": [{}], "count": 1},
        [],
    ],
)
def test_list_without_count_is_malformed(payload: object) -> None:
    """Neither a missing list nor a list without a count is an empty account."""
    with pytest.raises(MalformedAnswer):
        read(payload)


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (401, '{"status": false, "error_reason": "unauthorized", "message": "no"}', CredentialsRejected),
        (404, '{"status": false, "error_reason": "not_found", "message": "no"}', MalformedAnswer),
        (404, "<html>", None),
        (500, '{"message": "Internal Server Error"}', None),
        (500, "[]", None),
    ],
)
def test_failures(status: int, body: str, failure: type[VendorFailure] | None) -> None:
    """The status decides. The code not_found is not evidence of absence, because it also hides resources."""
    (listing,) = VENDOR.listings(MACHINES, None)
    result = VENDOR.read_failure(listing.request(None), status, {}, body, START)

    assert failure is (None if result is None else type(result))


def test_only_reading_paths_are_called() -> None:
    """Three paths, each a plain GET without an id: other GETs start, stop or hibernate a machine."""
    price_list = VENDOR.price_list(MACHINES, None)
    assert price_list is not None
    listings = [listing for kind in ResourceKind for listing in VENDOR.listings(kind, None)]
    calls = [source.request(cursor) for source in listings for cursor in (None, "2")] + [price_list.request(None)]

    assert set(PATHS.values()) == {call.path for call in calls}
    assert {("GET", ())} == {(call.method, call.form) for call in calls}
    for kind in ResourceKind:
        assert None is VENDOR.probe_request(kind, None, "4")
    texts = {
        node.value
        for node in ast.walk(ast.parse(inspect.getsource(hyperstack)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/")
    }
    assert set(PATHS.values()) == texts
    assert not [path for path in PATHS.values() for vendor_status in CHANGING if vendor_status in path]


def test_unknown_gpu() -> None:
    """An unknown GPU has its own name, without a family."""
    observation = machine(flavor=FLAVOR | {"gpu": "X9000-Turbo"})
    assert isinstance(observation.spec, Spec)

    assert ("X9000-Turbo", None) == (observation.spec.gpu_type, observation.spec.gpu_family)
