"""What EC2's answers mean: pure functions from its XML to observations.

- `created_at` of a machine is when its primary network interface was attached, which cannot be detached: `launchTime` moves
  at each start. That is AWS's own advice (botocore, `LaunchTime`). A machine that shows none, once it ends, tells no time.
- A volume that is `available` is RUNNING, as one `in-use` is: both can be used, and are billed alike.
- Attachments of every state but `detached` are links: while attaching, busy or detaching the volume is held by its machine.
- EC2 tells no price. A running Linux machine on demand, on shared hardware, takes its price from the account's `price_file`
  if there is one; what runs under other terms costs something else, and reads null.
- A capacity block or a scheduled instance has terms that are not told here: its contract type is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast
from xml.etree.ElementTree import Element

from domain.enums import ContractType, LinkType, OfferType, PriceSource, ResourceKind, ResourceStatus, ResourceType
from domain.records.observation import (
    NO_PRICE,
    NOT_REPORTED,
    Access,
    Attachment,
    NotReported,
    Observation,
    Price,
    Spec,
    Terms,
)
from domain.timestamps import optional_text
from vendors.base import Page, VendorResponse
from vendors.parse.aws_gpus import gpus_of
from vendors.parse.fields import DropCounter, FieldReader, facts, from_xml
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.price_file import PriceFile

INSTANCE_STATUS: Final[Mapping[str, ResourceStatus]] = {
    "pending": ResourceStatus.PROVISIONING,
    "running": ResourceStatus.RUNNING,
    "stopping": ResourceStatus.STOPPING,
    "stopped": ResourceStatus.STOPPED,
    "shutting-down": ResourceStatus.DELETING,
    "terminated": ResourceStatus.DELETED,
}
VOLUME_STATUS: Final[Mapping[str, ResourceStatus]] = {
    "creating": ResourceStatus.PROVISIONING,
    "available": ResourceStatus.RUNNING,
    "in-use": ResourceStatus.RUNNING,
    "deleting": ResourceStatus.DELETING,
    "deleted": ResourceStatus.DELETED,
    "error": ResourceStatus.ERROR,
}
_CONTRACTS: Final[Mapping[str | None, ContractType]] = {
    None: ContractType.ONDEMAND,
    "on-demand": ContractType.ONDEMAND,
    "spot": ContractType.SPOT,
}


def read_page(kind: ResourceKind, region: str | None, answer: VendorResponse, price_file: PriceFile | None) -> Page:
    """One page of DescribeInstances or DescribeVolumes. Raises MalformedAnswer where its list is missing."""
    drops = DropCounter()
    root = from_xml(cast("Element", answer.payload), drops)
    if kind is ResourceKind.MACHINES:
        reservations = root.items("reservationSet")
        machines = (machine for reservation in reservations for machine in reservation.items("instancesSet"))
        told = tuple(_machine(machine, region, price_file) for machine in machines)
    else:
        told = tuple(_volume(volume, region) for volume in root.items("volumeSet"))
    return Page(told, root.cursor("nextToken"), drops.count)


def _machine(told: FieldReader, region: str | None, price_file: PriceFile | None) -> Observation:
    word = told.child("instanceState").text("name")
    status = INSTANCE_STATUS.get(word or "", ResourceStatus.UNKNOWN)
    sku = told.text("instanceType")
    metal = (sku or "").partition(".")[2].startswith("metal")
    contract = _CONTRACTS.get(told.text("instanceLifecycle"), ContractType.UNKNOWN)
    rate = price_file.rate(region, sku) if price_file and _ordinary(told, contract) else None
    currency = None if rate is None else "USD"
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=told.identifier("instanceId"),
        resource_type=ResourceType.BARE_METAL if metal else ResourceType.VM,
        status=status,
        vendor_status=word,
        region=region,
        created_at=_created(told),
        name=_name(told),
        status_message=told.child("stateReason").text("message"),
        access=_access(told),
        spec=_machine_spec(told, sku),
        price=_price(status, rate, price_file),
        terms=Terms(OfferType.BARE_METAL if metal else OfferType.VM, contract, sku, rate, currency),
    )


def _ordinary(told: FieldReader, contract: ContractType) -> bool:
    """Whether the list price of the instance type is what it costs: on demand, shared hardware, no licence."""
    shared = told.child("placement").text("tenancy") in (None, "default")
    plain = told.text("platform") is None and told.text("platformDetails") in (None, "Linux/UNIX")
    return contract is ContractType.ONDEMAND and shared and plain


def _price(status: ResourceStatus, rate: float | None, price_file: PriceFile | None) -> Price:
    if price_file is None or rate is None or status is not ResourceStatus.RUNNING:
        return NO_PRICE
    return Price(rate, "USD", PriceSource.PRICE_FILE, price_file.as_of)


def _created(told: FieldReader) -> datetime | None:
    # Never of the root volume: it may be replaced, and then the machine would seem to be another one.
    for interface in told.children("networkInterfaceSet") or ():
        attachment = interface.child("attachment")
        if attachment.whole("deviceIndex") == 0:
            return attachment.instant("attachTime")
    return None


def _access(told: FieldReader) -> Access | None:
    # The login name depends on the image, and the port on its set-up: EC2 tells neither.
    access = Access(external_ip=told.address("ipAddress"), internal_ip=told.address("privateIpAddress"))
    return None if access == Access() else access


def _machine_spec(told: FieldReader, sku: str | None) -> Spec:
    cpu = told.child("cpuOptions")
    cores, threads = cpu.whole("coreCount", 1), cpu.whole("threadsPerCore", 1)
    gpus = gpus_of(sku)
    gpu_type, gpu_family = canonical_gpu(gpus.model, gpus.memory_mib / 1024) if gpus else (None, None)
    placement = told.child("placement")
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpus.count if gpus else None,
        vcpu_count=cores * threads if cores and threads else None,
        memory_gb=gpus.instance_gib if gpus else None,
        vendor_sku=sku,
        image=told.text("imageId"),
        vendor=facts(
            architecture=told.text("architecture"),
            availability_zone=placement.text("availabilityZone"),
            launch_time=optional_text(told.instant("launchTime")),
            lifecycle=told.text("instanceLifecycle"),
            platform=told.text("platform"),
            tenancy=placement.text("tenancy"),
        ),
    )


def _volume(told: FieldReader, region: str | None) -> Observation:
    word = told.text("status")
    sku = told.text("volumeType")
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=told.identifier("volumeId"),
        resource_type=ResourceType.BLOCK_DISK,
        status=VOLUME_STATUS.get(word or "", ResourceStatus.UNKNOWN),
        vendor_status=word,
        region=region,
        created_at=told.instant("createTime"),
        name=_name(told),
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=told.number("size"),
            vendor_sku=sku,
            vendor=facts(
                availability_zone=told.text("availabilityZone"),
                encrypted=told.flag("encrypted"),
                iops=told.whole("iops"),
                throughput=told.whole("throughput"),
            ),
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, sku, None, None),
        links=_links(told),
    )


def _links(told: FieldReader) -> tuple[Attachment, ...] | NotReported:
    before = told.dropped
    attachments = told.children("attachmentSet")
    if attachments is None:
        return NOT_REPORTED
    links = [link for link in map(_link, attachments) if link]
    # A list of which a part could not be read is not the whole list: it must close no link.
    return tuple(links) if told.dropped == before else NOT_REPORTED


def _link(told: FieldReader) -> Attachment | None:
    machine, since = told.reference("instanceId"), told.instant("attachTime")
    # What is attached to a service that AWS runs itself has no instance of ours.
    if machine is None or told.text("status") == "detached":
        return None
    return Attachment(LinkType.ATTACHED_TO, ResourceKind.MACHINES, machine, since)


def _name(told: FieldReader) -> str | None:
    for tag in told.children("tagSet") or ():
        if tag.text("key") == "Name":
            return tag.text("value")
    return None
