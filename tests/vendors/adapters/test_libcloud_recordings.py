"""DigitalOcean and EC2 against the answers that libcloud recorded, from 2013 on, read from where the package is installed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from domain.enums import PriceSource, ResourceKind, ResourceStatus, StaleReason
from domain.records.observation import Access, Observation, Price, Spec, SweepOutcome
from tests.matrix.player import Asked
from tests.vendors.accounts import SECRET, account
from tests.vendors.loopback import answer, loopback

_PACKAGE = find_spec("libcloud")
FIXTURES: Final = Path((_PACKAGE and _PACKAGE.origin) or "").parent / "test" / "compute" / "fixtures"
MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
DIGITALOCEAN: Final = {"credentials": {"api_key": SECRET}}
EC2: Final = {"credentials": {"access_key_id": "AKIDEXAMPLE", "secret_access_key": SECRET}, "regions": ["us-east-1"]}
EC2_STATUS: Final = {
    "running": ResourceStatus.RUNNING,
    "stopped": ResourceStatus.STOPPED,
    "available": ResourceStatus.RUNNING,
    "in-use": ResourceStatus.RUNNING,
}


def recorded(name: str) -> bytes:
    """A recorded answer."""
    return (FIXTURES / name).read_bytes()


@asynccontextmanager
async def replayed(name_of: Callable[[Asked], str]) -> AsyncIterator[str]:
    """Answer each request with a recording."""

    async def reply(writer: Any) -> bool:
        name = name_of(Asked.parse(double.requests[-1]))
        media = "text/xml" if name.endswith("xml") else "application/json"
        return await answer(recorded(name), 200, {"content-type": media})(writer)

    async with loopback(reply) as double:
        yield double.address


async def test_digitaloceans_recordings() -> None:
    """Every value of the recorded Droplet of 2020 and volume of 2016."""

    def name_of(asked: Asked) -> str:
        lists = {"/v2/droplets": "list_nodes", "/v2/volumes": "list_volumes"}
        return f"digitalocean_v2/{'list_nodes_empty' if 'type' in asked.query else lists[asked.path]}.json"

    async with replayed(name_of) as address, account("digitalocean", DIGITALOCEAN, address) as cloud:
        machines, volumes = await cloud.sweep(MACHINES, None), await cloud.sweep(VOLUMES, None)

    assert (SweepOutcome.COMPLETE, SweepOutcome.COMPLETE) == (machines.outcome, volumes.outcome)
    (machine,), (volume,) = machines.observations, volumes.observations
    (told,) = json.loads(recorded("digitalocean_v2/list_nodes.json"))["droplets"]
    addresses = {one["type"]: one["ip_address"] for one in told["networks"]["v4"]}
    assert (str(told["id"]), told["name"], told["status"]) == (machine.vendor_id, machine.name, machine.vendor_status)
    assert (told["region"]["slug"], datetime.fromisoformat(told["created_at"])) == (machine.region, machine.created_at)
    assert Access(addresses["public"], addresses["private"], f"ssh root@{addresses['public']}", 22) == machine.access
    assert Price(told["size"]["price_hourly"], "USD", PriceSource.VENDOR) == machine.price
    facts = {"locked": told["locked"], "vpc_uuid": told["vpc_uuid"]}
    assert machine.spec == Spec(
        vcpu_count=told["vcpus"], memory_gb=told["memory"] / 1024, disk_gb=told["disk"], vendor_sku=told["size_slug"],
        image=told["image"]["slug"], vendor=facts,
    )  # fmt: skip
    (disk,) = json.loads(recorded("digitalocean_v2/list_volumes.json"))["volumes"]
    assert (disk["id"], disk["name"], disk["region"]["slug"]) == (volume.vendor_id, volume.name, volume.region)
    assert (Spec(disk_gb=disk["size_gigabytes"]), ()) == (volume.spec, volume.links)
    assert datetime.fromisoformat(disk["created_at"]) == volume.created_at


async def test_digitaloceans_recorded_pages() -> None:
    """Of 2014, its second page lost: that is asked for here, not at the recorded address, and the sweep is partial."""

    def name_of(asked: Asked) -> str:
        first = (asked.path, asked.query["page"]) == ("/v2/droplets", "1")
        return f"digitalocean_v2/{'list_nodes_page_1' if first else 'list_nodes_empty'}.json"

    async with replayed(name_of) as address, account("digitalocean", DIGITALOCEAN, address) as cloud:
        result = await cloud.sweep(MACHINES, None)

    (told,) = json.loads(recorded("digitalocean_v2/list_nodes_page_1.json"))["droplets"]
    (seen,) = result.observations
    assert result.problem is not None
    assert (SweepOutcome.PARTIAL, StaleReason.PARTIAL_SWEEP, 2) == (result.outcome, result.problem.reason, result.calls)
    assert (str(told["id"]), told["memory"] / 1024) == (
        seen.vendor_id,
        seen.spec.memory_gb if isinstance(seen.spec, Spec) else None,
    )


def items(root: Element, path: str) -> list[Element]:
    """The elements of a path of local names."""
    found = [root]
    for step in path.split("/"):
        found = [child for one in found for child in one if child.tag.rpartition("}")[2] == step]
    return found


def text(root: Element, path: str) -> str | None:
    """The text of the first element of a path."""
    return next((one.text for one in items(root, path)), None)


def moment(word: str | None) -> datetime | None:
    """A time of EC2's."""
    return datetime.fromisoformat(word) if word else None


async def ec2() -> Mapping[ResourceKind, tuple[SweepOutcome, dict[str, Observation]]]:
    """A sweep of the recorded instances and volumes."""
    names = {"DescribeInstances": "describe_instances", "DescribeVolumes": "describe_volumes"}
    async with (
        replayed(lambda asked: f"ec2/{names[asked.form['Action']]}.xml") as address,
        account("aws", EC2, address) as cloud,
    ):
        told = {kind: await cloud.sweep(kind, "us-east-1") for kind in ResourceKind}
    return {
        kind: (result.outcome, {one.vendor_id: one for one in result.observations}) for kind, result in told.items()
    }


async def test_ec2s_recorded_instances() -> None:
    """Every instance and every value of it that we tell."""
    outcome, seen = (await ec2())[MACHINES]

    root = fromstring(recorded("ec2/describe_instances.xml"))
    told = items(root, "reservationSet/item/instancesSet/item")
    assert (SweepOutcome.COMPLETE, {text(one, "instanceId") for one in told}) == (outcome, set(seen))
    for one in told:
        came = seen[text(one, "instanceId") or ""]
        tags = {text(tag, "key"): text(tag, "value") for tag in items(one, "tagSet/item")}
        state = text(one, "instanceState/name")
        assert (state, EC2_STATUS[state or ""]) == (came.vendor_status, came.status)
        assert (tags.get("Name"), text(one, "stateReason/message")) == (came.name, came.status_message)
        outer, inner = text(one, "ipAddress"), text(one, "privateIpAddress")
        assert (Access(external_ip=outer, internal_ip=inner) if outer or inner else None) == came.access
        assert isinstance(came.spec, Spec)
        assert (text(one, "instanceType"), text(one, "imageId")) == (came.spec.vendor_sku, came.spec.image)
        # Without an interface nothing tells when it was made: a root volume may have been replaced since.
        interfaces = [moment(text(card, "attachment/attachTime")) for card in items(one, "networkInterfaceSet/item")]
        assert next(iter(interfaces), None) == came.created_at


async def test_ec2s_recorded_volumes() -> None:
    """Every volume; the one of a word that nobody knows is UNKNOWN, and its word is kept."""
    outcome, seen = (await ec2())[VOLUMES]

    told = items(fromstring(recorded("ec2/describe_volumes.xml")), "volumeSet/item")
    assert (SweepOutcome.COMPLETE, {text(one, "volumeId") for one in told}) == (outcome, set(seen))
    for one in told:
        came = seen[text(one, "volumeId") or ""]
        word = text(one, "status") or ""
        assert (word, EC2_STATUS.get(word, ResourceStatus.UNKNOWN)) == (came.vendor_status, came.status)
        assert moment(text(one, "createTime")) == came.created_at
        assert isinstance(came.spec, Spec)
        assert (float(text(one, "size") or ""), text(one, "volumeType")) == (came.spec.disk_gb, came.spec.vendor_sku)
        links = [
            (text(held, "instanceId"), moment(text(held, "attachTime"))) for held in items(one, "attachmentSet/item")
        ]
        assert isinstance(came.links, tuple)
        assert links == [(link.vendor_id, link.since) for link in came.links]
