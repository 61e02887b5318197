"""RunPod: Pods and network volumes, by REST version 2.

Source: RunPod's own OpenAPI document of that version. Limits: each user's 60 calls a minute, 3,000 an hour and 50,000 a day (its
example of `RateLimit-Policy`); every answer tells what is left.

What our words mean here
- "Cluster member pods are excluded by default": they are asked for too.
- A Pod is a container. `cost` is what it costs now, "0.0 when EXITED or TERMINATED": so it is told in every status, and is the
  running rate while it runs. How a Pod is rented (on demand, interruptible, under a savings plan) no field tells.
- SSH is `ssh.direct`, a port of the host, else `ssh.proxy`, "an interactive shell only". `runtime` moves by itself, and older
  versions left its ports there after a stop: it is not taken. `env` and `args` may hold secrets.
- Pods own the links: `mounts.network` names the volume. `mounts.persistent` is a disk of the host, and no volume of its own.
  A network volume has no status: what is listed is there. No call tells what one costs.
- Its words for "no such thing" are the documented 404: a problem (RFC 9457) whose detail is `resource not found`, or, in the
  schema's own example, `pod not found`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from domain.enums import ContractType, LinkType, OfferType, PriceSource, ResourceKind, ResourceStatus, ResourceType
from domain.errors import NotFoundByVendor, VendorFailure
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
from vendors.api_key import ApiKeyVendor, SingleCallListing
from vendors.base import Listing, RateLimit, VendorRequest, VendorResponse
from vendors.client.error_bodies import error_code, error_object
from vendors.parse.fields import DropCounter, FieldReader, facts, from_object, is_address, ssh_command
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.links import attachment_links

STATUS: Final[Mapping[str, ResourceStatus]] = {
    "PROVISIONING": ResourceStatus.PROVISIONING,
    "STARTING": ResourceStatus.PROVISIONING,
    "RUNNING": ResourceStatus.RUNNING,
    "EXITED": ResourceStatus.STOPPED,
    "ERROR": ResourceStatus.ERROR,
    "TERMINATED": ResourceStatus.DELETED,
}
_NO_SUCH: Final = frozenset({"resource not found", "pod not found"})
_PATHS: Final[Mapping[ResourceKind, str]] = {
    ResourceKind.MACHINES: "/pods",
    ResourceKind.VOLUMES: "/network-volumes",
}
_PROBES: Final[Mapping[ResourceKind, str]] = {
    ResourceKind.MACHINES: "getPod",
    ResourceKind.VOLUMES: "getNetworkVolume",
}


class RunPod(ApiKeyVendor):
    """One API key at RunPod."""

    name = "runpod"
    address = "https://api.runpod.io/v2"
    links_owner = ResourceKind.MACHINES
    ids_span_accounts = True
    documented_limits = (RateLimit(60, 60), RateLimit(3_000, 3_600), RateLimit(50_000, 86_400))

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """One call a kind; there are no pages."""
        if kind is ResourceKind.MACHINES:
            return (SingleCallListing("listPods", _PATHS[kind], "pods", _machine, (("includeClusterPods", "true"),)),)
        return (SingleCallListing("listNetworkVolumes", _PATHS[kind], "networkVolumes", _volume),)

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """By id."""
        return VendorRequest(_PROBES[kind], f"{_PATHS[kind]}/{quote(vendor_id, safe='')}")

    def read_probe(self, kind: ResourceKind, region: str | None, vendor_id: str, answer: VendorResponse) -> Observation:
        """The same fields as in the list."""
        read = _machine if kind is ResourceKind.MACHINES else _volume
        return read(from_object(answer.payload, DropCounter()))

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """Only its own words for "no such thing"; its statuses tell the rest."""
        # A problem of RFC 9457 has the status of its answer.
        missing = status == error_object(body).get("status") == HTTPStatus.NOT_FOUND
        if missing and request.operation in _PROBES.values() and error_code(body, "detail") in _NO_SUCH:
            return NotFoundByVendor(f"{request.operation}: answered 404.")
        return None


def _machine(told: FieldReader) -> Observation:
    word = told.text("status")
    status = STATUS.get(word or "", ResourceStatus.UNKNOWN)
    gpu, cpu = told.child("gpu"), told.child("cpu")
    sku = gpu.text("id") or cpu.text("id")
    cost = told.price("cost")
    rate = cost if status is ResourceStatus.RUNNING else None
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.CONTAINER,
        status=status,
        vendor_status=word,
        region=told.text("dataCenterId"),
        created_at=told.instant("createdAt"),
        name=told.text("name"),
        status_message=None,
        access=_access(told),
        spec=_spec(told, gpu, cpu, sku),
        price=NO_PRICE if cost is None else Price(cost, "USD", PriceSource.VENDOR),
        terms=Terms(OfferType.CONTAINER, ContractType.UNKNOWN, sku, rate, None if rate is None else "USD"),
        links=_links(told),
    )


def _access(told: FieldReader) -> Access | None:
    ssh = told.child("ssh")
    direct, proxy = ssh.child("direct"), ssh.child("proxy")
    inner = told.child("globalNetworking").address("ip") or told.child("cluster").address("ip")
    external = direct.host("host")
    way = direct if external is not None else proxy
    host, port = way.host("host"), way.port("port")
    access = Access(
        external_ip=external if external is not None and is_address(external) else None,
        internal_ip=inner,
        ssh_command=ssh_command(way.text("username"), host, port),
        ssh_port=None if host is None else port,
    )
    return None if access == Access() else access


def _spec(told: FieldReader, gpu: FieldReader, cpu: FieldReader, sku: str | None) -> Spec:
    gpu_type, gpu_family = canonical_gpu(gpu.text("id"))
    # A Pod has either; the one without GPUs tells its processors.
    without = 0 if told.has("cpu") and not told.has("gpu") else None
    cluster = told.child("cluster")
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpu.whole("count", 1, 10_000) if told.has("gpu") else without,
        vcpu_count=cpu.whole("vcpuCount"),
        memory_gb=cpu.number("memory"),
        disk_gb=told.number("disk"),
        vendor_sku=sku,
        image=told.text("image"),
        vendor=facts(
            cloud=told.text("cloud"),
            cluster_id=cluster.text("id"),
            cluster_rank=cluster.whole("rank"),
            cuda_version=told.text("cudaVersion"),
            locked=told.flag("locked"),
            persistent_disk_gb=told.child("mounts").child("persistent").number("size"),
            started_at=optional_text(told.instant("startedAt")),
            template=told.text("template"),
        ),
    )


def _links(told: FieldReader) -> tuple[Attachment, ...] | NotReported:
    if not told.tells("mounts"):
        return NOT_REPORTED
    before = told.dropped
    ids = [mount.reference("volumeId") for mount in told.child("mounts").children("network") or ()]
    return attachment_links(LinkType.ATTACHED_STORAGE, ResourceKind.VOLUMES, ids, whole=told.dropped == before)


def _volume(told: FieldReader) -> Observation:
    tier = told.text("type")
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.FILESYSTEM,
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=told.text("dataCenter"),
        created_at=None,
        name=told.text("name"),
        status_message=None,
        access=None,
        spec=Spec(disk_gb=told.number("size"), vendor_sku=tier),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, tier, None, None),
    )
