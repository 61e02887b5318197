"""Parsing DigitalOcean's responses, without calls: statuses, prices, pages, links, addresses, GPUs."""

from __future__ import annotations

from typing import Any

import pytest

from domain.enums import ContractType, LinkType, OfferType, PriceSource, ResourceKind, ResourceStatus
from domain.errors import MalformedAnswer, NotFoundByVendor
from domain.records.observation import NO_PRICE, NOT_REPORTED, Access, Attachment, Observation, Price, Spec, Terms
from tests.clock import START
from tests.vendors.accounts import SECRET
from vendors.api_key import KeySettings
from vendors.base import Page, VendorRequest, VendorResponse
from vendors.digitalocean import DigitalOcean

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
VENDOR = DigitalOcean(KeySettings.model_validate({"credentials": {"api_key": SECRET}}))
GPUS = {"count": 8, "model": "nvidia_h100", "vram": {"amount": 80, "unit": "gib"}}


def read(payload: object, kind: ResourceKind = MACHINES) -> Page:
    """Parse a page of a kind."""
    return VENDOR.listings(kind, None)[0].read(VendorResponse(200, {}, payload))


def page(*items: dict[str, Any], kind: ResourceKind = MACHINES, **members: Any) -> Page:
    """Return a page of these items; keyword arguments are other members of the response."""
    plural = "droplets" if kind is MACHINES else "volumes"
    return read({plural: list(items), "links": {}, "meta": {"total": len(items)}} | members, kind)


def machine(**fields: Any) -> Observation:
    """Return one Droplet; keyword arguments replace its fields."""
    item = {"id": 7, "status": "active", "size_slug": "s-1", "size": {"price_hourly": 0.5}} | fields
    return page(item).observations[0]


def volume(**fields: Any) -> Observation:
    """Return one volume."""
    return page({"id": "v-1"} | fields, kind=VOLUMES).observations[0]


@pytest.mark.parametrize(
    ("vendor_status", "status", "price"),
    [
        ("new", ResourceStatus.PROVISIONING, 0.5),
        ("active", ResourceStatus.RUNNING, 0.5),
        ("off", ResourceStatus.STOPPED, 0.5),
        ("archive", ResourceStatus.UNKNOWN, None),
        ("sleeping", ResourceStatus.UNKNOWN, None),
        (None, ResourceStatus.UNKNOWN, None),
    ],
)
def test_statuses_and_prices(vendor_status: str | None, status: ResourceStatus, price: float | None) -> None:
    """A Droplet that is off costs what it costs when it runs; in an undocumented status its price is unknown."""
    observation = machine(status=vendor_status)

    assert (status, vendor_status) == (observation.status, observation.vendor_status)
    assert (NO_PRICE if price is None else Price(price, "USD", PriceSource.VENDOR)) == observation.price
    assert Terms(OfferType.VM, ContractType.ONDEMAND, "s-1", 0.5, "USD") == observation.terms


def test_missing_price_is_null() -> None:
    """The price is 0 only if the vendor reports 0."""
    assert Price(0, "USD", PriceSource.VENDOR) == machine(size={"price_hourly": 0}).price
    assert NO_PRICE == machine(size={}).price
    assert Terms(OfferType.VM, ContractType.ONDEMAND, "s-1", None, None) == machine(size={}).terms
    assert NO_PRICE == volume().price


@pytest.mark.parametrize(
    ("address", "cursor"),
    [
        ("https://api.digitalocean.com/v2/droplets?page=2&per_page=200", "2"),
        ("http://elsewhere.example/steal?page=17", "17"),
        ("?page=3", "3"),
        (None, None),
        ("", None),
    ],
)
def test_next_page_is_a_page_number(address: str | None, cursor: str | None) -> None:
    """Only the page number of the vendor's URL is used, whatever its host is."""
    next_page = page({"id": 1}, links={"pages": {"next": address}}, meta={"total": 9})

    assert (cursor, 9) == (next_page.cursor, next_page.total)
    for listing in VENDOR.listings(MACHINES, None):
        assert ("page", cursor or "1") in listing.request(next_page.cursor).query
        assert "/v2/droplets" == listing.request(next_page.cursor).path


@pytest.mark.parametrize(
    "address",
    [
        "https://x.example/",
        "?page=",
        "?page=-1",
        "?page=one",
        "?page=1&page=2",
        "?page=²",
        "http://[x/?page=2",
        7,
        ["?page=2"],
    ],
)
def test_next_page_without_a_number_is_malformed(address: object) -> None:
    """The listing has not ended, but the next page is unknown."""
    with pytest.raises(MalformedAnswer):
        page({"id": 1}, links={"pages": {"next": address}})


@pytest.mark.parametrize("links", [{}, {"pages": {}}, {"pages": {"last": "?page=2"}}, None, "none"])
def test_listing_ends_without_a_next_page(links: object) -> None:
    """Its total shows whether it was complete."""
    assert None is page({"id": 1}, links=links).cursor


@pytest.mark.parametrize("meta", [{}, {"total": None}, {"total": -1}, {"total": 1.5}, {"total": "3"}, None, "three"])
def test_listing_without_total_is_malformed(meta: object) -> None:
    """The total is a required field; without it no listing could be known to be complete."""
    with pytest.raises(MalformedAnswer):
        page({"id": 1}, meta=meta)


def test_machines_have_two_listings() -> None:
    """By default, only Droplets without GPUs are listed."""
    queries = [dict(listing.request(None).query) for listing in VENDOR.listings(MACHINES, None)]

    assert [{"per_page": "200", "page": "1"}, {"per_page": "200", "page": "1", "type": "gpus"}] == queries


LINK = Attachment(LinkType.ATTACHED_TO, MACHINES, "7")


@pytest.mark.parametrize(
    ("fields", "links"),
    [
        ({"droplet_ids": [7]}, (LINK,)),
        ({"droplet_ids": [7, 7]}, (LINK,)),
        ({"droplet_ids": []}, ()),
        ({"droplet_ids": None}, NOT_REPORTED),
        ({}, NOT_REPORTED),
        ({"droplet_ids": "7"}, NOT_REPORTED),
        ({"droplet_ids": [7, {}]}, NOT_REPORTED),
        ({"droplet_ids": [7, True]}, NOT_REPORTED),
    ],
)
def test_links(fields: dict[str, Any], links: object) -> None:
    """Volumes own the links; only a list that was read completely closes any. Droplets report no links."""
    assert links == volume(**fields).links
    assert NOT_REPORTED is machine(volume_ids=["v-1"]).links


def networks(*addresses: tuple[str, str], v6: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    """Return the networks of a Droplet."""
    return {
        "v4": [{"type": vendor_status, "ip_address": address} for vendor_status, address in addresses],
        "v6": [{"type": vendor_status, "ip_address": address} for vendor_status, address in v6],
    }


@pytest.mark.parametrize(
    ("networks_field", "access"),
    [
        (
            networks(("private", "10.0.0.1"), ("public", "192.0.2.7"), v6=(("public", "2001:db8::7"),)),
            Access("192.0.2.7", "10.0.0.1", "ssh root@192.0.2.7", 22),
        ),
        (
            networks(("public", "192.0.2.7"), ("public", "192.0.2.8")),
            Access("192.0.2.7", None, "ssh root@192.0.2.7", 22),
        ),
        (networks(v6=(("public", "2001:db8::7"),)), Access("2001:db8::7", None, "ssh root@2001:db8::7", 22)),
        (networks(("public", "$(reboot)"), ("private", "10.0.0.1")), Access(internal_ip="10.0.0.1")),
        (networks(("other", "192.0.2.7")), None),
        (networks(), None),
        ({}, None),
        (None, None),
    ],
)
def test_access(networks_field: object, access: Access | None) -> None:
    """The first public address, IPv4 before IPv6, and root; an invalid address never becomes part of a command."""
    assert access == machine(networks=networks_field).access


@pytest.mark.parametrize(
    ("fields", "gpus"),
    [
        ({"size": {"gpu_info": GPUS}}, ("nvidia-h100-80gb", "H100", 8)),
        ({"gpu_info": GPUS, "size": {}}, ("nvidia-h100-80gb", "H100", 8)),
        ({"size": {"gpu_info": GPUS | {"vram": {"amount": 80, "unit": "furlongs"}}}}, ("nvidia-h100", "H100", 8)),
        ({"size": {"gpu_info": {"model": "nvidia_z9", "count": 2}}}, ("nvidia_z9", None, 2)),
        ({"size": {"gpu_info": {}}}, (None, None, None)),
        ({"size": {"gpu_info": "eight"}}, (None, None, None)),
        ({}, (None, None, None)),
    ],
)
def test_gpus(fields: dict[str, Any], gpus: tuple[str | None, str | None, int | None]) -> None:
    """GPUs have canonical names; an unknown name is used unchanged; an unreported GPU is unknown, not none."""
    spec = machine(**fields).spec

    assert isinstance(spec, Spec)
    assert gpus == (spec.gpu_type, spec.gpu_family, spec.gpu_count)


def test_other_fields_of_a_machine() -> None:
    """Megabytes become gigabytes; an image without a slug has its name; other fields are not read."""
    spec = machine(
        memory=1536,
        vcpus=2,
        disk=25,
        image={"slug": None, "name": "mine"},
        locked=True,
        tags=[SECRET],
        user_data=SECRET,
    ).spec

    assert (
        Spec(memory_gb=1.5, vcpu_count=2, disk_gb=25, vendor_sku="s-1", image="mine", vendor={"locked": True}) == spec
    )


@pytest.mark.parametrize(
    ("operation", "status", "body", "gone"),
    [
        ("droplets_get", 404, '{"id": "not_found", "message": "The resource you requested could not be found."}', True),
        ("volumes_get", 404, '{"id": "not_found"}', True),
        ("droplets_list", 404, '{"id": "not_found"}', False),
        ("droplets_list_gpus", 404, '{"id": "not_found"}', False),
        ("droplets_get", 410, '{"id": "not_found"}', False),
        ("droplets_get", 404, '{"id": "example_error"}', False),
        ("droplets_get", 404, '{"error": {"id": "not_found"}}', False),
        ("droplets_get", 404, '["not_found"]', False),
        ("droplets_get", 404, "not_found", False),
        ("droplets_get", 404, "", False),
    ],
)
def test_not_found(operation: str, status: int, body: str, gone: bool) -> None:
    """Only the documented response to a request for one resource means that it does not exist."""
    failure = VENDOR.read_failure(VendorRequest(operation, "/"), status, {}, body, START)

    assert gone is isinstance(failure, NotFoundByVendor)


def test_impossible_values_are_counted() -> None:
    """An invalid address, price and time are three dropped values."""
    result = page(
        {
            "id": 1,
            "name": "n",
            "created_at": "1930-02-21T01:40:22.0Z",
            "size": {"price_hourly": -1},
            "networks": networks(("public", "999.1.1.1")),
        }
    )

    assert (3, ["n"]) == (result.dropped, [one.name for one in result.observations])


@pytest.mark.parametrize(
    "payload", [{}, {"droplets": None}, {"droplets": {}}, {"droplets": [1]}, {"droplets": [{}]}, [], None]
)
def test_missing_list_is_malformed(payload: object) -> None:
    """Without a list of objects with ids the response is malformed."""
    with pytest.raises(MalformedAnswer):
        read(payload)
