"""RunPod: Pods and network volumes, by REST version 2.

Source: RunPod's own OpenAPI document of that version. Limits: 60 calls a minute, 3,000 an hour and 50,000 a day for
each user (its example of `RateLimit-Policy`). Every response reports what is left.

How its data is read
- "Cluster member pods are excluded by default": a parameter includes them.
- A Pod is a container. `cost` is its present cost, "0.0 when EXITED or TERMINATED": it is the price in every status,
  and the running rate while the Pod runs. No field reports how a Pod is rented (on demand, interruptible, under a
  savings plan).
- SSH is `ssh.direct`, a port of the host, else `ssh.proxy`, "an interactive shell only". `runtime` changes
  continuously, and older versions left its ports there after a stop: it is not read. `env` and `args` may contain
  secrets.
- Pods own the links: `mounts.network` names the volume. `mounts.persistent` is a disk of the host and not a volume of
  its own. A network volume has no status: a listed volume is RUNNING. No call reports its price.
- The documented 404 means that the resource does not exist: a problem document (RFC 9457) whose detail is `resource not
  found` or, in the schema's own example, `pod not found`.
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
from vendors.parse.fields import DropCounter, FieldReader, collect_facts, is_address, read_object, ssh_command
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
_NOT_FOUND_DETAILS: Final = frozenset({"resource not found", "pod not found"})
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
    api_url = "https://api.runpod.io/v2"
    links_owner = ResourceKind.MACHINES
    ids_span_accounts = True
    documented_limits = (RateLimit(60, 60), RateLimit(3_000, 3_600), RateLimit(50_000, 86_400))

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return the listing of the kind, which has no pages."""
        if kind is ResourceKind.MACHINES:
            return (
                SingleCallListing("listPods", _PATHS[kind], "pods", _read_machine, (("includeClusterPods", "true"),)),
            )
        return (SingleCallListing("listNetworkVolumes", _PATHS[kind], "networkVolumes", _read_volume),)

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """Request one resource by its id."""
        return VendorRequest(_PROBES[kind], f"{_PATHS[kind]}/{quote(vendor_id, safe='')}")

    def read_probe(
        self, kind: ResourceKind, region: str | None, vendor_id: str, response: VendorResponse
    ) -> Observation:
        """Return the resource; its fields are the same as in the list."""
        read_item = _read_machine if kind is ResourceKind.MACHINES else _read_volume
        return read_item(read_object(response.payload, DropCounter()))

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """Recognize the documented 404; other responses are interpreted by their status."""
        # A problem document of RFC 9457 repeats the status of its response.
        is_problem_404 = status == error_object(body).get("status") == HTTPStatus.NOT_FOUND
        is_probe = request.operation in _PROBES.values()
        if is_problem_404 and is_probe and error_code(body, "detail") in _NOT_FOUND_DETAILS:
            return NotFoundByVendor(f"{request.operation}: answered 404.")
        return None


def _read_machine(item: FieldReader) -> Observation:
    vendor_status = item.text("status")
    status = STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN)
    gpu, cpu = item.child("gpu"), item.child("cpu")
    sku = gpu.text("id") or cpu.text("id")
    cost = item.price("cost")
    rate = cost if status is ResourceStatus.RUNNING else None
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=item.identifier("id"),
        resource_type=ResourceType.CONTAINER,
        status=status,
        vendor_status=vendor_status,
        region=item.text("dataCenterId"),
        created_at=item.timestamp("createdAt"),
        name=item.text("name"),
        status_message=None,
        access=_access(item),
        spec=_spec(item, gpu, cpu, sku),
        price=NO_PRICE if cost is None else Price(cost, "USD", PriceSource.VENDOR),
        terms=Terms(OfferType.CONTAINER, ContractType.UNKNOWN, sku, rate, None if rate is None else "USD"),
        links=_links(item),
    )


def _access(item: FieldReader) -> Access | None:
    ssh = item.child("ssh")
    direct, proxy = ssh.child("direct"), ssh.child("proxy")
    internal_ip = item.child("globalNetworking").address("ip") or item.child("cluster").address("ip")
    direct_host = direct.host("host")
    route = direct if direct_host is not None else proxy
    host, port = route.host("host"), route.port("port")
    access = Access(
        external_ip=direct_host if direct_host is not None and is_address(direct_host) else None,
        internal_ip=internal_ip,
        ssh_command=ssh_command(route.text("username"), host, port),
        ssh_port=None if host is None else port,
    )
    return None if access == Access() else access


def _spec(item: FieldReader, gpu: FieldReader, cpu: FieldReader, sku: str | None) -> Spec:
    gpu_type, gpu_family = canonical_gpu(gpu.text("id"))
    # A Pod has either GPUs or CPUs; a Pod without GPUs reports its CPUs.
    count_without_gpu = 0 if item.has("cpu") and not item.has("gpu") else None
    cluster = item.child("cluster")
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpu.integer("count", 1, 10_000) if item.has("gpu") else count_without_gpu,
        vcpu_count=cpu.integer("vcpuCount"),
        memory_gb=cpu.number("memory"),
        disk_gb=item.number("disk"),
        vendor_sku=sku,
        image=item.text("image"),
        vendor=collect_facts(
            cloud=item.text("cloud"),
            cluster_id=cluster.text("id"),
            cluster_rank=cluster.integer("rank"),
            cuda_version=item.text("cudaVersion"),
            locked=item.flag("locked"),
            persistent_disk_gb=item.child("mounts").child("persistent").number("size"),
            started_at=optional_text(item.timestamp("startedAt")),
            template=item.text("template"),
        ),
    )


def _links(item: FieldReader) -> tuple[Attachment, ...] | NotReported:
    if not item.has_value("mounts"):
        return NOT_REPORTED
    dropped_before = item.dropped
    ids = [mount.reference("volumeId") for mount in item.child("mounts").children("network") or ()]
    complete = item.dropped == dropped_before
    return attachment_links(LinkType.ATTACHED_STORAGE, ResourceKind.VOLUMES, ids, complete=complete)


def _read_volume(item: FieldReader) -> Observation:
    tier = item.text("type")
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=item.identifier("id"),
        resource_type=ResourceType.FILESYSTEM,
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=item.text("dataCenter"),
        created_at=None,
        name=item.text("name"),
        status_message=None,
        access=None,
        spec=Spec(disk_gb=item.number("size"), vendor_sku=tier),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, tier, None, None),
    )
