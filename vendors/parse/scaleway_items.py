"""What Scaleway's answers mean: pure functions from its JSON to observations. In words: `vendors/scaleway.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from domain.enums import ContractType, LinkType, OfferType, ResourceKind, ResourceStatus, ResourceType
from domain.records.observation import NO_PRICE, NOT_REPORTED, Access, Attachment, NotReported, Observation, Spec, Terms
from vendors.base import Hardware
from vendors.parse.fields import SSH_PORT, FieldReader, facts, ssh_command
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
"""`scaleway.instance.v1.VolumeState` and `scaleway.block.v1.VolumeStatus`. What is there can be used, whatever is done to it."""
_GPUS: Final = re.compile(r"(?P<model>[A-Z][A-Z0-9]*(?:-SXM)?)-(?P<count>\d{1,2})-(?P<memory>\d{1,4})G")
"""Such as `L4-1-24G`, `H100-SXM-8-80G`."""
_OLDER_GPUS: Final[Mapping[str, tuple[str, int, float]]] = {
    "GPU-3070-S": ("RTX 3070", 1, 8),
    "RENDER-S": ("P100", 1, 16),
}
_GIGABYTE: Final = 1_000_000_000
_GIBIBYTE: Final = 1 << 30


def server(zone: str | None, told: FieldReader) -> Observation:
    """A server of `GET .../servers`."""
    word = told.text("state")
    sku = told.text("commercial_type")
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.VM,
        status=SERVER_STATUS.get(word or "", ResourceStatus.UNKNOWN),
        vendor_status=word,
        region=zone,
        created_at=told.instant("creation_date"),
        name=told.text("name"),
        status_message=told.text("state_detail"),
        access=_access(told),
        spec=_server_spec(told, sku),
        price=NO_PRICE,
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, sku, None, None),
    )


def _access(told: FieldReader) -> Access | None:
    # `public_ip` is the older word, and the first of `public_ips`.
    several = told.children("public_ips") or (told.child("public_ip"),)
    addresses = [(one.text("family"), one.address("address")) for one in several]
    outer = next((address for family, address in addresses if family != "inet6" and address), None)
    outer = outer or next((address for _, address in addresses if address), None)
    inner = told.address("private_ip")
    if outer is None:
        return Access(internal_ip=inner) if inner else None
    return Access(outer, inner, ssh_command("root", outer, SSH_PORT), SSH_PORT)


def _server_spec(told: FieldReader, sku: str | None) -> Spec:
    gpu_type, gpu_family, gpu_count = _gpus(sku)
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpu_count,
        vendor_sku=sku,
        image=told.child("image").text("name"),
        vendor=facts(arch=told.text("arch"), hostname=told.text("hostname"), project=told.text("project")),
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
    # A type of this form whose model nobody knows need not be one with GPUs.
    return (gpu_type, gpu_family, count) if gpu_family else (None, None, None)


def hardware(told: FieldReader) -> Hardware:
    """What a commercial type of `GET .../products/servers` is made of. `ram` and `gpu_memory` are "in bytes"."""
    count, about, memory = told.whole("gpu", 0, 10_000), told.child("gpu_info"), told.number("ram", high=1e18)
    each = about.number("gpu_memory", high=1e18)
    gpu_type, gpu_family = canonical_gpu(about.text("gpu_name") if count else None, each / _GIBIBYTE if each else None)
    return Hardware(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=count,
        vcpu_count=told.whole("ncpus"),
        memory_gb=None if memory is None else memory / _GIBIBYTE,
    )


def local_volume(zone: str | None, told: FieldReader) -> Observation:
    """A volume of the Instance interface."""
    before = told.dropped
    holder = told.child("server")
    server = holder.reference("id")
    known = told.has("server") and told.dropped == before and (server is not None or not holder.has("id"))
    links = tuple(Attachment(LinkType.ATTACHED_TO, ResourceKind.MACHINES, one) for one in (server,) if one)
    return _volume(zone, told, "creation_date", "state", "volume_type", links if known else NOT_REPORTED)


def block_volume(zone: str | None, told: FieldReader) -> Observation:
    """A volume of Block Storage."""
    before = told.dropped
    references = told.children("references")
    links = [link for link in map(_reference, references or ()) if link]
    # A list of which a part could not be read is not the whole list: it must close no link.
    known = references is not None and told.dropped == before
    return _volume(zone, told, "created_at", "status", "type", tuple(links) if known else NOT_REPORTED)


def _reference(told: FieldReader) -> Attachment | None:
    holder, since = told.reference("product_resource_id"), told.instant("created_at")
    if holder is None or told.text("product_resource_type") != "instance_server" or told.text("status") == "detached":
        return None
    return Attachment(LinkType.ATTACHED_TO, ResourceKind.MACHINES, holder, since)


def _volume(
    zone: str | None,
    told: FieldReader,
    created: str,
    state: str,
    sort: str,
    links: tuple[Attachment, ...] | NotReported,
) -> Observation:
    word = told.text(state)
    sku = told.text(sort)
    size = told.number("size", high=1e18)
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.BLOCK_DISK,
        status=VOLUME_STATUS.get(word or "", ResourceStatus.UNKNOWN),
        vendor_status=word,
        region=zone,
        created_at=told.instant(created),
        name=told.text("name"),
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=None if size is None else size / _GIGABYTE,
            vendor_sku=sku,
            vendor=facts(iops=told.child("specs").whole("perf_iops")),
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, sku, None, None),
        links=links,
    )
