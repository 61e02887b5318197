"""A team on AWS, played by the moto server, which is independent of this project and checks every signature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.moto_aws import MotoAws, linux_image, moto_aws
from tests.proofs.support.gateway_server import ServedGateway
from tests.proofs.support.team import Team, create_team

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
"""The numbers of machines and volumes of each region."""
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
class MachineGroup:
    """Machines that were started together in one region."""

    aws: MotoAws
    region: str
    machines: list[str]

    def change(self, operation: str, machine: str) -> None:
        """Change a machine by an operation of botocore: `stop_instances`, `terminate_instances`."""
        getattr(self.aws.ec2(self.region), operation)(InstanceIds=[machine])

    def root_volume(self, machine: str) -> str:
        """Return the volume that a machine was started from."""
        (instance,) = describe_instances(self.aws.ec2(self.region), InstanceIds=[machine])
        return str(instance["BlockDeviceMappings"][0]["Ebs"]["VolumeId"])


@pytest.fixture(scope="module")
def aws() -> Iterator[MotoAws]:
    """Run one moto server for the module; every test uses regions of its own."""
    with moto_aws() as server:
        yield server


@cache
def find_image(aws: MotoAws) -> str:
    """Return an image. All regions of moto have the same images, and listing them takes it a while."""
    return linux_image(aws.ec2("us-east-1"))


def launch(aws: MotoAws, region: str, count: int) -> MachineGroup:
    """Start machines. moto reports a new machine as "pending" in the answer that creates it, and as "running" after that."""
    ec2 = aws.ec2(region)
    ec2.run_instances(ImageId=find_image(aws), MinCount=count, MaxCount=count, InstanceType="g5.12xlarge")
    started = describe_instances(ec2)
    assert {"running"} == {instance["State"]["Name"] for instance in started}
    return MachineGroup(aws, region, [instance["InstanceId"] for instance in started])


def describe_instances(ec2: Any, **which: Any) -> list[dict[str, Any]]:
    """Return the instances of a region as botocore parses them."""
    reservations = ec2.describe_instances(**which)["Reservations"]
    return [instance for reservation in reservations for instance in reservation["Instances"]]


def attach_volumes(group: MachineGroup, count: int) -> dict[str, str]:
    """Create volumes and attach each to a machine of its own; return the machines by their volumes."""
    ec2 = group.aws.ec2(group.region)
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "data"}]}]
    attached: dict[str, str] = {}
    for machine in group.machines[:count]:
        volume = ec2.create_volume(Size=50, AvailabilityZone=f"{group.region}a", TagSpecifications=tags)["VolumeId"]
        ec2.attach_volume(VolumeId=volume, InstanceId=machine, Device="/dev/sdf")
        attached[volume] = machine
    return attached


def create_aws_team(folder: Path, aws: MotoAws, *regions: str) -> Team:
    """Return a team with moto's key."""
    secrets = {"TEAM_KEY_ID": aws.access_key_id, "TEAM_SECRET": aws.secret_access_key}
    return create_team(folder, ACCOUNTS.format(regions=list(regions), endpoint=aws.address), secrets)


async def sync(owner: Team) -> None:
    """Run the command, which must succeed."""
    command = await owner.sync()
    assert 0 == command.code, command.output + command.errors


async def find_id(gateway: ServedGateway, vendor_id: str) -> str:
    """Return the UUID of a resource by its vendor id."""
    nodes = (await gateway.data(RECORDED, {"vendorId": [vendor_id]}))["resources"]["nodes"]
    return str(nodes[0]["resourceId"])


async def read_one(gateway: ServedGateway, resource_id: str, demand: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return one resource with live fields and history."""
    resource: dict[str, Any] = (await gateway.data(ONE, {"id": resource_id, "demand": demand}))["resource"]
    return resource


async def test_a_fleet_in_two_regions(aws: MotoAws, tmp_path: Path) -> None:
    """300 machines and 50 volumes appear after the command, with their links at both ends."""
    groups = [launch(aws, region, count) for region, (count, _) in FLEET.items()]
    attached: dict[str, str] = {}
    for group, (_, count) in zip(groups, FLEET.values(), strict=True):
        attached |= attach_volumes(group, count)
    owner = create_aws_team(tmp_path, aws, *FLEET)

    await sync(owner)
    async with owner.gateway() as gateway:
        machines = (await gateway.data(LISTED, {"type": ["VM"]}))["resources"]
        answer = await gateway.graph(LISTED, {"type": ["BLOCK_DISK"]})

    assert 300 == machines["totalCount"]
    assert {(group.region, machine) for group in groups for machine in group.machines} == {
        (node["vendorRegion"], node["vendorId"]) for node in machines["nodes"]
    }
    assert {("RUNNING", "FRESH")} == {(node["status"], node["freshness"]["state"]) for node in machines["nodes"]}
    # Each machine also has the volume that it was started from, which has no name.
    volumes = [node for node in answer["data"]["resources"]["nodes"] if node["name"] == "data"]
    assert (350, 50) == (answer["data"]["resources"]["totalCount"], len(volumes))
    assert attached == {
        node["vendorId"]: link["resource"]["vendorId"] for node in volumes for link in node["linkedResources"]
    }
    assert link_ends(answer["data"]["resources"]["nodes"], "ATTACHED_TO") == {
        (there, here, since) for here, there, since in link_ends(machines["nodes"], "ATTACHED_STORAGE")
    }
    assert 350 == len(link_ends(machines["nodes"], "ATTACHED_STORAGE"))
    assert 0 == answer["extensions"]["freshness"]["vendorCalls"], "the listing of the command was fresh enough"


def link_ends(nodes: list[dict[str, Any]], link_type: str) -> set[tuple[str, str, str]]:
    """Return both ends of the links, which must be of this type, and when they began."""
    links = [(node["resourceId"], link) for node in nodes for link in node["linkedResources"]]
    assert {link_type} == {link["linkType"] for _, link in links}
    return {(here, link["resourceId"], link["linkedSince"]) for here, link in links}


async def test_a_stopped_machine_on_the_graph(aws: MotoAws, tmp_path: Path) -> None:
    """Within the cooldown it reads RUNNING and fresh; a reader who forces a refresh gets STOPPED."""
    group = launch(aws, "us-east-2", 3)
    owner = create_aws_team(tmp_path, aws, group.region)
    await sync(owner)
    async with owner.gateway() as gateway:
        machine = group.machines[0]
        resource_id = await find_id(gateway, machine)
        group.change("stop_instances", machine)
        gateway.clock.advance(10)

        before = await read_one(gateway, resource_id)
        after = await read_one(gateway, resource_id, FORCE)

    assert ("RUNNING", "FRESH") == (before["status"], before["freshness"]["state"])
    assert after["status"] in {"STOPPING", "STOPPED"}
    assert "FRESH" == after["freshness"]["state"]
    assert before["lastSyncedAt"] < after["lastSyncedAt"]


async def test_a_stopped_machine_on_rest(aws: MotoAws, tmp_path: Path) -> None:
    """The REST route answers a hit at first, and refreshes if the parameter forces it."""
    group = launch(aws, "us-west-1", 3)
    owner = create_aws_team(tmp_path, aws, group.region)
    await sync(owner)
    async with owner.gateway() as gateway:
        machine = group.machines[0]
        path = f"/resources/{await find_id(gateway, machine)}"
        group.change("stop_instances", machine)
        gateway.clock.advance(10)

        before = await gateway.client.get(path)
        after = await gateway.client.get(path, params={"force_refresh": "true"})

    assert (200, "running") == (before.status_code, before.json()["status"])
    assert before.headers["Cache-Status"].startswith("supplygraph; hit; ttl=")
    assert 200 == after.status_code
    assert after.json()["status"] in {"stopping", "stopped"}
    assert ("supplygraph; fwd=stale; stored", "0") == (after.headers["Cache-Status"], after.headers["Age"])


async def test_a_terminated_machine(aws: MotoAws, tmp_path: Path) -> None:
    """It ends as DELETED: hidden from lists, still there as a tombstone with its history, its link ended."""
    group = launch(aws, "us-west-2", 3)
    machine = group.machines[0]
    volume = group.root_volume(machine)
    owner = create_aws_team(tmp_path, aws, group.region)
    await sync(owner)
    async with owner.gateway() as gateway:
        resource_id = await find_id(gateway, machine)
        group.change("stop_instances", machine)
        gateway.clock.advance(60)
        await read_one(gateway, resource_id)
        group.change("terminate_instances", machine)
        gateway.clock.advance(60)
        deleted = await read_one(gateway, resource_id)
        living = (await gateway.data(LIVING))["resources"]
        rest = await gateway.client.get(f"/resources/{resource_id}")

    assert ("DELETED", "FRESH") == (deleted["status"], deleted["freshness"]["state"])
    first, *changes = deleted["history"]["nodes"]
    assert ("resource", None, "RUNNING") == (first["field"], first["before"], first["after"]["status"])
    assert [("status", "RUNNING", "STOPPED"), ("status", "STOPPED", "DELETED")] == [
        (change["field"], change["before"], change["after"]) for change in changes
    ]
    (link,) = deleted["linkedResources"]
    assert volume == link["resource"]["vendorId"]
    assert link["linkedUntil"] is not None
    assert machine not in {node["vendorId"] for node in living["nodes"]}
    assert set(group.machines[1:]) < {node["vendorId"] for node in living["nodes"]}
    assert (200, "deleted") == (rest.status_code, rest.json()["status"])


async def test_a_volume_that_is_no_longer_listed(aws: MotoAws, tmp_path: Path) -> None:
    """The volume of a terminated machine vanishes silently: it is marked at first, and deleted once that is confirmed."""
    group = launch(aws, "ca-central-1", 3)
    machine = group.machines[0]
    volume = group.root_volume(machine)
    owner = create_aws_team(tmp_path, aws, group.region)
    await sync(owner)
    group.change("terminate_instances", machine)
    async with owner.gateway() as gateway:
        resource_id = await find_id(gateway, volume)
        gateway.clock.advance(31)
        within_grace = await read_one(gateway, resource_id)
        # The deletion waits for the grace period, two minutes from its creation, and then for a listing and a probe.
        gateway.clock.advance(121)
        deleted = await read_one(gateway, resource_id)
        living = (await gateway.data(LIVING))["resources"]["nodes"]

    assert ("RUNNING", "UNCONFIRMED") == (within_grace["status"], within_grace["freshness"]["state"])
    assert "DELETED" == deleted["status"]
    assert [("resource", "RUNNING"), ("status", "DELETED")] == [
        (change["field"], change["after"]["status"] if change["field"] == "resource" else change["after"])
        for change in deleted["history"]["nodes"]
    ]
    assert volume not in {node["vendorId"] for node in living}


async def test_a_wrong_secret(aws: MotoAws, tmp_path: Path) -> None:
    """The command and the readers get AUTH_REJECTED; recorded values stay as they were, with their true age."""
    group = launch(aws, "eu-central-1", 3)
    owner = create_aws_team(tmp_path, aws, group.region)
    await sync(owner)
    async with owner.gateway() as gateway:
        resource_id = await find_id(gateway, group.machines[0])
        before = await read_one(gateway, resource_id)
    wrong = replace(owner, secrets={**owner.secrets, "TEAM_SECRET": WRONG_SECRET})

    command = await wrong.sync()
    async with wrong.gateway() as gateway:
        gateway.clock.advance(90)
        after = await read_one(gateway, resource_id, FORCE)
        answer = await gateway.graph(LISTED, {"type": ["VM"]})
        accounts = (await gateway.data("{ accounts { name state } }"))["accounts"]

    assert (1, 2) == (command.code, command.output.count("AUTH_REJECTED"))
    assert WRONG_SECRET not in command.output + command.errors
    assert ("STALE", "AUTH_REJECTED") == (after["freshness"]["state"], after["freshness"]["reason"])
    assert {**before, "freshness": None} == {**after, "freshness": None}
    assert set(group.machines) == {node["vendorId"] for node in answer["data"]["resources"]["nodes"]}
    assert {"RUNNING"} == {node["status"] for node in answer["data"]["resources"]["nodes"]}
    assert {"AUTH_REJECTED"} == {gap["reason"] for gap in answer["extensions"]["freshness"]["gaps"]}
    assert [{"name": "research", "state": "AUTH_REJECTED"}] == accounts
