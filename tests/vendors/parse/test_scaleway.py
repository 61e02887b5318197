"""Parsing Scaleway's responses, without calls: zones, pages, statuses, prices, links, addresses, GPUs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.enums import LinkType, ResourceKind, ResourceStatus
from domain.errors import ConfigurationError, MalformedAnswer, NotFoundByVendor
from domain.records.observation import NOT_REPORTED, Access, Attachment, Observation, Spec
from tests.clock import START, ManualClock
from tests.vendors.accounts import SECRET
from vendors import registry
from vendors.base import Hardware, Page, Quote, VendorRequest, VendorResponse
from vendors.scaleway import Scaleway, ScalewaySettings

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
ZONE = "fr-par-2"
VENDOR = Scaleway(
    ScalewaySettings.model_validate({"credentials": {"api_key": SECRET}, "zones": [ZONE, "nl-ams-1", ZONE]})
)


def read(
    items: object, listing: int = 0, kind: ResourceKind = MACHINES, total: object = "9", cursor: str | None = None
) -> Page:
    """Parse a page whose header has the total."""
    plural = "servers" if kind is MACHINES else "volumes"
    headers = {} if total is None else {"x-total-count": str(total)}
    return VENDOR.listings(kind, ZONE)[listing].read(VendorResponse(200, headers, {plural: items}, cursor=cursor))


def server(**fields: Any) -> Observation:
    """Return one server; keyword arguments replace its fields."""
    return read([{"id": "s-1", "state": "running", "commercial_type": "H100-1-80G"} | fields]).observations[0]


def local(**fields: Any) -> Observation:
    """Return one local volume."""
    return read([{"id": "v-1"} | fields], 0, VOLUMES).observations[0]


def block(**fields: Any) -> Observation:
    """Return one volume of Block Storage."""
    return read([{"id": "v-1"} | fields], 1, VOLUMES).observations[0]


@pytest.mark.parametrize(
    ("zones", "message"),
    [
        ({}, 'name them, as in zones = \\["fr-par-2"\\]'),
        ({"zones": []}, "zone by zone"),
        ({"zones": ["fr-par"]}, "a zone name such as fr-par-2"),
        ({"zones": ["fr-par-2/../x"]}, "a zone name such as fr-par-2"),
        ({"regions": ["fr-par"]}, "regions"),
    ],
)
def test_zones_are_required(zones: dict[str, Any], message: str) -> None:
    """The error says what is missing or wrong, and what to write."""
    with pytest.raises(ConfigurationError, match=message):
        registry.build("scaleway", "lab", {"credentials": {"api_key": SECRET}} | zones, clock=ManualClock())


def test_every_zone_is_a_scope_of_its_own() -> None:
    """Each zone is a scope, with its own path."""
    assert (ZONE, "nl-ams-1") == VENDOR.regions(MACHINES) == VENDOR.regions(VOLUMES)
    paths = [item.request(None).path for kind in (MACHINES, VOLUMES) for item in VENDOR.listings(kind, "nl-ams-1")]
    assert [f"/{api}/v1/zones/nl-ams-1/{plural}" for api, plural in (
        ("instance", "servers"), ("instance", "volumes"), ("block", "volumes"),
    )] == paths  # fmt: skip


@pytest.mark.parametrize(
    ("cursor", "count", "total", "cursor_after"),
    [
        (None, 100, 301, "2:100"),
        ("2:100", 100, 301, "3:200"),
        ("4:300", 1, 301, None),
        (None, 50, 301, "2:50"),
        (None, 2, 2, None),
        (None, 0, 0, None),
        ("3:200", 0, 301, None),
    ],
)
def test_next_page(cursor: str | None, count: int, total: int, cursor_after: str | None) -> None:
    """Pages are requested until the total is reached, also after a short page; an empty page ends the listing."""
    page = read([{"id": f"s-{number}"} for number in range(count)], total=total, cursor=cursor)

    assert (cursor_after, total) == (page.cursor, page.total)
    expected = (cursor_after or "1").partition(":")[0]
    assert expected == dict(VENDOR.listings(MACHINES, ZONE)[0].request(cursor_after).query)["page"]


@pytest.mark.parametrize("total", [None, "", "many", "-1", "²", "9" * 30])
def test_listing_without_total_is_malformed(total: object) -> None:
    """Without a total nothing shows whether the listing was complete."""
    with pytest.raises(MalformedAnswer):
        read([{"id": "s-1"}], total=total)


@pytest.mark.parametrize("items", [None, {}, "none", [1], [{}]])
def test_missing_list_is_malformed(items: object) -> None:
    """Without a list of objects with ids the response is malformed."""
    with pytest.raises(MalformedAnswer):
        read(items)


@pytest.mark.parametrize(
    ("vendor_status", "status", "charged"),
    [
        ("starting", ResourceStatus.PROVISIONING, False),
        ("running", ResourceStatus.RUNNING, True),
        ("stopping", ResourceStatus.STOPPING, False),
        ("stopped", ResourceStatus.STOPPED, False),
        ("stopped in place", ResourceStatus.STOPPED, True),
        ("stopped_in_place", ResourceStatus.STOPPED, True),
        ("locked", ResourceStatus.ERROR, False),
        ("dreaming", ResourceStatus.UNKNOWN, False),
        (None, ResourceStatus.UNKNOWN, False),
    ],
)
def test_statuses_and_charged_statuses(vendor_status: str | None, status: ResourceStatus, charged: bool) -> None:
    """A server that is stopped in place holds its hypervisor and is charged as if it ran."""
    observation = server(state=vendor_status)
    price_list = VENDOR.price_list(MACHINES, ZONE)

    assert price_list is not None
    assert (status, vendor_status, charged) == (
        observation.status,
        observation.vendor_status,
        price_list.is_charged(observation),
    )


@pytest.mark.parametrize(
    "vendor_status", ["available", "snapshotting", "resizing", "saving", "attaching", "hotsyncing"]
)
def test_statuses_of_local_volumes(vendor_status: str) -> None:
    """An existing volume is running during any operation."""
    assert (ResourceStatus.RUNNING, vendor_status) == (
        local(state=vendor_status).status,
        local(state=vendor_status).vendor_status,
    )


@pytest.mark.parametrize(
    ("vendor_status", "status"),
    [
        ("creating", ResourceStatus.PROVISIONING),
        ("in_use", ResourceStatus.RUNNING),
        ("deleting", ResourceStatus.DELETING),
        ("deleted", ResourceStatus.DELETED),
        ("error", ResourceStatus.ERROR),
        ("locked", ResourceStatus.ERROR),
        ("unknown_status", ResourceStatus.UNKNOWN),
    ],
)
def test_statuses_of_block_volumes(vendor_status: str, status: ResourceStatus) -> None:
    """Block volumes have statuses of their own."""
    observation = block(status=vendor_status)

    assert (status, vendor_status) == (observation.status, observation.vendor_status)


def quote_of(kind: ResourceKind, payload: Mapping[str, Any], observation: Observation) -> Quote | None:
    """Return the quote of a resource by a price list of one page."""
    price_list = VENDOR.price_list(kind, ZONE)
    assert price_list is not None
    return price_list.quote(observation, price_list.read(VendorResponse(200, {}, payload)).quotes)


def test_price_of_a_server() -> None:
    """Euros per hour by commercial type; an unlisted price is unknown, and a price is 0 only if the list says 0."""
    listed = {
        "H100-1-80G": {"hourly_price": 2.73},
        "FREE": {"hourly_price": 0},
        "X64": {"hourly_price": None},
        "ODD": 7,
    }
    payload = {"servers": listed, "total_count": 4}

    assert Quote(2.73, "EUR", Hardware()) == quote_of(MACHINES, payload, server())
    assert Quote(0, "EUR", Hardware()) == quote_of(MACHINES, payload, server(commercial_type="FREE"))
    for sku in ("X64", "ODD", "NEW", None):
        assert None is quote_of(MACHINES, payload, server(commercial_type=sku))


def test_hardware_of_a_commercial_type() -> None:
    """CPUs and memory, and GPUs that the type's name does not contain; 0 is none, and a missing field is unknown."""
    rtx = {"gpu_manufacturer": "NVIDIA", "gpu_name": "RTX 3070", "gpu_memory": 8 << 30}
    gpu_type = {"ncpus": 8, "ram": 16 << 30, "gpu": 1, "gpu_info": rtx}
    cases: list[tuple[dict[str, Any], Hardware]] = [
        (gpu_type, Hardware("nvidia-rtx-3070-8gb", "RTX 3070", 1, 8, 16)),
        ({"ncpus": 2, "ram": 2 << 30, "gpu": 0, "gpu_info": None}, Hardware(gpu_count=0, vcpu_count=2, memory_gb=2)),
        ({"ncpus": -1, "ram": "16", "gpu": 1.5, "gpu_info": []}, Hardware()),
        ({"gpu": 2, "gpu_info": {"gpu_name": "Later 9"}}, Hardware("Later 9", None, 2)),
        ({}, Hardware()),
    ]
    for item, expected in cases:
        payload = {"servers": {"H100-1-80G": {"hourly_price": 1} | item}, "total_count": 1}
        assert Quote(1, "EUR", expected) == quote_of(MACHINES, payload, server())


def test_price_of_a_block_volume() -> None:
    """By gigabyte, in the list's own currency; a local volume has no price."""
    pricing = {"currency_code": "EUR", "units": 0, "nanos": 118_000}
    payload = {"volume_types": [{"type": "sbs_5k", "pricing": pricing}, {"type": "sbs_x"}], "total_count": 2}

    assert Quote(0.00118, "EUR") == quote_of(VOLUMES, payload, block(type="sbs_5k", size=10**10))
    assert None is quote_of(VOLUMES, payload, block(type="sbs_5k"))
    assert None is quote_of(VOLUMES, payload, block(type="sbs_x", size=10**10))
    assert None is quote_of(VOLUMES, payload, local(volume_type="l_ssd", size=10**10))
    untyped = replace(block(type="sbs_5k", size=10**10), spec=NOT_REPORTED)
    assert None is quote_of(VOLUMES, payload, untyped)


SINCE = datetime(2025, 9, 2, 7, 48, 15, tzinfo=UTC)
REFERENCE = {
    "product_resource_type": "instance_server", "product_resource_id": "s-1", "status": "attached",
    "created_at": "2025-09-02T07:48:15Z",
}  # fmt: skip
LINK = Attachment(LinkType.ATTACHED_TO, MACHINES, "s-1")


@pytest.mark.parametrize(
    ("references", "links"),
    [
        ([REFERENCE], (replace(LINK, since=SINCE),)),
        ([REFERENCE | {"status": "detaching"}], (replace(LINK, since=SINCE),)),
        ([REFERENCE | {"status": "detached"}], ()),
        ([REFERENCE | {"product_resource_type": "snapshot"}], ()),
        ([], ()),
        (None, NOT_REPORTED),
        ("none", NOT_REPORTED),
        ([REFERENCE, 7], NOT_REPORTED),
        ([REFERENCE | {"product_resource_id": {}}], NOT_REPORTED),
    ],
)
def test_links_of_block_volumes(references: object, links: object) -> None:
    """The time of attachment is reported; only a list that was read completely closes links."""
    assert links == block(references=references).links
    assert NOT_REPORTED is block().links


@pytest.mark.parametrize(
    ("fields", "links"),
    [
        ({"server": {"id": "s-1", "name": "n"}}, (LINK,)),
        ({"server": None}, ()),
        ({}, NOT_REPORTED),
        ({"server": "s-1"}, NOT_REPORTED),
        ({"server": {"id": ["s-1"]}}, NOT_REPORTED),
        ({"server": {"id": None}}, NOT_REPORTED),
    ],
)
def test_links_of_local_volumes(fields: dict[str, Any], links: object) -> None:
    """Null means that it is attached to nothing; a missing field means nothing."""
    assert links == local(**fields).links
    assert NOT_REPORTED is server(volumes={"0": {"id": "v-1"}}).links


V4, V6 = {"address": "192.0.2.7", "family": "inet"}, {"address": "2001:db8::7", "family": "inet6"}


@pytest.mark.parametrize(
    ("fields", "access"),
    [
        ({"public_ips": [V6, V4], "private_ip": "10.0.0.1"}, Access("192.0.2.7", "10.0.0.1", "ssh root@192.0.2.7", 22)),
        ({"public_ips": [V6]}, Access("2001:db8::7", None, "ssh root@2001:db8::7", 22)),
        ({"public_ip": V4, "public_ips": []}, Access("192.0.2.7", None, "ssh root@192.0.2.7", 22)),
        (
            {"public_ips": [{"address": "$(reboot)", "family": "inet"}], "private_ip": "10.0.0.1"},
            Access(internal_ip="10.0.0.1"),
        ),
        ({"public_ip": None, "public_ips": [], "private_ip": None}, None),
        (
            {"public_ips": [V4 | {"state": "detached"}, V4 | {"address": "192.0.2.8", "state": "attached"}]},
            Access("192.0.2.8", None, "ssh root@192.0.2.8", 22),
        ),
        ({"public_ips": [V4], "state": "stopped in place"}, Access("192.0.2.7", None)),
    ],
)
def test_access(fields: dict[str, Any], access: Access | None) -> None:
    """The first public address, IPv4 before IPv6, and root; an invalid address never becomes part of a command."""
    assert access == server(**fields).access


@pytest.mark.parametrize(
    ("sku", "gpus"),
    [
        ("H100-1-80G", ("nvidia-h100-80gb", "H100", 1)),
        ("H100-SXM-8-80G", ("nvidia-h100-sxm5-80gb", "H100", 8)),
        ("L4-2-24G", ("nvidia-l4-24gb", "L4", 2)),
        ("L40S-8-48G", ("nvidia-l40s-48gb", "L40S", 8)),
        ("B300-SXM-8-288G", ("nvidia-b300-sxm6-288gb", "B300", 8)),
        ("RENDER-S", ("nvidia-p100-16gb", "P100", 1)),
        ("GPU-3070-S", ("nvidia-rtx-3070-8gb", "RTX 3070", 1)),
        ("LATER-2-7G", (None, None, None)),
        ("DEV1-S", (None, None, None)),
        ("POP2-2C-8G", (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_gpus(sku: str | None, gpus: tuple[str | None, str | None, int | None]) -> None:
    """GPUs are read from the commercial type, because servers report nothing else."""
    spec = server(commercial_type=sku).spec

    assert isinstance(spec, Spec)
    assert gpus == (spec.gpu_type, spec.gpu_family, spec.gpu_count)


@pytest.mark.parametrize(
    ("operation", "status", "body", "gone"),
    [
        ("GetServer", 404, '{"type": "not_found", "resource_id": "s-1"}', True),
        ("GetServer", 404, '{"type": "not_found"}', True),
        ("GetServer", 404, '{"type": "not_found", "resource_id": "image-1"}', False),
        ("ListServers", 404, '{"type": "not_found"}', False),
        ("GetServer", 404, '{"type": "unknown_resource"}', False),
        ("GetServer", 404, '{"type": "unknown_resource", "message": "Server \\"s-1\\" not found"}', True),
        ("GetServer", 404, '{"type": "unknown_resource", "message": "\'s-1\' not found"}', True),
        ("GetServer", 404, '{"type": "unknown_resource", "message": "Server \\"s-12\\" not found"}', False),
        ("GetServer", 404, '{"type": "unknown_resource", "message": "Security group \\"x\\" not found"}', False),
        ("GetServer", 403, '{"type": "unknown_resource", "message": "Server \\"s-1\\" not found"}', False),
        ("GetServer", 410, '{"type": "not_found"}', False),
        ("GetServer", 404, '{"error": {"type": "not_found"}}', False),
        ("GetServer", 404, "not_found", False),
    ],
)
def test_not_found(operation: str, status: int, body: str, gone: bool) -> None:
    """Only the documented response for exactly the requested server means that it does not exist."""
    failure = VENDOR.read_failure(
        VendorRequest(operation, "/instance/v1/zones/fr-par-2/servers/s-1"), status, {}, body, START
    )

    assert gone is isinstance(failure, NotFoundByVendor)


def test_volumes_are_not_probed() -> None:
    """Each interface answers 404 for a volume of the other one."""
    assert None is VENDOR.probe_request(VOLUMES, ZONE, "v-1")


def test_secrets_are_not_read() -> None:
    """Fields that are not read by name are never seen."""
    assert SECRET not in repr(server(tags=[SECRET], admin_password_encrypted_value=SECRET, volumes={SECRET: {}}))
