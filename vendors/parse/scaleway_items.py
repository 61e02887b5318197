"""Parses Scaleway's responses: pure functions from its JSON to observations. `vendors/scaleway.py` explains them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from domain.enums import ContractType, LinkType, OfferType, ResourceKind, ResourceStatus, ResourceType
from domain.records.observation import NO_PRICE, NOT_REPORTED, Access, Attachment, NotReported, Observation, Spec, Terms
from vendors.base import Hardware
from vendors.parse.fields import SSH_PORT, FieldReader, collect_facts, ssh_command
from vendors.parse.gpu_names import canonical_gpu

SERVER_STATUS: Final[Mapping[str, ResourceStatus]] = {
    "starting": ResourceStatus.PROVISIONING,
    "running": ResourceStatus.RUNNING,
    "stopping": ResourceStatus.STOPPING,
    "stopped": ResourceStatus.STOPPED,
    "stopped_in_place": ResourceStatus.STOPPED,
    "locked": ResourceStatus.ERROR,
}
"""`scaleway.instance.v1.ServerState`."""
VOLUME_STATUS: Final[Mapping[str, ResourceStatus]] = {
    "creating": ResourceStatus.PROVISIONING,
    "fetching": ResourceStatus.PROVISIONING,
    "available": ResourceStatus.RUNNING,
    "in_use": ResourceStatus.RUNNING,
    "attaching": ResourceStatus.RUNNING,
    "hotsyncing": ResourceStatus.RUNNING,
    "resizing": ResourceStatus.RUNNING,
    "saving": ResourceStatus.RUNNING,
    "snapshotting": ResourceStatus.RUNNING,
    "updating": ResourceStatus.RUNNING,
    "deleting": ResourceStatus.DELETING,
    "deleted": ResourceStatus.DELETED,
    "error": ResourceStatus.ERROR,
    "locked": ResourceStatus.ERROR,
}
"""`scaleway.instance.v1.VolumeState` and `scaleway.block.v1.VolumeStatus`. A volume can be used during any operation on it."""
_GPUS: Final = re.compile(r"(?P<model>[A-Z][A-Z0-9]*(?:-SXM)?)-(?P<count>\d{1,2})-(?P<memory>\d{1,4})G")
"""Such as `L4-1-24G`, `H100-SXM-8-80G`."""
_OLDER_GPUS: Final[Mapping[str, tuple[str, int, float]]] = {
    "GPU-3070-S": ("RTX 3070", 1, 8),
    "RENDER-S": ("P100", 1, 16),
}
_GIGABYTE: Final = 1_000_000_000
_GIBIBYTE: Final = 1 << 30


def read_server(zone: str | None, item: FieldReader) -> Observation:
    """Return a server of `GET .../servers`."""
    vendor_status = item.text("state")
    sku = item.text("commercial_type")
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=item.identifier("id"),
        resource_type=ResourceType.VM,
        status=SERVER_STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN),
        vendor_status=vendor_status,
        region=zone,
        created_at=item.timestamp("creation_date"),
        name=item.text("name"),
        status_message=item.text("state_detail"),
        access=_access(item),
        spec=_server_spec(item, sku),
        price=NO_PRICE,
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, sku, None, None),
    )


def _access(item: FieldReader) -> Access | None:
    # `public_ip` is the older field, and equals the first of `public_ips`.
    public_ips = item.children("public_ips") or (item.child("public_ip"),)
    addresses = [(ip.text("family"), ip.address("address")) for ip in public_ips]
    external_ip = next((address for family, address in addresses if family != "inet6" and address), None)
    external_ip = external_ip or next((address for _, address in addresses if address), None)
    internal_ip = item.address("private_ip")
    if external_ip is None:
        return Access(internal_ip=internal_ip) if internal_ip else None
    return Access(external_ip, internal_ip, ssh_command("root", external_ip, SSH_PORT), SSH_PORT)


def _server_spec(item: FieldReader, sku: str | None) -> Spec:
    gpu_type, gpu_family, gpu_count = _gpus(sku)
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpu_count,
        vendor_sku=sku,
        image=item.child("image").text("name"),
        vendor=collect_facts(arch=item.text("arch"), hostname=item.text("hostname"), project=item.text("project")),
    )


def _gpus(sku: str | None) -> tuple[str | None, str | None, int | None]:
    match = _GPUS.fullmatch(sku or "")
    if match:
        model, count, memory = match["model"].replace("-", " "), int(match["count"]), float(match["memory"])
    elif sku is not None and sku in _OLDER_GPUS:
        model, count, memory = _OLDER_GPUS[sku]
    else:
        return None, None, None
    gpu_type, gpu_family = canonical_gpu(model, memory)
    # A type of this form may have no GPUs, unless its model is a known GPU.
    return (gpu_type, gpu_family, count) if gpu_family else (None, None, None)


def read_hardware(item: FieldReader) -> Hardware:
    """Return the hardware of a commercial type of `GET .../products/servers`. `ram` and `gpu_memory` are "in bytes"."""
    count, gpu, memory = item.integer("gpu", 0, 10_000), item.child("gpu_info"), item.number("ram", high=1e18)
    gpu_memory = gpu.number("gpu_memory", high=1e18)
    gpu_type, gpu_family = canonical_gpu(
        gpu.text("gpu_name") if count else None, gpu_memory / _GIBIBYTE if gpu_memory else None
    )
    return Hardware(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=count,
        vcpu_count=item.integer("ncpus"),
        memory_gb=None if memory is None else memory / _GIBIBYTE,
    )


def read_local_volume(zone: str | None, item: FieldReader) -> Observation:
    """Return a volume of the Instance interface."""
    dropped_before = item.dropped
    server = item.child("server")
    server_id = server.reference("id")
    has_valid_id = server_id is not None or not server.has("id")
    is_reported = item.has("server") and item.dropped == dropped_before and has_valid_id
    links = (Attachment(LinkType.ATTACHED_TO, ResourceKind.MACHINES, server_id),) if server_id else ()
    return _read_volume(zone, item, "creation_date", "state", "volume_type", links if is_reported else NOT_REPORTED)


def read_block_volume(zone: str | None, item: FieldReader) -> Observation:
    """Return a volume of Block Storage."""
    dropped_before = item.dropped
    references = item.children("references")
    links = [link for link in map(_read_reference, references or ()) if link]
    # A list that could not be read completely must not close any link.
    is_reported = references is not None and item.dropped == dropped_before
    return _read_volume(zone, item, "created_at", "status", "type", tuple(links) if is_reported else NOT_REPORTED)


def _read_reference(reference: FieldReader) -> Attachment | None:
    server_id, since = reference.reference("product_resource_id"), reference.timestamp("created_at")
    is_server = reference.text("product_resource_type") == "instance_server"
    if server_id is None or not is_server or reference.text("status") == "detached":
        return None
    return Attachment(LinkType.ATTACHED_TO, ResourceKind.MACHINES, server_id, since)


def _read_volume(
    zone: str | None,
    item: FieldReader,
    created_field: str,
    status_field: str,
    type_field: str,
    links: tuple[Attachment, ...] | NotReported,
) -> Observation:
    vendor_status = item.text(status_field)
    sku = item.text(type_field)
    size = item.number("size", high=1e18)
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=item.identifier("id"),
        resource_type=ResourceType.BLOCK_DISK,
        status=VOLUME_STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN),
        vendor_status=vendor_status,
        region=zone,
        created_at=item.timestamp(created_field),
        name=item.text("name"),
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=None if size is None else size / _GIGABYTE,
            vendor_sku=sku,
            vendor=collect_facts(iops=item.child("specs").integer("perf_iops")),
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, sku, None, None),
        links=links,
    )
