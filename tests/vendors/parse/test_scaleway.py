"""What Scaleway's answers mean, by values alone: zones, pages, statuses, prices, links, addresses, GPUs."""

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
    """A page whose header tells the total."""
    plural = "servers" if kind is MACHINES else "volumes"
    headers = {} if total is None else {"x-total-count": str(total)}
    return VENDOR.listings(kind, ZONE)[listing].read(VendorResponse(200, headers, {plural: items}, cursor=cursor))


def server(**told: Any) -> Observation:
    """One server; keyword arguments replace what is told of it."""
    return read([{"id": "s-1", "state": "running", "commercial_type": "H100-1-80G"} | told]).observations[0]


def local(**told: Any) -> Observation:
    """One local volume."""
    return read([{"id": "v-1"} | told], 0, VOLUMES).observations[0]


def block(**told: Any) -> Observation:
    """One volume of Block Storage."""
    return read([{"id": "v-1"} | told], 1, VOLUMES).observations[0]


@pytest.mark.parametrize(
    ("zones", "said"),
    [
        ({}, 'name them, as in zones = \\["fr-par-2"\\]'),
        ({"zones": []}, "zone by zone"),
        ({"zones": ["fr-par"]}, "a word such as fr-par-2"),
        ({"zones": ["fr-par-2/../x"]}, "a word such as fr-par-2"),
        ({"regions": ["fr-par"]}, "regions"),
    ],
)
def test_zones_are_needed(zones: dict[str, Any], said: str) -> None:
    """What is missing or wrong is said in words that mend it."""
    with pytest.raises(ConfigurationError, match=said):
        registry.build("scaleway", "lab", {"credentials": {"api_key": SECRET}} | zones, clock=ManualClock())


def test_every_zone_is_a_scope_of_its_own() -> None:
    """Each once, in its own path."""
    assert (ZONE, "nl-ams-1") == VENDOR.regions(MACHINES) == VENDOR.regions(VOLUMES)
    paths = [one.request(None).path for kind in (MACHINES, VOLUMES) for one in VENDOR.listings(kind, "nl-ams-1")]
    assert [f"/{api}/v1/zones/nl-ams-1/{word}" for api, word in (
        ("instance", "servers"), ("instance", "volumes"), ("block", "volumes"),
    )] == paths  # fmt: skip


@pytest.mark.parametrize(
    ("cursor", "count", "total", "following"),
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
def test_pages_are_asked_for_until_the_total_has_come(
    cursor: str | None, count: int, total: int, following: str | None
) -> None:
    """Also where a page holds less than was asked for; a page of nothing ends it, and the total tells that it was cut."""
    page = read([{"id": f"s-{number}"} for number in range(count)], total=total, cursor=cursor)

    assert (following, total) == (page.cursor, page.total)
    expected = (following or "1").partition(":")[0]
    assert expected == dict(VENDOR.listings(MACHINES, ZONE)[0].request(following).query)["page"]


@pytest.mark.parametrize("total", [None, "", "many", "-1", "²", "9" * 30])
def test_a_listing_that_hides_its_size_is_malformed(total: object) -> None:
    """Without a total nothing tells whether it was whole."""
    with pytest.raises(MalformedAnswer):
        read([{"id": "s-1"}], total=total)


@pytest.mark.parametrize("items", [None, {}, "none", [1], [{}]])
def test_a_missing_list_is_never_an_empty_zone(items: object) -> None:
    """Without a list of objects with ids the answer is malformed."""
    with pytest.raises(MalformedAnswer):
        read(items)


@pytest.mark.parametrize(
    ("word", "status", "charged"),
    [
        ("starting", ResourceStatus.PROVISIONING, False),
        ("running", ResourceStatus.RUNNING, True),
        ("stopping", ResourceStatus.STOPPING, False),
        ("stopped", ResourceStatus.STOPPED, False),
        ("stopped_in_place", ResourceStatus.STOPPED, True),
        ("locked", ResourceStatus.ERROR, False),
        ("dreaming", ResourceStatus.UNKNOWN, False),
        (None, ResourceStatus.UNKNOWN, False),
    ],
)
def test_statuses_and_what_is_charged(word: str | None, status: ResourceStatus, charged: bool) -> None:
    """One that is stopped in place keeps its hypervisor and is charged as if it ran."""
    seen = server(state=word)
    catalogue = VENDOR.catalogue(MACHINES, ZONE)

    assert catalogue is not None
    assert (status, word, charged) == (seen.status, seen.vendor_status, catalogue.charged(seen))


@pytest.mark.parametrize("word", ["available", "snapshotting", "resizing", "saving", "attaching", "hotsyncing"])
def test_a_local_volume_that_is_there_is_running(word: str) -> None:
    """Whatever is done to it."""
    assert (ResourceStatus.RUNNING, word) == (local(state=word).status, local(state=word).vendor_status)


@pytest.mark.parametrize(
    ("word", "status"),
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
def test_statuses_of_block_volumes(word: str, status: ResourceStatus) -> None:
    """By their own words."""
    assert (status, word) == (block(status=word).status, block(status=word).vendor_status)


def quotes(kind: ResourceKind, payload: Mapping[str, Any], told: Observation) -> Quote | None:
    """What a price list of one page says of a resource."""
    catalogue = VENDOR.catalogue(kind, ZONE)
    assert catalogue is not None
    return catalogue.quote(told, catalogue.read(VendorResponse(200, {}, payload)).quotes)


def test_the_price_of_a_server() -> None:
    """Euros an hour by commercial type; what the list does not tell is unknown, and 0 only where it says 0."""
    listed = {
        "H100-1-80G": {"hourly_price": 2.73},
        "FREE": {"hourly_price": 0},
        "X64": {"hourly_price": None},
        "ODD": 7,
    }
    payload = {"servers": listed, "total_count": 4}

    assert Quote(2.73, "EUR", Hardware()) == quotes(MACHINES, payload, server())
    assert Quote(0, "EUR", Hardware()) == quotes(MACHINES, payload, server(commercial_type="FREE"))
    for sku in ("X64", "ODD", "NEW", None):
        assert None is quotes(MACHINES, payload, server(commercial_type=sku))


def test_what_a_commercial_type_is_made_of() -> None:
    """CPUs and memory by the list, GPUs where the type's own form does not tell them; 0 is none, and nothing is unknown."""
    rtx = {"gpu_manufacturer": "NVIDIA", "gpu_name": "RTX 3070", "gpu_memory": 8 << 30}
    told = {"ncpus": 8, "ram": 16 << 30, "gpu": 1, "gpu_info": rtx}
    cases: list[tuple[dict[str, Any], Hardware]] = [
        (told, Hardware("nvidia-rtx-3070-8gb", "RTX 3070", 1, 8, 16)),
        ({"ncpus": 2, "ram": 2 << 30, "gpu": 0, "gpu_info": None}, Hardware(gpu_count=0, vcpu_count=2, memory_gb=2)),
        ({"ncpus": -1, "ram": "16", "gpu": 1.5, "gpu_info": []}, Hardware()),
        ({"gpu": 2, "gpu_info": {"gpu_name": "Later 9"}}, Hardware("Later 9", None, 2)),
        ({}, Hardware()),
    ]
    for one, expected in cases:
        payload = {"servers": {"H100-1-80G": {"hourly_price": 1} | one}, "total_count": 1}
        assert Quote(1, "EUR", expected) == quotes(MACHINES, payload, server())


def test_the_price_of_a_block_volume() -> None:
    """By gigabyte, in the list's own currency; a local volume has none."""
    pricing = {"currency_code": "EUR", "units": 0, "nanos": 118_000}
    payload = {"volume_types": [{"type": "sbs_5k", "pricing": pricing}, {"type": "sbs_x"}], "total_count": 2}

    assert Quote(0.00118, "EUR") == quotes(VOLUMES, payload, block(type="sbs_5k", size=10**10))
    assert None is quotes(VOLUMES, payload, block(type="sbs_5k"))
    assert None is quotes(VOLUMES, payload, block(type="sbs_x", size=10**10))
    assert None is quotes(VOLUMES, payload, local(volume_type="l_ssd", size=10**10))
    untyped = replace(block(type="sbs_5k", size=10**10), spec=NOT_REPORTED)
    assert None is quotes(VOLUMES, payload, untyped)


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
    """Since when is told; only a list of which every part was read closes any."""
    assert links == block(references=references).links
    assert NOT_REPORTED is block().links


@pytest.mark.parametrize(
    ("told", "links"),
    [
        ({"server": {"id": "s-1", "name": "n"}}, (LINK,)),
        ({"server": None}, ()),
        ({}, NOT_REPORTED),
        ({"server": "s-1"}, NOT_REPORTED),
        ({"server": {"id": ["s-1"]}}, NOT_REPORTED),
        ({"server": {"id": None}}, NOT_REPORTED),
    ],
)
def test_links_of_local_volumes(told: dict[str, Any], links: object) -> None:
    """Null says that it is free; nothing at all says nothing."""
    assert links == local(**told).links
    assert NOT_REPORTED is server(volumes={"0": {"id": "v-1"}}).links


V4, V6 = {"address": "192.0.2.7", "family": "inet"}, {"address": "2001:db8::7", "family": "inet6"}


@pytest.mark.parametrize(
    ("told", "access"),
    [
        ({"public_ips": [V6, V4], "private_ip": "10.0.0.1"}, Access("192.0.2.7", "10.0.0.1", "ssh root@192.0.2.7", 22)),
        ({"public_ips": [V6]}, Access("2001:db8::7", None, "ssh root@2001:db8::7", 22)),
        ({"public_ip": V4, "public_ips": []}, Access("192.0.2.7", None, "ssh root@192.0.2.7", 22)),
        (
            {"public_ips": [{"address": "$(reboot)", "family": "inet"}], "private_ip": "10.0.0.1"},
            Access(internal_ip="10.0.0.1"),
        ),
        ({"public_ip": None, "public_ips": [], "private_ip": None}, None),
    ],
)
def test_access(told: dict[str, Any], access: Access | None) -> None:
    """The first public address, IPv4 before IPv6, and root; nothing that is no address gets into a command."""
    assert access == server(**told).access


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
    """From the commercial type: no server tells more."""
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
def test_its_word_for_no_such_thing(operation: str, status: int, body: str, gone: bool) -> None:
    """Only of the very server that was asked for."""
    failure = VENDOR.read_failure(
        VendorRequest(operation, "/instance/v1/zones/fr-par-2/servers/s-1"), status, {}, body, START
    )

    assert gone is isinstance(failure, NotFoundByVendor)


def test_volumes_are_not_probed() -> None:
    """Each interface would say "no such thing" of a volume of the other's."""
    assert None is VENDOR.probe_request(VOLUMES, ZONE, "v-1")


def test_secrets_are_not_taken() -> None:
    """What is not named is not seen."""
    assert SECRET not in repr(server(tags=[SECRET], admin_password_encrypted_value=SECRET, volumes={SECRET: {}}))
