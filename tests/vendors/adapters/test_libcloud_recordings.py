"""DigitalOcean and EC2 against responses that libcloud has recorded since 2013, read from the installed package."""

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
from tests.matrix.player import ReceivedRequest
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


def read_recording(name: str) -> bytes:
    """Return a recorded response."""
    return (FIXTURES / name).read_bytes()


@asynccontextmanager
async def replay(name_of: Callable[[ReceivedRequest], str]) -> AsyncIterator[str]:
    """Answer each request with a recording."""

    async def reply(writer: Any) -> bool:
        name = name_of(ReceivedRequest.parse(server.requests[-1]))
        media = "text/xml" if name.endswith("xml") else "application/json"
        return await answer(read_recording(name), 200, {"content-type": media})(writer)

    async with loopback(reply) as server:
        yield server.address


async def test_digitalocean_recordings() -> None:
    """Every value of the recorded Droplet of 2020 and volume of 2016 is read."""

    def name_of(request: ReceivedRequest) -> str:
        lists = {"/v2/droplets": "list_nodes", "/v2/volumes": "list_volumes"}
        return f"digitalocean_v2/{'list_nodes_empty' if 'type' in request.query else lists[request.path]}.json"

    async with replay(name_of) as address, account("digitalocean", DIGITALOCEAN, address) as cloud:
        machines, volumes = await cloud.sweep(MACHINES, None), await cloud.sweep(VOLUMES, None)

    assert (SweepOutcome.COMPLETE, SweepOutcome.COMPLETE) == (machines.outcome, volumes.outcome)
    (machine,), (volume,) = machines.observations, volumes.observations
    (droplet,) = json.loads(read_recording("digitalocean_v2/list_nodes.json"))["droplets"]
    addresses = {network["type"]: network["ip_address"] for network in droplet["networks"]["v4"]}
    assert (str(droplet["id"]), droplet["name"], droplet["status"]) == (
        machine.vendor_id,
        machine.name,
        machine.vendor_status,
    )
    assert (droplet["region"]["slug"], datetime.fromisoformat(droplet["created_at"])) == (
        machine.region,
        machine.created_at,
    )
    assert Access(addresses["public"], addresses["private"], f"ssh root@{addresses['public']}", 22) == machine.access
    assert Price(droplet["size"]["price_hourly"], "USD", PriceSource.VENDOR) == machine.price
    facts = {"locked": droplet["locked"], "vpc_uuid": droplet["vpc_uuid"]}
    assert machine.spec == Spec(
        vcpu_count=droplet["vcpus"], memory_gb=droplet["memory"] / 1024, disk_gb=droplet["disk"], vendor_sku=droplet["size_slug"],
        image=droplet["image"]["slug"], vendor=facts,
    )  # fmt: skip
    (disk,) = json.loads(read_recording("digitalocean_v2/list_volumes.json"))["volumes"]
    assert (disk["id"], disk["name"], disk["region"]["slug"]) == (volume.vendor_id, volume.name, volume.region)
    assert (Spec(disk_gb=disk["size_gigabytes"]), ()) == (volume.spec, volume.links)
    assert datetime.fromisoformat(disk["created_at"]) == volume.created_at


async def test_digitalocean_recorded_pages() -> None:
    """A recording of 2014 without its second page: the page is requested at the account's address, and the sweep is partial."""

    def name_of(request: ReceivedRequest) -> str:
        first = (request.path, request.query["page"]) == ("/v2/droplets", "1")
        return f"digitalocean_v2/{'list_nodes_page_1' if first else 'list_nodes_empty'}.json"

    async with replay(name_of) as address, account("digitalocean", DIGITALOCEAN, address) as cloud:
        result = await cloud.sweep(MACHINES, None)

    (droplet,) = json.loads(read_recording("digitalocean_v2/list_nodes_page_1.json"))["droplets"]
    (observation,) = result.observations
    assert result.problem is not None
    assert (SweepOutcome.PARTIAL, StaleReason.PARTIAL_SWEEP, 2) == (result.outcome, result.problem.reason, result.calls)
    assert (str(droplet["id"]), droplet["memory"] / 1024) == (
        observation.vendor_id,
        observation.spec.memory_gb if isinstance(observation.spec, Spec) else None,
    )


def items(root: Element, path: str) -> list[Element]:
    """Return the elements of a path of local names."""
    elements = [root]
    for step in path.split("/"):
        elements = [child for element in elements for child in element if child.tag.rpartition("}")[2] == step]
    return elements


def text(root: Element, path: str) -> str | None:
    """Return the text of the first element of a path."""
    return next((element.text for element in items(root, path)), None)


def timestamp(value: str | None) -> datetime | None:
    """Return a time of EC2."""
    return datetime.fromisoformat(value) if value else None


async def sweep_ec2() -> Mapping[ResourceKind, tuple[SweepOutcome, dict[str, Observation]]]:
    """Sweep the recorded instances and volumes."""
    names = {"DescribeInstances": "describe_instances", "DescribeVolumes": "describe_volumes"}
    async with (
        replay(lambda request: f"ec2/{names[request.form['Action']]}.xml") as address,
        account("aws", EC2, address) as cloud,
    ):
        results = {kind: await cloud.sweep(kind, "us-east-1") for kind in ResourceKind}
    return {
        kind: (result.outcome, {observation.vendor_id: observation for observation in result.observations})
        for kind, result in results.items()
    }


async def test_ec2_recorded_instances() -> None:
    """Every instance and every value that is observed."""
    outcome, observations = (await sweep_ec2())[MACHINES]

    root = fromstring(read_recording("ec2/describe_instances.xml"))
    elements = items(root, "reservationSet/item/instancesSet/item")
    assert (SweepOutcome.COMPLETE, {text(element, "instanceId") for element in elements}) == (
        outcome,
        set(observations),
    )
    for element in elements:
        observation = observations[text(element, "instanceId") or ""]
        tags = {text(tag, "key"): text(tag, "value") for tag in items(element, "tagSet/item")}
        state = text(element, "instanceState/name")
        assert (state, EC2_STATUS[state or ""]) == (observation.vendor_status, observation.status)
        assert (tags.get("Name"), text(element, "stateReason/message")) == (
            observation.name,
            observation.status_message,
        )
        external_ip, internal_ip = text(element, "ipAddress"), text(element, "privateIpAddress")
        assert (
            Access(external_ip=external_ip, internal_ip=internal_ip) if external_ip or internal_ip else None
        ) == observation.access
        assert isinstance(observation.spec, Spec)
        assert (text(element, "instanceType"), text(element, "imageId")) == (
            observation.spec.vendor_sku,
            observation.spec.image,
        )
        # Without an interface the creation time is unknown, because a root volume may have been replaced since.
        interfaces = [
            timestamp(text(card, "attachment/attachTime")) for card in items(element, "networkInterfaceSet/item")
        ]
        assert next(iter(interfaces), None) == observation.created_at


async def test_ec2_recorded_volumes() -> None:
    """Every volume; a volume with an undocumented status is UNKNOWN, and the vendor's own text is recorded."""
    outcome, observations = (await sweep_ec2())[VOLUMES]

    elements = items(fromstring(read_recording("ec2/describe_volumes.xml")), "volumeSet/item")
    assert (SweepOutcome.COMPLETE, {text(element, "volumeId") for element in elements}) == (outcome, set(observations))
    for element in elements:
        observation = observations[text(element, "volumeId") or ""]
        status = text(element, "status") or ""
        assert (status, EC2_STATUS.get(status, ResourceStatus.UNKNOWN)) == (
            observation.vendor_status,
            observation.status,
        )
        assert timestamp(text(element, "createTime")) == observation.created_at
        assert isinstance(observation.spec, Spec)
        assert (float(text(element, "size") or ""), text(element, "volumeType")) == (
            observation.spec.disk_gb,
            observation.spec.vendor_sku,
        )
        links = [
            (text(attachment, "instanceId"), timestamp(text(attachment, "attachTime")))
            for attachment in items(element, "attachmentSet/item")
        ]
        assert isinstance(observation.links, tuple)
        assert links == [(link.vendor_id, link.since) for link in observation.links]
