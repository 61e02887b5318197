"""What Hyperstack's answers mean, by values alone: statuses, the pricebook, terms, links, pages, and what is never called."""

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
ACTING = (
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
    """A page."""
    (listing,) = VENDOR.listings(kind, None)
    return listing.read(VendorResponse(200, {}, payload, cursor=cursor))


def machine(**told: Any) -> Observation:
    """One machine; keyword arguments replace what is told of it."""
    item = {"id": 4, "status": "ACTIVE", "flavor": FLAVOR, "volume_attachments": []} | told
    (observation,) = read({"instances": [item], "count": 1, "page_size": 100}).observations
    return observation


def volume(**told: Any) -> Observation:
    """One volume."""
    (observation,) = read({"volumes": [{"id": 9} | told], "count": 1, "page_size": 100}, VOLUMES).observations
    return observation


@pytest.mark.parametrize(
    ("word", "status"),
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
def test_statuses(word: str | None, status: ResourceStatus) -> None:
    """Every documented word has ours; the vendor's own is kept; a new one is UNKNOWN."""
    seen = machine(status=word)

    assert (status, word, NO_PRICE) == (seen.status, seen.vendor_status, seen.price)


def quotes(*entries: object) -> dict[str, Quote]:
    """What a pricebook of these entries tells."""
    catalogue = VENDOR.catalogue(MACHINES, None)
    assert catalogue is not None
    return dict(catalogue.read(VendorResponse(200, {}, list(entries))).quotes)


H100 = {"id": 1, "name": "H100-80GB-PCIe", "value": 1.9, "original_value": 2.5, "start_time": None, "end_time": None}


def test_the_pricebook_is_a_bare_list_by_name() -> None:
    """What it costs after discounts; what holds for a time only, or twice differently, tells nothing."""
    assert {"H100-80GB-PCIe": Quote(1.9, "USD")} == quotes(H100, {"name": "vCPU"}, {"value": 7.0})
    assert {} == quotes(H100 | {"end_time": "2030-01-01T00:00:00"})
    assert {} == quotes(H100, H100 | {"value": 2.5})
    assert {"H100-80GB-PCIe": Quote(1.9, "USD")} == quotes(H100, H100 | {"id": 2})
    assert {} == quotes()


@pytest.mark.parametrize("payload", [{}, {"pricebook": [H100]}, None, "no", [1]])
def test_a_pricebook_of_another_shape(payload: object) -> None:
    """It is malformed."""
    catalogue = VENDOR.catalogue(MACHINES, None)
    assert catalogue is not None
    with pytest.raises(MalformedAnswer):
        catalogue.read(VendorResponse(200, {}, payload))


PRICES = {
    "H100-80GB-PCIe": Quote(1.9, "USD"),
    "H100-80GB-PCIe-spot": Quote(1.5, "USD"),
    "A100-80GB-PCIe": Quote(1.35, "USD"),
    "": Quote(99, "USD"),
}


@pytest.mark.parametrize(
    ("told", "hourly"),
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
def test_what_a_machine_costs(told: dict[str, Any], hourly: float | None) -> None:
    """The price of its GPU times their number; nothing for spot without a spot price, contracts and what has no GPU."""
    catalogue = VENDOR.catalogue(MACHINES, None)
    assert catalogue is not None
    quote = catalogue.quote(machine(**told), PRICES)

    assert hourly == (None if quote is None else pytest.approx(quote.hourly))


@pytest.mark.parametrize(
    "word", ["ACTIVE", "SHUTOFF", "HIBERNATED", "HIBERNATING", "RESTORING", "ERROR", "CREATING", None]
)
def test_shut_off_is_not_free(word: str | None) -> None:
    """Resources stay allocated while it is shut off; of other states what they cost is not told."""
    catalogue = VENDOR.catalogue(MACHINES, None)
    assert catalogue is not None

    assert (word in ("ACTIVE", "SHUTOFF")) is catalogue.charged(machine(status=word))
    assert None is VENDOR.catalogue(VOLUMES, None)


@pytest.mark.parametrize(
    ("told", "contract"),
    [
        ({}, ContractType.ONDEMAND),
        ({"contract_id": None}, ContractType.ONDEMAND),
        ({"contract_id": 12}, ContractType.RESERVED),
        ({"flavor": FLAVOR | {"name": "n3-H100x8-spot"}}, ContractType.SPOT),
    ],
)
def test_terms(told: dict[str, Any], contract: ContractType) -> None:
    """A contract is reserved, a flavour that calls itself spot is spot."""
    seen = machine(**told)
    assert isinstance(seen.terms, Terms)

    assert Terms(OfferType.VM, contract, seen.terms.sku, None, None) == seen.terms


def attached(volume_id: object, **told: Any) -> dict[str, Any]:
    """An attachment of a machine."""
    return {"id": 1, "volume": {"id": volume_id}, "created_at": "2026-01-02T03:04:05"} | told


def link(volume_id: str, since: datetime | None = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) -> Attachment:
    """The link that it means."""
    return Attachment(LinkType.ATTACHED_STORAGE, VOLUMES, volume_id, since)


@pytest.mark.parametrize(
    ("told", "links"),
    [
        ([attached(6), attached(7)], (link("6"), link("7"))),
        ([attached(6), attached(6)], (link("6"),)),
        ([attached(6, created_at=None)], (link("6", None),)),
        ([], ()),
        (None, NOT_REPORTED),
        ("6", NOT_REPORTED),
        ([attached(6), 7], NOT_REPORTED),
        ([attached(6), attached(None)], NOT_REPORTED),
        ([attached(6), attached([])], NOT_REPORTED),
        ([attached(6, created_at="soon")], NOT_REPORTED),
        ([{"id": 1}], NOT_REPORTED),
    ],
)
def test_links(told: object, links: object) -> None:
    """Only a list of which every part is known closes links; a time without a zone is UTC."""
    assert links == machine(volume_attachments=told).links


def test_what_else_is_told_of_a_machine() -> None:
    """Time without a zone is UTC; addresses, hardware and facts; never a command, for no login name is told."""
    seen = machine(
        name="trainer",
        created_at="2026-01-02T03:04:05",
        environment={"name": "default-CANADA-1", "region": "CANADA-1"},
        floating_ip="192.0.2.7",
        fixed_ip="10.0.0.7",
        image={"name": "Ubuntu Server 22.04"},
        vm_state="active",
        power_state="RUNNING",
    )

    assert datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) == seen.created_at
    assert ("CANADA-1", "trainer") == (seen.region, seen.name)
    assert Access("192.0.2.7", "10.0.0.7") == seen.access
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
    assert expected == seen.spec


def test_what_is_not_named_is_not_taken() -> None:
    """Keys, callbacks, rules of firewalls and texts beside change nothing of what is observed."""
    beside = {
        "keypair": {"name": "key"},
        "callback_url": "https://user:secret@example.test/",
        "security_rules": [{"id": 1}],
        "labels": ["a"],
        "features": {"token": "secret"},
        "user_data": "#!/bin/sh",
        "port_randomization_status": "ENABLED",
    }

    assert machine() == machine(**beside)


def test_a_word_for_a_volume_is_kept_and_not_understood() -> None:
    """No word of a volume's status is documented; where none is told, what is listed can be attached."""
    seen = volume(status="in-use", name="data", size=100, volume_type="Cloud-SSD", created_at="2026-01-02T03:04:05")

    assert (ResourceStatus.UNKNOWN, "in-use", "data") == (seen.status, seen.vendor_status, seen.name)
    assert (ResourceStatus.RUNNING, None, NOT_REPORTED) == ((bare := volume()).status, bare.vendor_status, bare.links)
    assert isinstance(seen.spec, Spec)
    assert (100, "Cloud-SSD") == (seen.spec.disk_gb, seen.spec.vendor_sku)


@pytest.mark.parametrize(
    ("number", "size", "items", "count", "following"),
    [
        (1, 100, 0, 0, None),
        (1, 100, 40, 40, None),
        (1, 100, 100, 301, "2"),
        (3, 100, 100, 301, "4"),
        (4, 100, 1, 301, None),
        (2, 100, 100, 200, None),
        (1, 100, 100, 100, "2"),
        (2, 100, 0, 100, None),
        (2, 100, 100, 100, None),
        (1, 1, 2, 0, None),
        (1, 50, 50, 301, "2"),
        (1, 100, 40, 301, None),
        (2, 100, 0, 301, None),
    ],
)
def test_pages_go_on_until_one_is_not_full(
    number: int, size: int, items: int, count: int, following: str | None
) -> None:
    """By the size that the answer tells; a short page ends the list, whatever is missing then; the count goes with every page."""
    payload = {"instances": [{"id": one} for one in range(items)], "count": count, "page": number, "page_size": size}
    page = read(payload, cursor=str(number) if number > 1 else None)

    assert (following, count, items) == (page.cursor, page.total, len(page.observations))


def test_the_first_page_has_number_one() -> None:
    """The next is asked for by its number, in the same size."""
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
def test_a_list_without_its_size_is_malformed(payload: object) -> None:
    """Neither a missing list nor a list that nobody could count is an empty account."""
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
    """By the status, with the vendor's word; its not_found is no word for absence, for it also hides what a key may not see."""
    (listing,) = VENDOR.listings(MACHINES, None)
    told = VENDOR.read_failure(listing.request(None), status, {}, body, START)

    assert failure is (None if told is None else type(told))


def test_nothing_is_called_that_could_act() -> None:
    """Three paths, each a plain GET without an id: a GET may start, stop or hibernate a machine here."""
    catalogue = VENDOR.catalogue(MACHINES, None)
    assert catalogue is not None
    listings = [listing for kind in ResourceKind for listing in VENDOR.listings(kind, None)]
    calls = [source.request(cursor) for source in listings for cursor in (None, "2")] + [catalogue.request(None)]

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
    assert not [path for path in PATHS.values() for word in ACTING if word in path]


def test_a_gpu_that_the_table_does_not_know_is_kept() -> None:
    """Under its own name, without a family."""
    seen = machine(flavor=FLAVOR | {"gpu": "X9000-Turbo"})
    assert isinstance(seen.spec, Spec)

    assert ("X9000-Turbo", None) == (seen.spec.gpu_type, seen.spec.gpu_family)
