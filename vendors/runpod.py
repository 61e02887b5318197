"""RunPod: Pods and network volumes, by REST version 2.

Source: RunPod's own OpenAPI document of that version. Limits: 60 calls a minute, 3,000 an hour and 50,000 a day for
each user (its example of `RateLimit-Policy`). Every response reports what is left.

How its data is read
- "Cluster member pods are excluded by default": a parameter includes them.
- A Pod is a container. `cost` is its present cost, "0.0 when EXITED or TERMINATED": it is the price in every status,
  and the running rate while the Pod runs. A stopped Pod with a persistent disk is charged for it (RunPod's pricing
  page: "volume disk", twice the rate of a running Pod), which `cost` leaves out: its price is null and not 0. No field
  reports how a Pod is rented (on demand, interruptible, under a savings plan).
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

from domain.enums import ContractType, ResourceKind, ResourceStatus, ResourceType
from domain.errors import NotFoundByVendor, VendorFailure
from domain.records.observation import Access, Observation, Spec
from domain.timestamps import optional_text
from vendors.api_key import ApiKeyVendor, JsonListing, Probe
from vendors.base import Listing, RateLimit, VendorRequest
from vendors.client.failures import error_code, error_object
from vendors.parse.fields import FieldReader, collect_facts, is_address, ssh_command
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.items import Attached, machine_of, read_links, us_dollars, volume_of

STATUS: Final[Mapping[str, ResourceStatus]] = {
    "PROVISIONING": ResourceStatus.PROVISIONING,
    "STARTING": ResourceStatus.PROVISIONING,
    "RUNNING": ResourceStatus.RUNNING,
    "EXITED": ResourceStatus.STOPPED,
    "ERROR": ResourceStatus.ERROR,
    "TERMINATED": ResourceStatus.DELETED,
}
_NOT_FOUND_DETAILS: Final = frozenset({"resource not found", "pod not found"})
_PROBES: Final = frozenset({"getPod", "getNetworkVolume"})


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
            return (JsonListing("listPods", "/pods", "pods", _read_machine, (("includeClusterPods", "true"),)),)
        return (JsonListing("listNetworkVolumes", "/network-volumes", "networkVolumes", _read_volume),)

    def probe(self, kind: ResourceKind, region: str | None) -> Probe:
        """Return the call for one resource of the kind; its fields are the same as in the list."""
        if kind is ResourceKind.MACHINES:
            return Probe("getPod", "/pods", None, _read_machine)
        return Probe("getNetworkVolume", "/network-volumes", None, _read_volume)

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """Recognize the documented 404; other responses are interpreted by their status."""
        # A problem document of RFC 9457 repeats the status of its response.
        is_problem_404 = status == error_object(body).get("status") == HTTPStatus.NOT_FOUND
        is_probe = request.operation in _PROBES
        if is_problem_404 and is_probe and error_code(body, "detail") in _NOT_FOUND_DETAILS:
            return NotFoundByVendor(f"{request.operation}: answered 404.")
        return None


def _read_machine(item: FieldReader) -> Observation:
    vendor_status = item.text("status")
    status = STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN)
    gpu, cpu = item.child("gpu"), item.child("cpu")
    sku = gpu.text("id") or cpu.text("id")
    cost = item.price("cost")
    if status is not ResourceStatus.RUNNING and not cost and item.child("mounts").child("persistent").number("size"):
        cost = None
    return machine_of(
        item,
        _spec(item, gpu, cpu, sku),
        resource_type=ResourceType.CONTAINER,
        status=status,
        vendor_status=vendor_status,
        region=item.text("dataCenterId"),
        created_at=item.timestamp("createdAt"),
        name=item.text("name"),
        access=_access(item),
        price=us_dollars(cost),
        contract=ContractType.UNKNOWN,
        rate=cost if status is ResourceStatus.RUNNING else None,
        links=read_links(item, ResourceKind.VOLUMES, _network_volumes),
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
        gpu_count=gpu.integer("count", 0, 10_000) if item.has("gpu") else count_without_gpu,
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


def _network_volumes(item: FieldReader) -> Attached:
    if not item.has_value("mounts"):
        return None
    return [(mount.reference("volumeId"), None) for mount in item.child("mounts").children("network") or ()]


def _read_volume(item: FieldReader) -> Observation:
    return volume_of(
        item,
        Spec(disk_gb=item.number("size"), vendor_sku=item.text("type")),
        resource_type=ResourceType.FILESYSTEM,
        region=item.text("dataCenter"),
        name=item.text("name"),
    )
