"""Scaleway against the traffic that its own SDK's package has recorded, replayed at the vendor's own address by vcrpy."""

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
    """The file of a cassette."""
    return FOLDER / service / "tests" / "cassettes" / f"{name}.cassette.yaml"


def recorded(name: str, ending: str, service: str = "instance/v1") -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Statuses and bodies of the recorded GETs whose path ends so, read here by no reader of ours."""
    for one in yaml.safe_load(cassette(name, service).read_text(encoding="utf-8"))["interactions"]:
        path = one["request"]["uri"].partition("?")[0]
        if one["request"]["method"] == "GET" and path.endswith(ending):
            yield one["response"]["status"]["code"], json.loads(one["response"]["body"]["string"])


@contextmanager
def replayed(name: str, folder: Path) -> Iterator[Any]:
    """Nothing is answered but what was recorded, and a price list of one type, which was not.

    The recorded calls had other page sizes and filters than ours. What is played is a copy: a player writes to its tape.
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


def machine_of(told: Mapping[str, Any]) -> Observation:
    """A recorded server in our words, field by field."""
    addresses = [one["address"] for one in told["public_ips"] if one["family"] == "inet"]
    ip = addresses[0] if addresses else None
    sku = told["commercial_type"]
    priced = sku == "DEV1-M"
    assert priced == (told["state"] == "running")
    return Observation(
        kind=MACHINES,
        vendor_id=told["id"],
        resource_type=ResourceType.VM,
        status=STATUS[told["state"]],
        vendor_status=told["state"],
        region=told["zone"],
        created_at=datetime.fromisoformat(told["creation_date"]),
        name=told["name"],
        status_message=told["state_detail"] or None,
        access=Access(ip, told["private_ip"], f"ssh root@{ip}", 22) if ip else None,
        spec=Spec(
            vendor_sku=sku,
            image=(told["image"] or {}).get("name"),
            vendor={"arch": told["arch"], "hostname": told["hostname"], "project": told["project"]},
        ),
        price=Price(RATE, "EUR", PriceSource.CATALOGUE, START) if priced else NO_PRICE,
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, sku, RATE if priced else None, "EUR" if priced else None),
    )


@pytest.mark.parametrize("name", LISTS)
async def test_the_recorded_servers(name: str, tmp_path: Path) -> None:
    """A sweep at the real address tells every recorded server, every value of it, and asks for no page beyond the total."""
    ((_, body),) = [one for one in recorded(name, "/servers") if one[1]["servers"]]
    with replayed(name, tmp_path) as tape:
        async with account("scaleway", SETTINGS, None) as cloud:
            result = await cloud.sweep(MACHINES, ZONE)

    assert (SweepOutcome.COMPLETE, 1, 2) == (result.outcome, len(result.trace), tape.play_count)
    assert {one["id"]: machine_of(one) for one in body["servers"]} == {
        one.vendor_id: one for one in result.observations
    }
    assert len(body["servers"]) == len(result.observations) > 10
    assert {"running", "stopped"} >= {one.vendor_status for one in result.observations}


async def test_the_recorded_server_by_its_id(tmp_path: Path) -> None:
    """A probe tells the same as the recorded answer."""
    ((_, body),) = recorded("server", "b-4518-43c3-9e61-33b82873d617")
    with replayed("server", tmp_path):
        async with account("scaleway", SETTINGS, None) as cloud:
            result = await cloud.probe(MACHINES, ZONE, body["server"]["id"])

    # Its price list was not read, which alone tells CPUs and memory.
    assert ("found", replace(machine_of(body["server"]), partial_spec=True)) == (result.outcome, result.observation)


def read_volumes(listing: int, *told: Mapping[str, Any]) -> list[Observation]:
    """A page of one of the two interfaces that have volumes."""
    payload = {"volumes": list(told), "total_count": len(told)}
    return list(VENDOR.listings(VOLUMES, ZONE)[listing].read(VendorResponse(200, {}, payload)).observations)


def test_the_recorded_block_volume_is_attached_and_let_go() -> None:
    """Each of its states, one after the other: free, then attached to the server since the recorded moment."""
    states = [
        body for _, body in recorded("test_attach_additional_volume", "/volumes/6a371d9d-1edb-4c62-a49b-33852b4704d1")
    ]
    free, attached = (read_volumes(1, one)[0] for one in states)
    (reference,) = states[1]["references"]

    for told, seen in zip(states, (free, attached), strict=True):
        assert (told["id"], told["name"], told["status"], told["zone"], told["size"] / 10**9) == (
            seen.vendor_id, seen.name, seen.vendor_status, seen.region, seen.spec.disk_gb if isinstance(seen.spec, Spec) else 0,
        )  # fmt: skip
        assert datetime.fromisoformat(told["created_at"]) == seen.created_at
        assert Spec(disk_gb=10, vendor_sku=told["type"], vendor={"iops": told["specs"]["perf_iops"]}) == seen.spec
        assert ResourceStatus.RUNNING is seen.status
    since = datetime.fromisoformat(reference["created_at"])
    link = Attachment(LinkType.ATTACHED_TO, MACHINES, reference["product_resource_id"], since)
    assert ((), (link,)) == (free.links, attached.links)


def test_the_recorded_local_volumes() -> None:
    """A local volume, as servers carry it, tells its server; what a server tells of a block volume leaves links as they are."""
    (told, *_) = [
        body["server"] for _, body in recorded("test_attach_additional_volume", "b456-4aec-b885-c408b4f9c93d")
    ] or [body["server"] for _, body in recorded("test_attach_additional_volume", "-b885-c408b4f9c93d")]
    local, block = told["volumes"]["0"], told["volumes"]["1"]
    (seen,) = read_volumes(0, local)

    assert (local["id"], local["name"], local["state"]) == (seen.vendor_id, seen.name, seen.vendor_status)
    assert Spec(disk_gb=local["size"] / 10**9, vendor_sku=local["volume_type"]) == seen.spec
    assert (Attachment(LinkType.ATTACHED_TO, MACHINES, told["id"]),) == seen.links
    assert [NOT_REPORTED] == [one.links for one in read_volumes(0, block)]


def test_the_recorded_word_for_no_such_thing() -> None:
    """As it was recorded of a private cloud: of the very thing that was asked for, and of no other."""
    (path,) = [
        one["request"]["uri"]
        for one in yaml.safe_load(cassette("test_vpc_delete", "vpc/v2").read_text(encoding="utf-8"))["interactions"]
        if one["response"]["status"]["code"] == 404
    ]
    ((status, body),) = [one for one in recorded("test_vpc_delete", path.rpartition("/")[2], "vpc/v2") if one[0] == 404]

    def failure(operation: str, asked: str) -> str:
        told = VENDOR.read_failure(VendorRequest(operation, f"/servers/{asked}"), status, {}, json.dumps(body), START)
        return type(told).__name__

    assert "NotFoundByVendor" == failure("GetServer", body["resource_id"])
    assert "MalformedAnswer" == failure("GetServer", "another")
    assert "MalformedAnswer" == failure("ListServers", body["resource_id"])
