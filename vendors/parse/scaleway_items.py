"""Parses Scaleway's responses: pure functions from its JSON to observations. `vendors/scaleway.py` explains them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from domain.enums import ResourceKind, ResourceStatus
from domain.records.observation import Access, Observation, Spec
from vendors.base import Hardware
from vendors.parse.fields import FieldReader, collect_facts
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.items import Attached, access_to, machine_of, read_links, volume_of

SERVER_STATUS: Final[Mapping[str, ResourceStatus]] = {
    "starting": ResourceStatus.PROVISIONING,
    "running": ResourceStatus.RUNNING,
    "stopping": ResourceStatus.STOPPING,
    "stopped": ResourceStatus.STOPPED,
    "stopped in place": ResourceStatus.STOPPED,
    "stopped_in_place": ResourceStatus.STOPPED,
    "locked": ResourceStatus.ERROR,
}
"""`ServerState` of Scaleway's SDKs: the one in Go has `stopped in place`, as on the wire, the one in Python underscores."""
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
    return machine_of(
        item,
        _server_spec(item, item.text("commercial_type")),
        status=SERVER_STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN),
        vendor_status=vendor_status,
        region=zone,
        created_at=item.timestamp("creation_date"),
        name=item.text("name"),
        status_message=item.text("state_detail"),
        access=_access(item),
    )


def _access(item: FieldReader) -> Access | None:
    # `public_ip` is the older field, and equals the first of `public_ips`.
    public_ips = item.children("public_ips") or (item.child("public_ip"),)
    # A detached address belongs to the account, and no longer to this server.
    attached = [ip for ip in public_ips if ip.text("state") != "detached"]
    addresses = [(ip.text("family"), ip.address("address")) for ip in attached]
    external_ip = next((address for family, address in addresses if family != "inet6" and address), None)
    external_ip = external_ip or next((address for _, address in addresses if address), None)
    return access_to(external_ip, item.address("private_ip"), "root")


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
    return _read_volume(zone, item, "creation_date", "state", "volume_type", _server)


def read_block_volume(zone: str | None, item: FieldReader) -> Observation:
    """Return a volume of Block Storage."""
    return _read_volume(zone, item, "created_at", "status", "type", _referring_servers)


def _server(item: FieldReader) -> Attached:
    server = item.child("server")
    server_id = server.reference("id")
    if not item.has("server") or (server_id is None and server.has("id")):
        return None
    return [(server_id, None)] if server_id else []


def _referring_servers(item: FieldReader) -> Attached:
    references = item.children("references")
    return None if references is None else [server for server in map(_read_reference, references) if server]


def _read_reference(reference: FieldReader) -> tuple[str, datetime | None] | None:
    server_id, since = reference.reference("product_resource_id"), reference.timestamp("created_at")
    is_server = reference.text("product_resource_type") == "instance_server"
    if server_id is None or not is_server or reference.text("status") == "detached":
        return None
    return server_id, since


def _read_volume(
    zone: str | None,
    item: FieldReader,
    created_field: str,
    status_field: str,
    type_field: str,
    read_attached: Callable[[FieldReader], Attached],
) -> Observation:
    vendor_status = item.text(status_field)
    size = item.number("size", high=1e18)
    return volume_of(
        item,
        Spec(
            disk_gb=None if size is None else size / _GIGABYTE,
            vendor_sku=item.text(type_field),
            vendor=collect_facts(iops=item.child("specs").integer("perf_iops")),
        ),
        status=VOLUME_STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN),
        vendor_status=vendor_status,
        region=zone,
        created_at=item.timestamp(created_field),
        name=item.text("name"),
        links=read_links(item, ResourceKind.MACHINES, read_attached),
    )
