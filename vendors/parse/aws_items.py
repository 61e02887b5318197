"""Parses EC2's responses: pure functions from its XML to observations.

- `created_at` of a machine is when its primary network interface was attached, because that interface cannot be
  detached and `launchTime` moves at every start. AWS itself recommends this (botocore, `LaunchTime`). A machine that no
  longer reports its interface, because it ends, reports no creation time.
- A volume that is `available` is RUNNING, like one that is `in-use`: both can be used, and are billed alike.
- Attachments in every state except `detached` are links: while attaching, busy or detaching, the machine still holds
  the volume.
- EC2 reports no price. A running Linux machine on demand, on shared hardware, takes its price from the account's
  `price_file` if there is one. A machine under other terms costs something else, and its price is null.
- The terms of a capacity block or a scheduled instance are not reported: its contract type is UNKNOWN.
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
from vendors.parse.fields import DropCounter, FieldReader, collect_facts, read_xml
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


def read_page(kind: ResourceKind, region: str | None, response: VendorResponse, price_file: PriceFile | None) -> Page:
    """Return one page of DescribeInstances or DescribeVolumes. Raise MalformedAnswer if its list is missing."""
    drops = DropCounter()
    root = read_xml(cast("Element", response.payload), drops)
    if kind is ResourceKind.MACHINES:
        reservations = root.items("reservationSet")
        machines = (machine for reservation in reservations for machine in reservation.items("instancesSet"))
        observations = tuple(_read_machine(machine, region, price_file) for machine in machines)
    else:
        observations = tuple(_read_volume(volume, region) for volume in root.items("volumeSet"))
    return Page(observations, root.cursor("nextToken"), drops.count)


def _read_machine(item: FieldReader, region: str | None, price_file: PriceFile | None) -> Observation:
    vendor_status = item.child("instanceState").text("name")
    status = INSTANCE_STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN)
    sku = item.text("instanceType")
    is_metal = (sku or "").partition(".")[2].startswith("metal")
    contract = _CONTRACTS.get(item.text("instanceLifecycle"), ContractType.UNKNOWN)
    rate = price_file.rate(region, sku) if price_file and _has_list_price(item, contract) else None
    currency = None if rate is None else "USD"
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=item.identifier("instanceId"),
        resource_type=ResourceType.BARE_METAL if is_metal else ResourceType.VM,
        status=status,
        vendor_status=vendor_status,
        region=region,
        created_at=_created_at(item),
        name=_name(item),
        status_message=item.child("stateReason").text("message"),
        access=_access(item),
        spec=_machine_spec(item, sku),
        price=_price(status, rate, price_file),
        terms=Terms(OfferType.BARE_METAL if is_metal else OfferType.VM, contract, sku, rate, currency),
    )


def _has_list_price(item: FieldReader, contract: ContractType) -> bool:
    """Return whether a machine costs the list price of its instance type: on demand, shared hardware, no licence."""
    is_shared = item.child("placement").text("tenancy") in (None, "default")
    has_no_licence = item.text("platform") is None and item.text("platformDetails") in (None, "Linux/UNIX")
    return contract is ContractType.ONDEMAND and is_shared and has_no_licence


def _price(status: ResourceStatus, rate: float | None, price_file: PriceFile | None) -> Price:
    if price_file is None or rate is None or status is not ResourceStatus.RUNNING:
        return NO_PRICE
    return Price(rate, "USD", PriceSource.PRICE_FILE, price_file.as_of)


def _created_at(item: FieldReader) -> datetime | None:
    # Never use the root volume: it may be replaced, and the machine would then seem to be another one.
    for interface in item.children("networkInterfaceSet") or ():
        attachment = interface.child("attachment")
        if attachment.integer("deviceIndex") == 0:
            return attachment.timestamp("attachTime")
    return None


def _access(item: FieldReader) -> Access | None:
    # EC2 reports neither the login name, which depends on the image, nor the SSH port.
    access = Access(external_ip=item.address("ipAddress"), internal_ip=item.address("privateIpAddress"))
    return None if access == Access() else access


def _machine_spec(item: FieldReader, sku: str | None) -> Spec:
    cpu = item.child("cpuOptions")
    cores, threads = cpu.integer("coreCount", 1), cpu.integer("threadsPerCore", 1)
    gpus = gpus_of(sku)
    gpu_type, gpu_family = canonical_gpu(gpus.model, gpus.memory_mib / 1024) if gpus else (None, None)
    placement = item.child("placement")
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpus.count if gpus else None,
        vcpu_count=cores * threads if cores and threads else None,
        memory_gb=gpus.instance_gib if gpus else None,
        vendor_sku=sku,
        image=item.text("imageId"),
        vendor=collect_facts(
            architecture=item.text("architecture"),
            availability_zone=placement.text("availabilityZone"),
            launch_time=optional_text(item.timestamp("launchTime")),
            lifecycle=item.text("instanceLifecycle"),
            platform=item.text("platform"),
            tenancy=placement.text("tenancy"),
        ),
    )


def _read_volume(item: FieldReader, region: str | None) -> Observation:
    vendor_status = item.text("status")
    sku = item.text("volumeType")
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=item.identifier("volumeId"),
        resource_type=ResourceType.BLOCK_DISK,
        status=VOLUME_STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN),
        vendor_status=vendor_status,
        region=region,
        created_at=item.timestamp("createTime"),
        name=_name(item),
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=item.number("size"),
            vendor_sku=sku,
            vendor=collect_facts(
                availability_zone=item.text("availabilityZone"),
                encrypted=item.flag("encrypted"),
                iops=item.integer("iops"),
                throughput=item.integer("throughput"),
            ),
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, sku, None, None),
        links=_links(item),
    )


def _links(item: FieldReader) -> tuple[Attachment, ...] | NotReported:
    dropped_before = item.dropped
    attachments = item.children("attachmentSet")
    if attachments is None:
        return NOT_REPORTED
    links = [link for link in map(_read_link, attachments) if link]
    # A list that could not be read completely must not close any link.
    return tuple(links) if item.dropped == dropped_before else NOT_REPORTED


def _read_link(attachment: FieldReader) -> Attachment | None:
    machine_id, since = attachment.reference("instanceId"), attachment.timestamp("attachTime")
    # A volume attached to a service that AWS runs itself has no instance of ours.
    if machine_id is None or attachment.text("status") == "detached":
        return None
    return Attachment(LinkType.ATTACHED_TO, ResourceKind.MACHINES, machine_id, since)


def _name(item: FieldReader) -> str | None:
    for tag in item.children("tagSet") or ():
        if tag.text("key") == "Name":
            return tag.text("value")
    return None
