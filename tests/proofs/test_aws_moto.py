"""A team on AWS, as the moto server plays it: independent of us, and judging every signature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.moto_aws import MotoAws, linux_image, moto_aws
from tests.proofs.gateways import Team, team
from tests.proofs.served import Served

ACCOUNTS = """\
[[accounts]]
name = "research"
vendor = "aws"
regions = {regions}
endpoint = "{endpoint}"
[accounts.credentials]
access_key_id = "env:TEAM_KEY_ID"
secret_access_key = "env:TEAM_SECRET"
"""
FLEET = {"us-east-1": (180, 30), "eu-west-1": (120, 20)}
"""Machines and volumes of a region."""
WRONG_SECRET = "wrong-and-not-to-be-seen"
LISTED = """query ($type: [ResourceType!]) {
  resources(filter: {resourceType: $type}, first: 1000) {
    totalCount
    nodes {
      resourceId vendorId name vendorRegion status freshness { state }
      linkedResources { resourceId linkType linkedSince resource { vendorId } }
    }
  }
}"""
ONE = """query ($id: UUID!, $demand: FreshnessDemand) {
  resource(resourceId: $id, freshness: $demand) {
    status vendorStatus lastSyncedAt freshness { state reason }
    linkedResources(includeEnded: true) { linkType linkedUntil resource { vendorId } }
    history(fields: ["resource", "status"]) { nodes { field before after } }
  }
}"""
RECORDED = """query ($vendorId: [String!]) {
  resources(filter: {vendorId: $vendorId, includeDeleted: true}) { nodes { resourceId } }
}"""
LIVING = "{ resources(first: 100) { totalCount nodes { vendorId } } }"
FORCE = {"forceRefresh": True}


@dataclass(frozen=True)
class Group:
    """Machines that were started together in one region."""

    aws: MotoAws
    region: str
    machines: list[str]

    def do(self, change: str, machine: str) -> None:
        """Have botocore do something to a machine: `stop_instances`, `terminate_instances`."""
        getattr(self.aws.ec2(self.region), change)(InstanceIds=[machine])

    def root_volume(self, machine: str) -> str:
        """The volume that a machine was started from."""
        (told,) = instances(self.aws.ec2(self.region), InstanceIds=[machine])
        return str(told["BlockDeviceMappings"][0]["Ebs"]["VolumeId"])


@pytest.fixture(scope="module")
def aws() -> Iterator[MotoAws]:
    """One moto server for the module; every test has regions of its own."""
    with moto_aws() as running:
        yield running


@cache
def image_of(aws: MotoAws) -> str:
    """All regions of moto's have the same images, and telling them takes it a while."""
    return linux_image(aws.ec2("us-east-1"))


def launch(aws: MotoAws, region: str, count: int) -> Group:
    """Start machines. Asked for once: moto says "pending" of a machine in the answer that makes it, and "running" since."""
    ec2 = aws.ec2(region)
    ec2.run_instances(ImageId=image_of(aws), MinCount=count, MaxCount=count, InstanceType="g5.12xlarge")
    told = instances(ec2)
    assert {"running"} == {one["State"]["Name"] for one in told}
    return Group(aws, region, [one["InstanceId"] for one in told])


def instances(ec2: Any, **which: Any) -> list[dict[str, Any]]:
    """The instances of a region as botocore reads them."""
    return [one for reservation in ec2.describe_instances(**which)["Reservations"] for one in reservation["Instances"]]


def attach(group: Group, count: int) -> dict[str, str]:
    """Make volumes and attach each to a machine of its own; the machines by their volumes."""
    ec2 = group.aws.ec2(group.region)
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "data"}]}]
    attached: dict[str, str] = {}
    for machine in group.machines[:count]:
        volume = ec2.create_volume(Size=50, AvailabilityZone=f"{group.region}a", TagSpecifications=tags)["VolumeId"]
        ec2.attach_volume(VolumeId=volume, InstanceId=machine, Device="/dev/sdf")
        attached[volume] = machine
    return attached


def team_on(folder: Path, aws: MotoAws, *regions: str) -> Team:
    """A team with moto's key."""
    secrets = {"TEAM_KEY_ID": aws.access_key_id, "TEAM_SECRET": aws.secret_access_key}
    return team(folder, ACCOUNTS.format(regions=list(regions), endpoint=aws.address), secrets)


async def synced(owner: Team) -> None:
    """Run the command; it must go well."""
    ended = await owner.sync()
    assert 0 == ended.code, ended.output + ended.errors


async def id_of(gateway: Served, vendor_id: str) -> str:
    """Our id of what the vendor knows by another."""
    nodes = (await gateway.data(RECORDED, {"vendorId": [vendor_id]}))["resources"]["nodes"]
    return str(nodes[0]["resourceId"])


async def one(gateway: Served, resource_id: str, demand: dict[str, Any] | None = None) -> dict[str, Any]:
    """One resource, live fields and history."""
    told: dict[str, Any] = (await gateway.data(ONE, {"id": resource_id, "demand": demand}))["resource"]
    return told


async def test_a_fleet_in_two_regions(aws: MotoAws, tmp_path: Path) -> None:
    """300 machines and 50 volumes appear after the command, with their links seen from both ends."""
    groups = [launch(aws, region, count) for region, (count, _) in FLEET.items()]
    attached: dict[str, str] = {}
    for group, (_, count) in zip(groups, FLEET.values(), strict=True):
        attached |= attach(group, count)
    owner = team_on(tmp_path, aws, *FLEET)

    await synced(owner)
    async with owner.gateway() as gateway:
        machines = (await gateway.data(LISTED, {"type": ["VM"]}))["resources"]
        answer = await gateway.graph(LISTED, {"type": ["BLOCK_DISK"]})

    assert 300 == machines["totalCount"]
    assert {(group.region, machine) for group in groups for machine in group.machines} == {
        (node["vendorRegion"], node["vendorId"]) for node in machines["nodes"]
    }
    assert {("RUNNING", "FRESH")} == {(node["status"], node["freshness"]["state"]) for node in machines["nodes"]}
    # Each machine has the volume that it was started from as well: those have no name.
    volumes = [node for node in answer["data"]["resources"]["nodes"] if node["name"] == "data"]
    assert (350, 50) == (answer["data"]["resources"]["totalCount"], len(volumes))
    assert attached == {
        node["vendorId"]: link["resource"]["vendorId"] for node in volumes for link in node["linkedResources"]
    }
    assert links(answer["data"]["resources"]["nodes"], "ATTACHED_TO") == {
        (there, here, since) for here, there, since in links(machines["nodes"], "ATTACHED_STORAGE")
    }
    assert 350 == len(links(machines["nodes"], "ATTACHED_STORAGE"))
    assert 0 == answer["extensions"]["freshness"]["vendorCalls"], "the command's own listing was fresh enough"


def links(nodes: list[dict[str, Any]], link_type: str) -> set[tuple[str, str, str]]:
    """From where to where the links of a type go, and since when."""
    told = [(node["resourceId"], link) for node in nodes for link in node["linkedResources"]]
    assert {link_type} == {link["linkType"] for _, link in told}
    return {(here, link["resourceId"], link["linkedSince"]) for here, link in told}


async def test_a_stopped_machine_on_the_graph(aws: MotoAws, tmp_path: Path) -> None:
    """It reads RUNNING within the cooldown, which is told to be fresh, and STOPPED to a reader who forces."""
    group = launch(aws, "us-east-2", 3)
    owner = team_on(tmp_path, aws, group.region)
    await synced(owner)
    async with owner.gateway() as gateway:
        machine = group.machines[0]
        resource_id = await id_of(gateway, machine)
        group.do("stop_instances", machine)
        gateway.clock.advance(10)

        before = await one(gateway, resource_id)
        after = await one(gateway, resource_id, FORCE)

    assert ("RUNNING", "FRESH") == (before["status"], before["freshness"]["state"])
    assert after["status"] in {"STOPPING", "STOPPED"}
    assert "FRESH" == after["freshness"]["state"]
    assert before["lastSyncedAt"] < after["lastSyncedAt"]


async def test_a_stopped_machine_on_rest(aws: MotoAws, tmp_path: Path) -> None:
    """The same by the other route: a hit at first, and a refresh where the parameter forces it."""
    group = launch(aws, "us-west-1", 3)
    owner = team_on(tmp_path, aws, group.region)
    await synced(owner)
    async with owner.gateway() as gateway:
        machine = group.machines[0]
        path = f"/resources/{await id_of(gateway, machine)}"
        group.do("stop_instances", machine)
        gateway.clock.advance(10)

        before = await gateway.client.get(path)
        after = await gateway.client.get(path, params={"force_refresh": "true"})

    assert (200, "running") == (before.status_code, before.json()["status"])
    assert before.headers["Cache-Status"].startswith("supplygraph; hit; ttl=")
    assert 200 == after.status_code
    assert after.json()["status"] in {"stopping", "stopped"}
    assert ("supplygraph; fwd=stale; stored", "0") == (after.headers["Cache-Status"], after.headers["Age"])


async def test_a_terminated_machine(aws: MotoAws, tmp_path: Path) -> None:
    """It ends as DELETED: hidden from lists, kept as a tombstone with its history, its link ended."""
    group = launch(aws, "us-west-2", 3)
    machine = group.machines[0]
    volume = group.root_volume(machine)
    owner = team_on(tmp_path, aws, group.region)
    await synced(owner)
    async with owner.gateway() as gateway:
        resource_id = await id_of(gateway, machine)
        group.do("stop_instances", machine)
        gateway.clock.advance(60)
        await one(gateway, resource_id)
        group.do("terminate_instances", machine)
        gateway.clock.advance(60)
        told = await one(gateway, resource_id)
        living = (await gateway.data(LIVING))["resources"]
        rest = await gateway.client.get(f"/resources/{resource_id}")

    assert ("DELETED", "FRESH") == (told["status"], told["freshness"]["state"])
    first, *changes = told["history"]["nodes"]
    assert ("resource", None, "RUNNING") == (first["field"], first["before"], first["after"]["status"])
    assert [("status", "RUNNING", "STOPPED"), ("status", "STOPPED", "DELETED")] == [
        (change["field"], change["before"], change["after"]) for change in changes
    ]
    (link,) = told["linkedResources"]
    assert volume == link["resource"]["vendorId"]
    assert link["linkedUntil"] is not None
    assert machine not in {node["vendorId"] for node in living["nodes"]}
    assert set(group.machines[1:]) < {node["vendorId"] for node in living["nodes"]}
    assert (200, "deleted") == (rest.status_code, rest.json()["status"])


async def test_what_is_no_longer_listed(aws: MotoAws, tmp_path: Path) -> None:
    """The volume of a terminated machine vanishes without a word: marked at first, deleted once it is borne out."""
    group = launch(aws, "ca-central-1", 3)
    machine = group.machines[0]
    volume = group.root_volume(machine)
    owner = team_on(tmp_path, aws, group.region)
    await synced(owner)
    group.do("terminate_instances", machine)
    async with owner.gateway() as gateway:
        resource_id = await id_of(gateway, volume)
        gateway.clock.advance(31)
        within_grace = await one(gateway, resource_id)
        # The verdict waits for the grace period, two minutes from its creation, and then for a listing and a probe.
        gateway.clock.advance(121)
        verdict = await one(gateway, resource_id)
        living = (await gateway.data(LIVING))["resources"]["nodes"]

    assert ("RUNNING", "UNCONFIRMED") == (within_grace["status"], within_grace["freshness"]["state"])
    assert "DELETED" == verdict["status"]
    assert [("resource", "RUNNING"), ("status", "DELETED")] == [
        (change["field"], change["after"]["status"] if change["field"] == "resource" else change["after"])
        for change in verdict["history"]["nodes"]
    ]
    assert volume not in {node["vendorId"] for node in living}


async def test_a_wrong_secret(aws: MotoAws, tmp_path: Path) -> None:
    """The command and the readers are told AUTH_REJECTED; what was recorded stays as it was, with its true age."""
    group = launch(aws, "eu-central-1", 3)
    owner = team_on(tmp_path, aws, group.region)
    await synced(owner)
    async with owner.gateway() as gateway:
        resource_id = await id_of(gateway, group.machines[0])
        before = await one(gateway, resource_id)
    spoiled = replace(owner, secrets={**owner.secrets, "TEAM_SECRET": WRONG_SECRET})

    ended = await spoiled.sync()
    async with spoiled.gateway() as gateway:
        gateway.clock.advance(90)
        after = await one(gateway, resource_id, FORCE)
        answer = await gateway.graph(LISTED, {"type": ["VM"]})
        accounts = (await gateway.data("{ accounts { name state } }"))["accounts"]

    assert (1, 2) == (ended.code, ended.output.count("AUTH_REJECTED"))
    assert WRONG_SECRET not in ended.output + ended.errors
    assert ("STALE", "AUTH_REJECTED") == (after["freshness"]["state"], after["freshness"]["reason"])
    assert {**before, "freshness": None} == {**after, "freshness": None}
    assert set(group.machines) == {node["vendorId"] for node in answer["data"]["resources"]["nodes"]}
    assert {"RUNNING"} == {node["status"] for node in answer["data"]["resources"]["nodes"]}
    assert {"AUTH_REJECTED"} == {gap["reason"] for gap in answer["extensions"]["freshness"]["gaps"]}
    assert [{"name": "research", "state": "AUTH_REJECTED"}] == accounts
