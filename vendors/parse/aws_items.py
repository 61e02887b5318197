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

from domain.enums import ContractType, PriceSource, ResourceKind, ResourceStatus, ResourceType
from domain.records.observation import NO_PRICE, Access, Observation, Price, Spec
from domain.timestamps import optional_text
from vendors.base import Page, VendorResponse
from vendors.parse.aws_gpus import gpus_of, has_no_gpus
from vendors.parse.fields import FieldReader, collect_facts, read_xml
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.items import Attached, access_to, machine_of, read_links, volume_of
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
    root = read_xml(cast("Element", response.payload))
    if kind is ResourceKind.MACHINES:
        reservations = root.items("reservationSet")
        machines = (machine for reservation in reservations for machine in reservation.items("instancesSet"))
        observations = tuple(_read_machine(machine, region, price_file) for machine in machines)
    else:
        observations = tuple(_read_volume(volume, region) for volume in root.items("volumeSet"))
    return Page(observations, root.cursor("nextToken"), root.dropped)


def _read_machine(item: FieldReader, region: str | None, price_file: PriceFile | None) -> Observation:
    vendor_status = item.child("instanceState").text("name")
    status = INSTANCE_STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN)
    sku = item.text("instanceType")
    is_metal = (sku or "").partition(".")[2].startswith("metal")
    contract = _CONTRACTS.get(item.text("instanceLifecycle"), ContractType.UNKNOWN)
    rate = price_file.rate(region, sku) if price_file and _has_list_price(item, contract) else None
    return machine_of(
        item,
        _machine_spec(item, sku),
        id_field="instanceId",
        resource_type=ResourceType.BARE_METAL if is_metal else ResourceType.VM,
        status=status,
        vendor_status=vendor_status,
        region=region,
        created_at=_created_at(item),
        name=_name(item),
        status_message=item.child("stateReason").text("message"),
        # EC2 reports neither the login name, which depends on the image, nor the SSH port.
        access=_access(item),
        price=_price(status, rate, price_file),
        contract=contract,
        rate=rate,
    )


def _access(item: FieldReader) -> Access | None:
    external_ip, internal_ip = item.address("ipAddress"), item.address("privateIpAddress")
    interfaces = [item, *(item.children("networkInterfaceSet") or ())]
    # A machine in an IPv6-only subnet has neither. An IPv6 address of a VPC is public by its nature.
    ipv6 = [
        address.address("ipv6Address")
        for each in interfaces
        for address in (each, *(each.children("ipv6AddressesSet") or ()))
    ]
    return access_to(external_ip or next(filter(None, ipv6), None), internal_ip)


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


def _machine_spec(item: FieldReader, sku: str | None) -> Spec:
    cpu = item.child("cpuOptions")
    cores, threads = cpu.integer("coreCount", 1), cpu.integer("threadsPerCore", 1)
    gpus = gpus_of(sku)
    gpu_type, gpu_family = canonical_gpu(gpus.model, gpus.memory_mib / 1024) if gpus else (None, None)
    placement = item.child("placement")
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpus.count if gpus else (0 if has_no_gpus(sku) else None),
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
    return volume_of(
        item,
        Spec(
            disk_gb=item.number("size"),
            vendor_sku=item.text("volumeType"),
            vendor=collect_facts(
                availability_zone=item.text("availabilityZone"),
                encrypted=item.flag("encrypted"),
                iops=item.integer("iops"),
                throughput=item.integer("throughput"),
            ),
        ),
        id_field="volumeId",
        status=VOLUME_STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN),
        vendor_status=vendor_status,
        region=region,
        created_at=item.timestamp("createTime"),
        name=_name(item),
        links=read_links(item, ResourceKind.MACHINES, _attached_machines),
    )


def _attached_machines(item: FieldReader) -> Attached:
    attachments = item.children("attachmentSet")
    return None if attachments is None else [machine for machine in map(_read_attachment, attachments) if machine]


def _read_attachment(attachment: FieldReader) -> tuple[str, datetime | None] | None:
    machine_id, since = attachment.reference("instanceId"), attachment.timestamp("attachTime")
    # A volume attached to a service that AWS runs itself has no instance of ours.
    if machine_id is None or attachment.text("status") == "detached":
        return None
    return machine_id, since


def _name(item: FieldReader) -> str | None:
    for tag in item.children("tagSet") or ():
        if tag.text("key") == "Name":
            return tag.text("value")
    return None
