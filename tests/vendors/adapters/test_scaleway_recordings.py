"""Scaleway against the traffic recorded in its own SDK's package, replayed by vcrpy at the vendor's own address."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
import vcr
import yaml

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
    Terms,
)
from tests.clock import START
from tests.vendors.accounts import SECRET, account
from vendors.base import VendorRequest, VendorResponse
from vendors.scaleway import Scaleway, ScalewaySettings

_PACKAGE = find_spec("scaleway")
FOLDER: Final = Path((_PACKAGE and _PACKAGE.origin) or "").parent
ZONE: Final = "fr-par-1"
SETTINGS: Final = {"credentials": {"api_key": SECRET}, "zones": [ZONE]}
VENDOR: Final = Scaleway(ScalewaySettings.model_validate(SETTINGS))
MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
RATE: Final = 0.0198
LISTS: Final = ("test_create_new_server", "test_list_server")
STATUS: Final = {"running": ResourceStatus.RUNNING, "stopped": ResourceStatus.STOPPED}


def cassette(name: str, service: str = "instance/v1") -> Path:
    """Return the file of a cassette."""
    return FOLDER / service / "tests" / "cassettes" / f"{name}.cassette.yaml"


def read_recording(
    name: str, path_suffix: str, service: str = "instance/v1"
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield statuses and bodies of the recorded GETs whose path has the suffix, parsed without the adapter."""
    for interaction in yaml.safe_load(cassette(name, service).read_text(encoding="utf-8"))["interactions"]:
        path = interaction["request"]["uri"].partition("?")[0]
        if interaction["request"]["method"] == "GET" and path.endswith(path_suffix):
            yield interaction["response"]["status"]["code"], json.loads(interaction["response"]["body"]["string"])


@contextmanager
def replay(name: str, folder: Path) -> Iterator[Any]:
    """Replay the recorded responses, and a price list of one type, which was not recorded.

    The recorded calls had other page sizes and filters than those of the adapter. A copy of the cassette is used,
    because vcrpy writes to it.
    """
    tape = yaml.safe_load(cassette(name).read_text(encoding="utf-8"))
    url = f"https://api.scaleway.com/instance/v1/zones/{ZONE}/products/servers"
    prices = {
        "status": {"code": 200, "message": "OK"},
        "headers": {"x-total-count": ["1"]},
        "body": {"string": json.dumps({"servers": {"DEV1-M": {"hourly_price": RATE}}})},
    }
    request: dict[str, Any] = {"method": "GET", "uri": url, "body": None, "headers": {}}
    tape["interactions"].append({"request": request, "response": prices})
    copy = folder / "tape.yaml"
    copy.write_text(yaml.safe_dump(tape), encoding="utf-8")
    player = vcr.VCR(record_mode="none", match_on=["method", "scheme", "host", "path", "same_page"])
    player.register_matcher("same_page", _same_page)
    with player.use_cassette(str(copy), allow_playback_repeats=True) as played:
        yield played


def _same_page(ours: Any, theirs: Any) -> None:
    pages = [dict(request.query).get("page", "1") for request in (ours, theirs)]
    assert pages[0] == pages[1]


def expected_machine(server: Mapping[str, Any]) -> Observation:
    """Return a recorded server as an observation, field by field."""
    addresses = [ip_address["address"] for ip_address in server["public_ips"] if ip_address["family"] == "inet"]
    ip = addresses[0] if addresses else None
    sku = server["commercial_type"]
    has_price = sku == "DEV1-M"
    assert has_price == (server["state"] == "running")
    return Observation(
        kind=MACHINES,
        vendor_id=server["id"],
        resource_type=ResourceType.VM,
        status=STATUS[server["state"]],
        vendor_status=server["state"],
        region=server["zone"],
        created_at=datetime.fromisoformat(server["creation_date"]),
        name=server["name"],
        status_message=server["state_detail"] or None,
        access=Access(ip, server["private_ip"], f"ssh root@{ip}", 22) if ip else None,
        spec=Spec(
            vendor_sku=sku,
            image=(server["image"] or {}).get("name"),
            vendor={"arch": server["arch"], "hostname": server["hostname"], "project": server["project"]},
        ),
        price=Price(RATE, "EUR", PriceSource.CATALOGUE, START) if has_price else NO_PRICE,
        terms=Terms(
            OfferType.VM, ContractType.ONDEMAND, sku, RATE if has_price else None, "EUR" if has_price else None
        ),
    )


@pytest.mark.parametrize("name", LISTS)
async def test_recorded_servers(name: str, tmp_path: Path) -> None:
    """A sweep at the real address reads every value of every recorded server, and requests no page beyond the total."""
    ((_, body),) = [item for item in read_recording(name, "/servers") if item[1]["servers"]]
    with replay(name, tmp_path) as tape:
        async with account("scaleway", SETTINGS, None) as cloud:
            result = await cloud.sweep(MACHINES, ZONE)

    assert (SweepOutcome.COMPLETE, 1, 2) == (result.outcome, len(result.trace), tape.play_count)
    assert {item["id"]: expected_machine(item) for item in body["servers"]} == {
        item.vendor_id: item for item in result.observations
    }
    assert len(body["servers"]) == len(result.observations) > 10
    assert {"running", "stopped"} >= {item.vendor_status for item in result.observations}


async def test_recorded_server_by_id(tmp_path: Path) -> None:
    """A probe reads the same as a sweep."""
    ((_, body),) = read_recording("server", "b-4518-43c3-9e61-33b82873d617")
    with replay("server", tmp_path):
        async with account("scaleway", SETTINGS, None) as cloud:
            result = await cloud.probe(MACHINES, ZONE, body["server"]["id"])

    # No price list was read, which alone reports CPUs and memory.
    assert ("found", replace(expected_machine(body["server"]), partial_spec=True)) == (
        result.outcome,
        result.observation,
    )


def read_volumes(listing: int, *items: Mapping[str, Any]) -> list[Observation]:
    """Parse a page of one of the two interfaces that have volumes."""
    payload = {"volumes": list(items), "total_count": len(items)}
    return list(VENDOR.listings(VOLUMES, ZONE)[listing].read(VendorResponse(200, {}, payload)).observations)


def test_recorded_block_volume() -> None:
    """Each of its two recorded states: first detached, then attached to the server since the recorded time."""
    states = [
        body
        for _, body in read_recording("test_attach_additional_volume", "/volumes/6a371d9d-1edb-4c62-a49b-33852b4704d1")
    ]
    free, attached = (read_volumes(1, state)[0] for state in states)
    (reference,) = states[1]["references"]

    for item, observation in zip(states, (free, attached), strict=True):
        assert (item["id"], item["name"], item["status"], item["zone"]) == (
            observation.vendor_id,
            observation.name,
            observation.vendor_status,
            observation.region,
        )
        assert 10 == item["size"] / 10**9
        assert datetime.fromisoformat(item["created_at"]) == observation.created_at
        assert (
            Spec(disk_gb=10, vendor_sku=item["type"], vendor={"iops": item["specs"]["perf_iops"]}) == observation.spec
        )
        assert ResourceStatus.RUNNING is observation.status
    since = datetime.fromisoformat(reference["created_at"])
    link = Attachment(LinkType.ATTACHED_TO, MACHINES, reference["product_resource_id"], since)
    assert ((), (link,)) == (free.links, attached.links)


def test_recorded_local_volumes() -> None:
    """A local volume, as servers contain it, reports its server; a server's entry of a block volume changes no links."""
    (server, *_) = [
        body["server"] for _, body in read_recording("test_attach_additional_volume", "b456-4aec-b885-c408b4f9c93d")
    ] or [body["server"] for _, body in read_recording("test_attach_additional_volume", "-b885-c408b4f9c93d")]
    local, block = server["volumes"]["0"], server["volumes"]["1"]
    (observation,) = read_volumes(0, local)

    assert (local["id"], local["name"], local["state"]) == (
        observation.vendor_id,
        observation.name,
        observation.vendor_status,
    )
    assert Spec(disk_gb=local["size"] / 10**9, vendor_sku=local["volume_type"]) == observation.spec
    assert (Attachment(LinkType.ATTACHED_TO, MACHINES, server["id"]),) == observation.links
    assert [NOT_REPORTED] == [volume.links for volume in read_volumes(0, block)]


def test_recorded_404() -> None:
    """A 404 that was recorded of a private cloud means absence only for exactly the requested resource."""
    (path,) = [
        interaction["request"]["uri"]
        for interaction in yaml.safe_load(cassette("test_vpc_delete", "vpc/v2").read_text(encoding="utf-8"))[
            "interactions"
        ]
        if interaction["response"]["status"]["code"] == 404
    ]
    ((status, body),) = [
        interaction
        for interaction in read_recording("test_vpc_delete", path.rpartition("/")[2], "vpc/v2")
        if interaction[0] == 404
    ]

    def failure(operation: str, vendor_id: str) -> str:
        result = VENDOR.read_failure(
            VendorRequest(operation, f"/servers/{vendor_id}"), status, {}, json.dumps(body), START
        )
        return type(result).__name__

    assert "NotFoundByVendor" == failure("GetServer", body["resource_id"])
    assert "MalformedAnswer" == failure("GetServer", "another")
    assert "MalformedAnswer" == failure("ListServers", body["resource_id"])
