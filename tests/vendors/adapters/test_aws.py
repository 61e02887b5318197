"""AWS against the moto server, which is independent of this project and verifies every signature."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.enums import (
    ContractType,
    LinkType,
    OfferType,
    PriceSource,
    ResourceKind,
    ResourceStatus,
    ResourceType,
    StaleReason,
)
from domain.records.observation import NO_PRICE, Access, Attachment, Observation, Price, Spec, SweepOutcome, Terms
from tests.doubles.moto_aws import MotoAws, linux_image, moto_aws
from tests.vendors.accounts import CallRecorder, account
from vendors.aws import Aws

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES


@pytest.fixture(scope="module")
def aws() -> Iterator[MotoAws]:
    """One moto server for the module; every test has its own regions."""
    with moto_aws() as running:
        yield running


def settings(aws: MotoAws, *regions: str, **more: Any) -> dict[str, Any]:
    """Return the settings of an account with moto's key."""
    return {"credentials": dict(aws.credentials), "regions": regions, **more}


def launch(ec2: Any, count: int = 1, instance_type: str = "g5.12xlarge", name: str = "trainer") -> list[dict[str, Any]]:
    """Start instances, each in its own reservation, and return them as botocore describes them."""
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "owner", "Value": "x"}, {"Key": "Name", "Value": name}]}]
    image = linux_image(ec2)
    ids = [
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType=instance_type, TagSpecifications=tags)[
            "Instances"
        ][0]["InstanceId"]
        for _ in range(count)
    ]
    description = ec2.describe_instances(InstanceIds=ids)
    return [instance for reservation in description["Reservations"] for instance in reservation["Instances"]]


def by_id(observations: tuple[Observation, ...]) -> dict[str, Observation]:
    """Return observations by their vendor ids."""
    return {observation.vendor_id: observation for observation in observations}


async def test_every_field_of_an_instance(aws: MotoAws) -> None:
    """A sweep reports of an instance exactly what botocore reads of it."""
    region = "us-east-1"
    (instance,) = launch(aws.ec2(region))
    async with account("aws", settings(aws, region), aws.address) as cloud:
        result = await cloud.sweep(MACHINES, region)
    assert SweepOutcome.COMPLETE is result.outcome
    assert (None, 0, 1) == (result.problem, result.dropped, result.calls)
    created = instance["NetworkInterfaces"][0]["Attachment"]["AttachTime"]
    launched = instance["LaunchTime"].strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    expected = Observation(
        kind=MACHINES,
        vendor_id=instance["InstanceId"],
        resource_type=ResourceType.VM,
        status=ResourceStatus.RUNNING,
        vendor_status="running",
        region=region,
        created_at=created,
        name="trainer",
        status_message=None,
        access=Access(external_ip=instance["PublicIpAddress"], internal_ip=instance["PrivateIpAddress"]),
        spec=Spec(
            gpu_type="nvidia-a10g-24gb",
            gpu_family="A10G",
            gpu_count=4,
            memory_gb=192,
            vendor_sku="g5.12xlarge",
            image=instance["ImageId"],
            vendor={
                "architecture": instance["Architecture"],
                "availability_zone": instance["Placement"]["AvailabilityZone"],
                "launch_time": launched,
                "tenancy": "default",
            },
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, "g5.12xlarge", None, None),
    )
    assert expected == by_id(result.observations)[instance["InstanceId"]]


def create_volume(ec2: Any, region: str) -> str:
    """Create a volume with a name; return its id."""
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "data"}]}]
    volume = ec2.create_volume(
        Size=50, AvailabilityZone=f"{region}a", VolumeType="gp3", Iops=4000, Encrypted=True, TagSpecifications=tags
    )
    return str(volume["VolumeId"])


async def test_every_field_of_a_volume(aws: MotoAws) -> None:
    """A sweep reports of a volume what botocore reads of it, including the attachment and its time."""
    region = "us-east-2"
    ec2 = aws.ec2(region)
    (machine,) = launch(ec2)
    volume_id = create_volume(ec2, region)
    unattached_id = ec2.create_volume(Size=7, AvailabilityZone=f"{region}b", VolumeType="gp2")["VolumeId"]
    ec2.attach_volume(VolumeId=volume_id, InstanceId=machine["InstanceId"], Device="/dev/sdf")
    (volume,) = ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"]

    async with account("aws", settings(aws, region), aws.address) as cloud:
        result = await cloud.sweep(VOLUMES, region)

    volumes = by_id(result.observations)
    expected = Observation(
        kind=VOLUMES,
        vendor_id=volume_id,
        resource_type=ResourceType.BLOCK_DISK,
        status=ResourceStatus.RUNNING,
        vendor_status="in-use",
        region=region,
        created_at=volume["CreateTime"],
        name="data",
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=50, vendor_sku="gp3", vendor={"availability_zone": f"{region}a", "encrypted": True, "iops": 4000}
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, "gp3", None, None),
        links=(
            Attachment(LinkType.ATTACHED_TO, MACHINES, machine["InstanceId"], volume["Attachments"][0]["AttachTime"]),
        ),
    )
    assert expected == volumes[volume_id]
    assert (ResourceStatus.RUNNING, "available", ()) == (
        volumes[unattached_id].status,
        volumes[unattached_id].vendor_status,
        volumes[unattached_id].links,
    )


async def test_regions_are_separate_scopes(aws: MotoAws) -> None:
    """Each region is listed separately and contains only its own instances."""
    west, south = "eu-west-1", "ap-south-1"
    (west_instance,), (south_instance,) = launch(aws.ec2(west)), launch(aws.ec2(south))

    async with account("aws", settings(aws, west, south), aws.address) as cloud:
        scopes = cloud.scopes
        results = {region: await cloud.sweep(MACHINES, region) for region in (west, south)}

    assert ((MACHINES, west), (MACHINES, south), (VOLUMES, west), (VOLUMES, south)) == scopes
    assert [west_instance["InstanceId"]] == [observation.vendor_id for observation in results[west].observations]
    assert [south_instance["InstanceId"]] == [observation.vendor_id for observation in results[south].observations]


async def test_all_pages_are_read(aws: MotoAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve reservations in pages of five are three calls and twelve instances."""
    region = "eu-west-2"
    instance = launch(aws.ec2(region), 12, "t3.micro")
    monkeypatch.setattr(Aws, "page_size", 5)

    async with account("aws", settings(aws, region), aws.address) as cloud:
        result = await cloud.sweep(MACHINES, region)

    assert (SweepOutcome.COMPLETE, 3) == (result.outcome, result.calls)
    assert {observation["InstanceId"] for observation in instance} == set(by_id(result.observations))


async def test_life_of_an_instance(aws: MotoAws) -> None:
    """Stopped and started, it keeps its creation time and loses its public address; terminated, it reads DELETED."""
    region = "eu-central-1"
    ec2 = aws.ec2(region)
    (instance,) = launch(ec2)
    machine_id = instance["InstanceId"]

    async with account("aws", settings(aws, region), aws.address) as cloud:
        observations = []
        for change in (None, ec2.stop_instances, ec2.start_instances, ec2.terminate_instances):
            if change:
                change(InstanceIds=[machine_id])
            observations.append(by_id((await cloud.sweep(MACHINES, region)).observations)[machine_id])
        gone = await cloud.probe(MACHINES, region, machine_id)

    running, stopped, started, terminated = observations
    assert (ResourceStatus.STOPPED, "stopped") == (stopped.status, stopped.vendor_status)
    assert "Client.UserInitiatedShutdown: User initiated shutdown" == stopped.status_message
    assert Access(internal_ip=instance["PrivateIpAddress"]) == stopped.access
    assert ResourceStatus.RUNNING is started.status
    assert running.created_at == stopped.created_at == started.created_at
    assert running.created_at is not None
    assert (ResourceStatus.DELETED, "terminated") == (terminated.status, terminated.vendor_status)
    assert ("found", terminated) == (gone.outcome, gone.observation)


@pytest.mark.parametrize(("kind", "vendor_id"), [(MACHINES, "i-1234567890abcdef0"), (VOLUMES, "vol-12345678")])
async def test_probe_of_an_unknown_id(aws: MotoAws, kind: ResourceKind, vendor_id: str) -> None:
    """The vendor's documented response for an unknown id is evidence of absence."""
    async with account("aws", settings(aws, "us-east-1"), aws.address) as cloud:
        assert cloud.probes(kind)
        assert "gone" == (await cloud.probe(kind, "us-east-1", vendor_id)).outcome


async def test_probes_equal_sweeps(aws: MotoAws) -> None:
    """One machine and one volume, requested by id, equal those in their listings."""
    region = "us-west-1"
    launch(aws.ec2(region))

    async with account("aws", settings(aws, region), aws.address) as cloud:
        for kind in ResourceKind:
            (listed,) = (await cloud.sweep(kind, region)).observations
            probe = await cloud.probe(kind, region, listed.vendor_id)
            assert ("found", listed, 1) == (probe.outcome, probe.observation, probe.calls)


async def test_wrong_secret_is_rejected(aws: MotoAws) -> None:
    """A wrong secret fails the sweep and the probe, is not retried, and is not quoted."""
    wrong_settings = settings(aws, "us-east-1")
    wrong_settings["credentials"]["secret_access_key"] = "wrong-and-not-to-be-seen"
    calls = CallRecorder()

    async with account("aws", wrong_settings, aws.address, observer=calls) as cloud:
        sweep = await cloud.sweep(MACHINES, "us-east-1")
        probe = await cloud.probe(MACHINES, "us-east-1", "i-1234567890abcdef0")

    assert (SweepOutcome.FAILED, (), 1) == (sweep.outcome, sweep.observations, sweep.calls)
    assert sweep.problem is not None
    assert probe.problem is not None
    assert StaleReason.AUTH_REJECTED is sweep.problem.reason
    assert ("failed", StaleReason.AUTH_REJECTED) == (probe.outcome, probe.problem.reason)
    assert "AuthFailure" in sweep.problem.detail
    assert "wrong-and-not-to-be-seen" not in sweep.problem.detail
    assert ["auth_rejected", "auth_rejected"] == calls.outcomes


async def test_price_file(aws: MotoAws, tmp_path: Path) -> None:
    """A running machine has the file's price and date; a stopped one and an unlisted type have none."""
    region = "ca-central-1"
    ec2 = aws.ec2(region)
    listed, stopped, unlisted = *launch(ec2, 2), *launch(ec2, 1, "t3.micro")
    ec2.stop_instances(InstanceIds=[stopped["InstanceId"]])
    file = tmp_path / "prices.toml"
    file.write_text(f'as_of = 2026-01-15\n[{region}]\n"g5.12xlarge" = 6.3\n', encoding="utf-8")

    async with account("aws", settings(aws, region, price_file=str(file)), aws.address) as cloud:
        machines = by_id((await cloud.sweep(MACHINES, region)).observations)

    as_of = datetime(2026, 1, 15, tzinfo=UTC)
    terms = Terms(OfferType.VM, ContractType.ONDEMAND, "g5.12xlarge", 6.3, "USD")
    assert Price(6.3, "USD", PriceSource.PRICE_FILE, as_of) == machines[listed["InstanceId"]].price
    assert (NO_PRICE, terms) == (machines[stopped["InstanceId"]].price, machines[stopped["InstanceId"]].terms)
    assert NO_PRICE == machines[unlisted["InstanceId"]].price
