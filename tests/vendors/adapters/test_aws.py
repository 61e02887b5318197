"""AWS against the moto server, which is independent of us and judges every signature."""

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
from tests.vendors.accounts import Calls, account
from vendors.aws import Aws

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES


@pytest.fixture(scope="module")
def aws() -> Iterator[MotoAws]:
    """One moto server for the module; every test has regions of its own."""
    with moto_aws() as running:
        yield running


def settings(aws: MotoAws, *regions: str, **more: Any) -> dict[str, Any]:
    """An account with moto's key."""
    return {"credentials": dict(aws.credentials), "regions": regions, **more}


def launch(ec2: Any, count: int = 1, instance_type: str = "g5.12xlarge", name: str = "trainer") -> list[dict[str, Any]]:
    """Start instances, each in a reservation of its own, and read them back as botocore reads them."""
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "owner", "Value": "x"}, {"Key": "Name", "Value": name}]}]
    image = linux_image(ec2)
    ids = [
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType=instance_type, TagSpecifications=tags)[
            "Instances"
        ][0]["InstanceId"]
        for _ in range(count)
    ]
    told = ec2.describe_instances(InstanceIds=ids)
    return [instance for reservation in told["Reservations"] for instance in reservation["Instances"]]


def by_id(observations: tuple[Observation, ...]) -> dict[str, Observation]:
    """Observations by their vendor ids."""
    return {one.vendor_id: one for one in observations}


async def test_every_field_of_an_instance(aws: MotoAws) -> None:
    """A sweep tells of an instance exactly what botocore reads of it, in our words."""
    region = "us-east-1"
    (told,) = launch(aws.ec2(region))

    async with account("aws", settings(aws, region), aws.address) as cloud:
        result = await cloud.sweep(MACHINES, region)

    assert SweepOutcome.COMPLETE is result.outcome
    assert (None, 0, 1) == (result.problem, result.dropped, result.calls)
    created = told["NetworkInterfaces"][0]["Attachment"]["AttachTime"]
    launched = told["LaunchTime"].strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    expected = Observation(
        kind=MACHINES,
        vendor_id=told["InstanceId"],
        resource_type=ResourceType.VM,
        status=ResourceStatus.RUNNING,
        vendor_status="running",
        region=region,
        created_at=created,
        name="trainer",
        status_message=None,
        access=Access(external_ip=told["PublicIpAddress"], internal_ip=told["PrivateIpAddress"]),
        spec=Spec(
            gpu_type="nvidia-a10g-24gb",
            gpu_family="A10G",
            gpu_count=4,
            memory_gb=192,
            vendor_sku="g5.12xlarge",
            image=told["ImageId"],
            vendor={
                "architecture": told["Architecture"],
                "availability_zone": told["Placement"]["AvailabilityZone"],
                "launch_time": launched,
                "tenancy": "default",
            },
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, "g5.12xlarge", None, None),
    )
    assert expected == by_id(result.observations)[told["InstanceId"]]


async def test_every_field_of_a_volume(aws: MotoAws) -> None:
    """A sweep tells of a volume what botocore reads of it, and what it is attached to since when."""
    region = "us-east-2"
    ec2 = aws.ec2(region)
    (machine,) = launch(ec2)
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "data"}]}]
    volume_id = ec2.create_volume(
        Size=50, AvailabilityZone=f"{region}a", VolumeType="gp3", Iops=4000, Encrypted=True, TagSpecifications=tags
    )["VolumeId"]
    loose_id = ec2.create_volume(Size=7, AvailabilityZone=f"{region}b", VolumeType="gp2")["VolumeId"]
    ec2.attach_volume(VolumeId=volume_id, InstanceId=machine["InstanceId"], Device="/dev/sdf")
    (told,) = ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"]

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
        created_at=told["CreateTime"],
        name="data",
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=50,
            vendor_sku="gp3",
            vendor={"availability_zone": f"{region}a", "encrypted": True, "iops": 4000},
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, "gp3", None, None),
        links=(
            Attachment(LinkType.ATTACHED_TO, MACHINES, machine["InstanceId"], told["Attachments"][0]["AttachTime"]),
        ),
    )
    assert expected == volumes[volume_id]
    assert (ResourceStatus.RUNNING, "available", ()) == (
        volumes[loose_id].status,
        volumes[loose_id].vendor_status,
        volumes[loose_id].links,
    )


async def test_regions_are_scopes_of_their_own(aws: MotoAws) -> None:
    """Each region is listed by itself and tells only its own."""
    here, there = "eu-west-1", "ap-south-1"
    (one,), (other,) = launch(aws.ec2(here)), launch(aws.ec2(there))

    async with account("aws", settings(aws, here, there), aws.address) as cloud:
        scopes = cloud.scopes
        swept = {region: await cloud.sweep(MACHINES, region) for region in (here, there)}

    assert ((MACHINES, here), (MACHINES, there), (VOLUMES, here), (VOLUMES, there)) == scopes
    assert [one["InstanceId"]] == [seen.vendor_id for seen in swept[here].observations]
    assert [other["InstanceId"]] == [seen.vendor_id for seen in swept[there].observations]


async def test_pages_are_followed_to_the_end(aws: MotoAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve reservations in pages of five are three calls and twelve instances."""
    region = "eu-west-2"
    told = launch(aws.ec2(region), 12, "t3.micro")
    monkeypatch.setattr(Aws, "page_size", 5)

    async with account("aws", settings(aws, region), aws.address) as cloud:
        result = await cloud.sweep(MACHINES, region)

    assert (SweepOutcome.COMPLETE, 3) == (result.outcome, result.calls)
    assert {one["InstanceId"] for one in told} == set(by_id(result.observations))


async def test_a_life_ends_in_the_vendors_words(aws: MotoAws) -> None:
    """Stopped and started it keeps its creation time and loses its public address; terminated it reads DELETED."""
    region = "eu-central-1"
    ec2 = aws.ec2(region)
    (told,) = launch(ec2)
    machine_id = told["InstanceId"]

    async with account("aws", settings(aws, region), aws.address) as cloud:
        seen = []
        for change in (None, ec2.stop_instances, ec2.start_instances, ec2.terminate_instances):
            if change:
                change(InstanceIds=[machine_id])
            seen.append(by_id((await cloud.sweep(MACHINES, region)).observations)[machine_id])
        gone = await cloud.probe(MACHINES, region, machine_id)

    running, stopped, started, terminated = seen
    assert (ResourceStatus.STOPPED, "stopped") == (stopped.status, stopped.vendor_status)
    assert "Client.UserInitiatedShutdown: User initiated shutdown" == stopped.status_message
    assert Access(internal_ip=told["PrivateIpAddress"]) == stopped.access
    assert ResourceStatus.RUNNING is started.status
    assert running.created_at == stopped.created_at == started.created_at
    assert running.created_at is not None
    assert (ResourceStatus.DELETED, "terminated") == (terminated.status, terminated.vendor_status)
    assert ("found", terminated) == (gone.outcome, gone.observation)


@pytest.mark.parametrize(("kind", "vendor_id"), [(MACHINES, "i-1234567890abcdef0"), (VOLUMES, "vol-12345678")])
async def test_a_probe_of_what_never_was(aws: MotoAws, kind: ResourceKind, vendor_id: str) -> None:
    """The vendor's own words for "no such thing" are a witness of absence."""
    async with account("aws", settings(aws, "us-east-1"), aws.address) as cloud:
        assert cloud.probes(kind)
        assert "gone" == (await cloud.probe(kind, "us-east-1", vendor_id)).outcome


async def test_a_probe_tells_what_a_sweep_tells(aws: MotoAws) -> None:
    """One machine and one volume, asked for by id, read the same as in their listings."""
    region = "us-west-1"
    launch(aws.ec2(region))

    async with account("aws", settings(aws, region), aws.address) as cloud:
        for kind in ResourceKind:
            (swept,) = (await cloud.sweep(kind, region)).observations
            probed = await cloud.probe(kind, region, swept.vendor_id)
            assert ("found", swept, 1) == (probed.outcome, probed.observation, probed.calls)


async def test_a_wrong_secret_is_rejected(aws: MotoAws) -> None:
    """The signature is judged: a wrong secret fails the sweep and the probe, is not repeated, and is not quoted."""
    wrong = settings(aws, "us-east-1")
    wrong["credentials"]["secret_access_key"] = "wrong-and-not-to-be-seen"
    calls = Calls()

    async with account("aws", wrong, aws.address, observer=calls) as cloud:
        swept = await cloud.sweep(MACHINES, "us-east-1")
        probed = await cloud.probe(MACHINES, "us-east-1", "i-1234567890abcdef0")

    assert (SweepOutcome.FAILED, (), 1) == (swept.outcome, swept.observations, swept.calls)
    assert swept.problem is not None
    assert probed.problem is not None
    assert StaleReason.AUTH_REJECTED is swept.problem.reason
    assert ("failed", StaleReason.AUTH_REJECTED) == (probed.outcome, probed.problem.reason)
    assert "AuthFailure" in swept.problem.detail
    assert "wrong-and-not-to-be-seen" not in swept.problem.detail
    assert ["auth_rejected", "auth_rejected"] == calls.outcomes


async def test_a_price_file_prices_what_runs_on_demand(aws: MotoAws, tmp_path: Path) -> None:
    """A running machine has the file's price and date; a stopped one and an unlisted type have none."""
    region = "ca-central-1"
    ec2 = aws.ec2(region)
    listed, halted, unlisted = *launch(ec2, 2), *launch(ec2, 1, "t3.micro")
    ec2.stop_instances(InstanceIds=[halted["InstanceId"]])
    file = tmp_path / "prices.toml"
    file.write_text(f'as_of = 2026-01-15\n[{region}]\n"g5.12xlarge" = 6.3\n', encoding="utf-8")

    async with account("aws", settings(aws, region, price_file=str(file)), aws.address) as cloud:
        seen = by_id((await cloud.sweep(MACHINES, region)).observations)

    as_of = datetime(2026, 1, 15, tzinfo=UTC)
    terms = Terms(OfferType.VM, ContractType.ONDEMAND, "g5.12xlarge", 6.3, "USD")
    assert Price(6.3, "USD", PriceSource.PRICE_FILE, as_of) == seen[listed["InstanceId"]].price
    assert (NO_PRICE, terms) == (seen[halted["InstanceId"]].price, seen[halted["InstanceId"]].terms)
    assert NO_PRICE == seen[unlisted["InstanceId"]].price
