"""Parsing EC2's responses, without calls: cases that moto does not produce."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import moto
import pytest

from domain.enums import ContractType, LinkType, PriceSource, ResourceKind, ResourceStatus, ResourceType
from domain.errors import (
    CredentialsRejected,
    MalformedAnswer,
    NotFoundByVendor,
    RateLimited,
    Unreachable,
    VendorFailure,
)
from domain.records.observation import NO_PRICE, NOT_REPORTED, Access, Attachment, Observation, Price, Spec, Terms
from tests.clock import START
from vendors.aws import Aws, AwsSettings
from vendors.base import Page, VendorRequest, VendorResponse
from vendors.parse.aws_gpus import InstanceGpus, gpus_of, has_no_gpus
from vendors.parse.aws_items import read_page
from vendors.parse.price_file import PriceFile

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
PRICES = PriceFile(datetime(2026, 1, 1, tzinfo=UTC), {"us-east-1": {"p5.48xlarge": 55.04}})
KEY = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "secret", "session_token": "temporary"}


def page(kind: ResourceKind, inside: str, tail: str = "", namespace: str = "") -> Page:
    """Return a page with one item."""
    if kind is MACHINES:
        text = f"<r {namespace}><reservationSet><item><instancesSet>{inside}</instancesSet></item></reservationSet>{tail}</r>"
    else:
        text = f"<r {namespace}><volumeSet>{inside}</volumeSet>{tail}</r>"
    return read_page(kind, "us-east-1", VendorResponse(200, {}, fromstring(text)), PRICES)  # noqa: S314 - the test's own text


def machine(inside: str = "", state: str = "running", sku: str = "p5.48xlarge") -> Observation:
    """Return one instance."""
    text = f"<instanceState><name>{state}</name></instanceState><instanceType>{sku}</instanceType>{inside}"
    (observation,) = page(MACHINES, f"<item><instanceId>i-1</instanceId>{text}</item>").observations
    return observation


def volume(inside: str = "", state: str = "in-use") -> Observation:
    """Return one volume."""
    (observation,) = page(
        VOLUMES, f"<item><volumeId>vol-1</volumeId><status>{state}</status>{inside}</item>"
    ).observations
    return observation


@pytest.mark.parametrize(
    ("vendor_status", "status"),
    [
        ("pending", ResourceStatus.PROVISIONING),
        ("running", ResourceStatus.RUNNING),
        ("stopping", ResourceStatus.STOPPING),
        ("stopped", ResourceStatus.STOPPED),
        ("shutting-down", ResourceStatus.DELETING),
        ("terminated", ResourceStatus.DELETED),
        ("rebooting", ResourceStatus.UNKNOWN),
    ],
)
def test_instance_states(vendor_status: str, status: ResourceStatus) -> None:
    """Every documented state has a status; the vendor's own text is recorded."""
    assert (status, vendor_status) == ((observation := machine(state=vendor_status)).status, observation.vendor_status)


@pytest.mark.parametrize(
    ("vendor_status", "status"),
    [
        ("creating", ResourceStatus.PROVISIONING),
        ("available", ResourceStatus.RUNNING),
        ("in-use", ResourceStatus.RUNNING),
        ("deleting", ResourceStatus.DELETING),
        ("deleted", ResourceStatus.DELETED),
        ("error", ResourceStatus.ERROR),
        ("resting", ResourceStatus.UNKNOWN),
    ],
)
def test_volume_states(vendor_status: str, status: ResourceStatus) -> None:
    """Every documented state has a status; the vendor's own text is recorded."""
    assert (status, vendor_status) == ((observation := volume(state=vendor_status)).status, observation.vendor_status)


@pytest.mark.parametrize(
    ("inside", "contract", "priced"),
    [
        ("", ContractType.ONDEMAND, True),
        ("<capacityReservationId>cr-1</capacityReservationId>", ContractType.ONDEMAND, True),
        ("<platformDetails>Linux/UNIX</platformDetails>", ContractType.ONDEMAND, True),
        ("<instanceLifecycle>spot</instanceLifecycle>", ContractType.SPOT, False),
        ("<instanceLifecycle>capacity-block</instanceLifecycle>", ContractType.UNKNOWN, False),
        ("<placement><tenancy>dedicated</tenancy></placement>", ContractType.ONDEMAND, False),
        ("<platform>windows</platform>", ContractType.ONDEMAND, False),
        ("<platformDetails>Red Hat Enterprise Linux</platformDetails>", ContractType.ONDEMAND, False),
    ],
)
def test_list_price_needs_ordinary_terms(inside: str, contract: ContractType, priced: bool) -> None:
    """Other terms cost something else, and no price is better than a wrong one."""
    observation = machine(inside)

    assert isinstance(observation.terms, Terms)
    assert (contract, 55.04 if priced else None) == (observation.terms.contract_type, observation.terms.running_rate)
    assert (Price(55.04, "USD", PriceSource.PRICE_FILE, PRICES.as_of) if priced else NO_PRICE) == observation.price


NIC = "<networkInterfaceSet>{}</networkInterfaceSet>"
INTERFACE = (
    "<item><attachment><deviceIndex>{}</deviceIndex><attachTime>2026-01-0{}T00:00:00Z</attachTime></attachment></item>"
)
ROOT = (
    "<rootDeviceName>/dev/sda1</rootDeviceName><blockDeviceMapping>"
    "<item><deviceName>/dev/sdf</deviceName><ebs><attachTime>2026-01-06T00:00:00.000Z</attachTime></ebs></item>"
    "<item><deviceName>/dev/sda1</deviceName><ebs><attachTime>2026-01-07T00:00:00.000Z</attachTime></ebs></item>"
    "</blockDeviceMapping>"
)


@pytest.mark.parametrize(
    ("inside", "day"),
    [
        (NIC.format(INTERFACE.format(1, 2) + INTERFACE.format(0, 3)) + ROOT, 3),
        (NIC.format(INTERFACE.format(1, 2)) + ROOT, None),
        (ROOT, None),
        (NIC.format(INTERFACE.format(1, 2)), None),
        ("", None),
    ],
)
def test_creation_time_of_a_machine(inside: str, day: int | None) -> None:
    """It is the attachment of the primary interface; neither a root volume, which may be replaced, nor the last start decides."""
    observation = machine(inside + "<launchTime>2026-01-09T00:00:00.000Z</launchTime>")

    assert (datetime(2026, 1, day, tzinfo=UTC) if day else None) == observation.created_at
    assert isinstance(observation.spec, Spec)
    assert "2026-01-09T00:00:00.000000Z" == observation.spec.vendor["launch_time"]


ATTACHED = "<item><instanceId>{}</instanceId><status>{}</status><attachTime>{}</attachTime></item>"
THEN = datetime(2026, 1, 5, tzinfo=UTC)
LINK = Attachment(LinkType.ATTACHED_TO, MACHINES, "i-1", THEN)


@pytest.mark.parametrize(
    ("attachments", "links"),
    [
        *(
            (ATTACHED.format("i-1", vendor_status, "2026-01-05T00:00:00Z"), (LINK,))
            for vendor_status in ("attaching", "attached", "busy")
        ),
        (ATTACHED.format("i-1", "detaching", "2026-01-05T00:00:00Z"), (LINK,)),
        (ATTACHED.format("i-1", "detached", "2026-01-05T00:00:00Z"), ()),
        (ATTACHED.format("i-1", "attached", ""), (Attachment(LinkType.ATTACHED_TO, MACHINES, "i-1"),)),
        (ATTACHED.format("", "attached", "2026-01-05T00:00:00Z"), ()),
        (ATTACHED.format("i 1", "attached", "2026-01-05T00:00:00Z"), NOT_REPORTED),
        ("<item>i-1</item>", NOT_REPORTED),
        ("", ()),
    ],
)
def test_links(attachments: str, links: object) -> None:
    """A link exists until the volume is detached; a list that could not be read completely closes no link."""
    assert links == volume(f"<attachmentSet>{attachments}</attachmentSet>").links


def test_volume_without_attachments() -> None:
    """An unreported list closes no link."""
    assert NOT_REPORTED is volume().links


def test_other_fields_of_a_machine() -> None:
    """CPUs from cores and threads, bare metal from the size, a state's reason, and the name from its tag alone."""
    observation = machine(
        "<cpuOptions><coreCount>96</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>"
        "<stateReason><message>Server.InternalError</message></stateReason>"
        "<tagSet><item><key>name</key><value>no</value></item><item><key>Name</key><value>yes</value></item></tagSet>",
        sku="g4dn.metal",
    )

    assert isinstance(observation.spec, Spec)
    assert (192, "nvidia-t4-16gb", 8) == (
        observation.spec.vcpu_count,
        observation.spec.gpu_type,
        observation.spec.gpu_count,
    )
    assert (ResourceType.BARE_METAL, "Server.InternalError", "yes") == (
        observation.resource_type,
        observation.status_message,
        observation.name,
    )


@pytest.mark.parametrize("namespace", ["", 'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"', 'xmlns="urn:other"'])
def test_namespaces_are_ignored(namespace: str) -> None:
    """Tags are matched by their local names."""
    read_error_document = page(
        VOLUMES, "<item><volumeId>vol-1</volumeId></item>", "<nextToken>more</nextToken>", namespace
    )

    assert (["vol-1"], "more") == (
        [one.vendor_id for one in read_error_document.observations],
        read_error_document.cursor,
    )


@pytest.mark.parametrize("inside", ["<item/>", "<item><volumeType>gp3</volumeType></item>", "<volume/>"])
def test_item_without_id_is_malformed(inside: str) -> None:
    """If it were left out, it would read as absent."""
    with pytest.raises(MalformedAnswer):
        page(VOLUMES, inside)


def adapter() -> Aws:
    """Return the adapter, with temporary credentials."""
    return Aws(AwsSettings.model_validate({"credentials": KEY, "regions": ["us-east-1"]}))


def read_error_document(code: str, status: int = 400) -> VendorFailure | None:
    """Return the failure that an error document means."""
    body = f"<Response><Errors><Error><Code>{code}</Code><Message>No key secret</Message></Error></Errors></Response>"
    return adapter().read_failure(VendorRequest("DescribeVolumes", "/"), status, {"retry-after": "7"}, body, START)


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("InvalidInstanceID.NotFound", 400, NotFoundByVendor),
        ("InvalidVolume.NotFound", 400, NotFoundByVendor),
        ("InvalidVolumeID.Malformed", 400, MalformedAnswer),
        ("AuthFailure", 401, CredentialsRejected),
        ("UnauthorizedOperation", 403, CredentialsRejected),
        ("RequestExpired", 400, CredentialsRejected),
        ("SignatureDoesNotMatch", 403, CredentialsRejected),
        ("RequestLimitExceeded", 503, RateLimited),
        ("Throttling", 400, RateLimited),
        ("InternalError", 500, Unreachable),
        ("Unavailable", 503, Unreachable),
        ("InvalidParameterValue", 400, MalformedAnswer),
    ],
)
def test_error_codes(code: str, status: int, expected: type[VendorFailure]) -> None:
    """The code decides, not the status. The code is quoted, but not the message."""
    failure = read_error_document(code, status)

    assert isinstance(failure, expected)
    assert f"({code})" in failure.detail
    assert "No key" not in failure.detail


@pytest.mark.parametrize("body", ["", "<html>", "no XML", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "<a/>", "\ud800"])
def test_unreadable_error_document(body: str) -> None:
    """The status then decides."""
    assert None is adapter().read_failure(VendorRequest("DescribeVolumes", "/"), 400, {}, body, START)


def test_signature_uses_the_given_time() -> None:
    """The time is a parameter. A session token is sent, but is not part of the fingerprint."""
    vendor = adapter()
    request = VendorRequest("DescribeVolumes", "/", method="POST")

    headers = vendor.authorize(request, "https://ec2.us-east-1.amazonaws.com/", b"Action=A", "us-east-1", START)

    assert ("20260131T120000Z", "temporary") == (headers["X-Amz-Date"], headers["X-Amz-Security-Token"])
    assert headers["Authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260131/us-east-1/ec2/aws4_request, "
    )
    assert "temporary" not in vendor.credential_text()


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "https://ec2.eu-west-1.amazonaws.com/"),
        ("us-gov-west-1", "https://ec2.us-gov-west-1.amazonaws.com/"),
        ("cn-north-1", "https://ec2.cn-north-1.amazonaws.com.cn/"),
    ],
)
def test_hosts(region: str, host: str) -> None:
    """Each region has a host, in its own partition."""
    assert host == adapter().base_url(region)


def described_types() -> dict[str, Any]:
    """Return EC2's DescribeInstanceTypes, as shipped with moto."""
    file = Path(moto.__file__).parent / "ec2" / "resources" / "instance_types.json.gz"
    read_error_document: dict[str, Any] = json.loads(gzip.decompress(file.read_bytes()))
    return read_error_document


def test_gpu_table_agrees_with_ec2() -> None:
    """For every type that EC2 describes, the table agrees or has no entry, and it contains its families completely."""
    types = described_types()
    described = {
        name: InstanceGpus(
            gpu["Name"],
            gpu["Count"],
            gpu["MemoryInfo"]["SizeInMiB"],
            read_error_document["MemoryInfo"]["SizeInMiB"] // 1024,
        )
        for name, read_error_document in types.items()
        for gpu in (read_error_document.get("GpuInfo") or {"Gpus": []})["Gpus"]
        if gpu["Count"]
    }
    from_table = {name: gpus for name in types if (gpus := gpus_of(name)) and "GpuInfo" in types[name]}

    assert from_table.items() <= described.items()
    families = {name.partition(".")[0] for name in from_table}
    assert {"p5", "p5en", "p4d", "g6e", "g5"} <= families
    assert {name for name in described if name.partition(".")[0] in families} == set(from_table)


def test_accelerators_agree_with_ec2() -> None:
    """AWS's own accelerators: name and count of every type that EC2 describes. A family without any has 0."""
    types = described_types()
    described = {
        name: (device["Name"], device["Count"])
        for name, each in types.items()
        for device in (each.get("NeuronInfo") or {"NeuronDevices": []})["NeuronDevices"]
    }
    assert described.items() <= {name: (gpus.model, gpus.count) for name in types if (gpus := gpus_of(name))}.items()
    accelerated = ("GpuInfo", "NeuronInfo", "InferenceAcceleratorInfo", "FpgaInfo", "MediaAcceleratorInfo")
    without = {name for name in types if has_no_gpus(name)}
    assert {"t3.micro", "m5.large", "c7g.xlarge", "r7iz.large"} <= without
    assert not {name for name in without if any(types[name].get(kind) for kind in accelerated)}


def test_address_of_an_ipv6_only_machine() -> None:
    """It has no IPv4 address; its address is on the machine or only on its interface."""
    on_machine = "<ipv6Address>2001:db8::7</ipv6Address>"
    on_interface = (
        "<networkInterfaceSet><item><ipv6AddressesSet><item><ipv6Address>2001:db8::7</ipv6Address></item>"
        "</ipv6AddressesSet></item></networkInterfaceSet>"
    )
    for inside in (on_machine, on_interface):
        assert machine(inside).access == Access("2001:db8::7", None)
    assert machine(f"<ipAddress>192.0.2.7</ipAddress>{on_machine}").access == Access("192.0.2.7", None)


@pytest.mark.parametrize(
    ("code", "message", "cure"),
    [
        (
            "UnauthorizedOperation",
            "with an explicit deny in a service control policy",
            "a service control policy denies",
        ),
        ("UnauthorizedOperation", "no permissions boundary allows the action", "a permissions boundary denies"),
        ("UnauthorizedOperation", "", "a policy denies ec2:DescribeVolumes"),
        ("ExpiredToken", "", "renew the credentials and check the clock"),
        ("OptInRequired", "", "whether the region is enabled"),
    ],
)
def test_refusals_have_their_own_cure(code: str, message: str, cure: str) -> None:
    """The action and the kind of policy are named, and only an expiry mentions the clock."""
    body = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
    failure = adapter().read_failure(VendorRequest("DescribeVolumes", "/"), 403, {}, body, START)
    assert isinstance(failure, CredentialsRejected)
    assert cure in failure.detail
    assert ("clock" in failure.detail) is (code == "ExpiredToken")
