"""Vast.ai: instances and volumes.

Source: Vast's OpenAPI document (`vast-ai/docs`, api-reference/openapi.yaml), its command line's page on statuses
(cli/reference/show-instances-v1) and its page on limits (api-reference/rate-limits-and-errors). Limits: a minimum
interval between two calls of an endpoint. The examples of the specification show 1 s for the list of instances, 2 s for
one, 5.5 s for volumes.

How its data is read
- The status is `actual_status`, read together with `cur_state` and `intended_status`: an instance that is `unloaded` is
  being destroyed, one that starts or runs and is intended to be stopped is stopping, and one that exited is stopped if
  that was intended or if its bid was outbid (`is_bid`, and scheduled as `stopped`), else in error. Null is "being
  provisioned". `frozen` is RUNNING: "GPU charges apply". `unknown` and `offline` mean that Vast does not know.
- The price is `dph_total` while RUNNING, and `storage_total_cost` while STOPPED, when "disk charges continue; no GPU
  charges": `dph_total` is the sum of `dph_base` and that cost. In other states it is not documented, and null. An
  instance with a `credit_discount` was paid in advance: RESERVED, and its actual cost is not reported. `is_bid` is
  SPOT, whose rate floats.
- The rental lasts from `start_date` to `end_date`. The first is its creation, from which Vast's own tool computes its
  age.
- Volumes own the links. Neither the statuses of a volume nor the unit of its cost are documented: any status is
  UNKNOWN, and there is no price. A volume has no call of its own: it is never probed.
- SSH is direct if port 22 is mapped, else through Vast's own host, where Jupyter mode shifts the port by one (`ssh-url`
  of Vast's command line); the user is root. `geolocation` is the region, free text.
- `cpu_ram` is the host's memory, of which an instance may have a part: it becomes a vendor fact, and `memory_gb` is not
  reported.
- `jupyter_token`, `extra_env`, `onstart` and `image_args` may contain secrets. Load, costs so far, scores and the
  remaining rental time change continuously. None of these is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.enums import ContractType, ResourceKind, ResourceStatus, ResourceType
from domain.records.observation import Access, Observation, Spec
from vendors.api_key import ApiKeyVendor, JsonListing, ListingPaging, Probe, Query
from vendors.base import Listing, RateLimit, VendorResponse
from vendors.parse.fields import FieldReader, collect_facts, ssh_command
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.items import Attached, access_to, machine_of, read_links, us_dollars, volume_of

STATUS: Final[Mapping[str, ResourceStatus]] = {
    "created": ResourceStatus.PROVISIONING,
    "loading": ResourceStatus.PROVISIONING,
    "rebooting": ResourceStatus.PROVISIONING,
    "running": ResourceStatus.RUNNING,
    "frozen": ResourceStatus.RUNNING,
    "stopped": ResourceStatus.STOPPED,
    "exited": ResourceStatus.ERROR,
    "unknown": ResourceStatus.UNKNOWN,
    "offline": ResourceStatus.UNKNOWN,
}
"""For `actual_status` alone (show-instances-v1). `created` was observed, but is not documented."""
_STATUS_IF_STOP_INTENDED: Final[Mapping[str, ResourceStatus]] = {
    "created": ResourceStatus.STOPPING,
    "loading": ResourceStatus.STOPPING,
    "running": ResourceStatus.STOPPING,
    "exited": ResourceStatus.STOPPED,
}
_UNLOADED: Final = "unloaded"
"""A value of `cur_state`: "released on destroy" (show-instances-v1)."""
_LIST: Final = "showInstances"
_PROBE: Final = "showInstance"
_VOLUMES: Final = "listVolumes"
_PAGE_SIZE: Final = 25
_BY_ID: Final = '[{"col":"id","dir":"asc"}]'
_SSH: Final = "22/tcp"
_JUPYTER: Final = "jupyter"
_USER: Final = "root"
_MEBIBYTES: Final = 1024


class Vast(ApiKeyVendor):
    """One API key at Vast.ai."""

    name = "vast"
    api_url = "https://console.vast.ai/api"
    links_owner = ResourceKind.VOLUMES
    # One sequence numbers the contracts of all accounts; the id of an instance is that of its contract.
    ids_span_accounts = True
    error_path = ("error",)
    # Documented for the 404 of calls about one instance (changeBid, cancelSync, detachSsh).
    not_found_codes = MappingProxyType({_PROBE: frozenset({"no_such_instance"})})
    # "A minimum interval between requests for a given endpoint and identity" (rate-limits-and-errors). Its length is
    # documented only by the example of each operation's 429: "API requests too frequent endpoint threshold=".
    documented_limits = (RateLimit(1, 1, _LIST), RateLimit(1, 2, _PROBE), RateLimit(1, 5.5, _VOLUMES))
    # Pages of 25, one after the other at half the documented pace: 300 instances take half a minute, 1,500 two minutes.
    default_cooldown_seconds = 120
    default_deadline_seconds = 2
    default_flight_seconds = 120

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return the paged listing of instances, or the listing of volumes, which is one call."""
        if kind is ResourceKind.MACHINES:
            return (
                JsonListing(
                    _LIST, "/v1/instances", "instances", _read_machine, paging=ListingPaging(_page_query, _follow)
                ),
            )
        return (JsonListing(_VOLUMES, "/v0/volumes", "volumes", _read_volume),)

    def probe(self, kind: ResourceKind, region: str | None) -> Probe | None:
        """Return the call for one instance. For a destroyed one, null was observed there. Volumes have no such call."""
        return Probe(_PROBE, "/v0/instances", "instances", _read_machine) if kind is ResourceKind.MACHINES else None


def _page_query(cursor: str | None) -> Query:
    # Pages continue after an id, so a new or destroyed instance moves no other one.
    after = (("after_token", cursor),) if cursor else ()
    return (("limit", str(_PAGE_SIZE)), ("order_by", _BY_ID), *after)


def _follow(body: FieldReader, response: VendorResponse, _count: int) -> tuple[str | None, int | None]:
    # Only a listing of one page has a total: an instance that is destroyed while pages are read is rightly missing.
    cursor, total = body.cursor("next_token"), body.integer("total_instances")
    return cursor, total if cursor is response.cursor is None else None


def _read_machine(item: FieldReader) -> Observation:
    vendor_status, status = _read_status(item)
    contract = _contract(item)
    rate, storage = item.price("dph_total"), item.price("storage_total_cost")
    running_rate = None if contract is ContractType.RESERVED else rate
    amount = {ResourceStatus.RUNNING: running_rate, ResourceStatus.STOPPED: storage}.get(status)
    start, end = item.timestamp("start_date"), item.timestamp("end_date")
    return machine_of(
        item,
        _spec(item),
        resource_type=ResourceType.CONTAINER,
        status=status,
        vendor_status=vendor_status,
        region=item.text("geolocation"),
        created_at=start,
        name=item.text("label"),
        status_message=item.text("status_msg"),
        access=_access(item),
        price=us_dollars(amount),
        contract=contract,
        rate=running_rate,
        valid_from=start,
        valid_to=end,
    )


def _read_status(item: FieldReader) -> tuple[str | None, ResourceStatus]:
    dropped_before = item.dropped
    vendor_status = item.text("actual_status")
    if item.text("cur_state") == _UNLOADED:
        return vendor_status, ResourceStatus.DELETING
    if vendor_status is None:
        is_null = item.has("actual_status") and item.dropped == dropped_before
        return None, ResourceStatus.PROVISIONING if is_null else ResourceStatus.UNKNOWN
    scheduled = item.text("cur_state")
    if item.text("intended_status") == "stopped" and vendor_status in _STATUS_IF_STOP_INTENDED:
        has_stopped = scheduled == "stopped" and vendor_status != "running"
        return vendor_status, ResourceStatus.STOPPED if has_stopped else _STATUS_IF_STOP_INTENDED[vendor_status]
    if vendor_status == "exited" and scheduled == "stopped" and item.flag("is_bid"):
        return vendor_status, ResourceStatus.STOPPED
    return vendor_status, STATUS.get(vendor_status, ResourceStatus.UNKNOWN)


def _contract(item: FieldReader) -> ContractType:
    is_bid = item.flag("is_bid")
    if is_bid is None:
        return ContractType.UNKNOWN
    if is_bid:
        return ContractType.SPOT
    return ContractType.RESERVED if item.number("credit_discount", 0, 1) else ContractType.ONDEMAND


def _access(item: FieldReader) -> Access | None:
    external_ip, internal_ip = item.address("public_ipaddr"), _first_address(item)
    mapping = (item.child("ports").children(_SSH) or (None,))[0]
    direct_port = _port(mapping.text("HostPort")) if mapping and external_ip else None
    host, port = (external_ip, direct_port) if direct_port else (item.host("ssh_host"), _proxy_port(item))
    if host is not None and port is not None:
        return Access(external_ip, internal_ip, ssh_command(_USER, host, port), port)
    return access_to(external_ip, internal_ip)


def _proxy_port(item: FieldReader) -> int | None:
    """Return the port of Vast's SSH host. In Jupyter mode `ssh_port` is Jupyter's, and the next one is that of SSH."""
    port = item.port("ssh_port")
    return port + 1 if port is not None and _JUPYTER in (item.text("image_runtype") or "") else port


def _port(text: str | None) -> int | None:
    """Return a mapped port, which is reported as text."""
    return FieldReader({"port": text}, textual=True).port("port")


def _first_address(item: FieldReader) -> str | None:
    """Return the first address of `local_ipaddrs`, which are separated and followed by spaces."""
    first, *_ = [*(item.text("local_ipaddrs") or "").split(), None]
    return FieldReader({"first": first}).address("first")


def _spec(item: FieldReader) -> Spec:
    gpus, memory = item.integer("num_gpus", 0, 10_000), item.number("gpu_ram")
    gpu_type, gpu_family = canonical_gpu(item.text("gpu_name"), memory / _MEBIBYTES if memory else None)
    return Spec(
        gpu_type=gpu_type if gpus != 0 else None,
        gpu_family=gpu_family if gpus != 0 else None,
        gpu_count=gpus,
        vcpu_count=item.number("cpu_cores_effective"),
        disk_gb=item.number("disk_space"),
        image=item.text("image_uuid"),
        vendor=collect_facts(
            intended_status=item.text("intended_status"),
            cur_state=item.text("cur_state"),
            template_name=item.text("template_name"),
            machine_id=item.reference("machine_id"),
            host_id=item.reference("host_id"),
            verification=item.text("verification"),
            static_ip=item.flag("static_ip"),
            gpu_fraction=item.number("gpu_frac", 0, 1),
            gpu_memory_mb=memory,
            cpu_name=item.text("cpu_name"),
            cpu_arch=item.text("cpu_arch"),
            host_memory_mb=item.number("cpu_ram"),
            disk_name=item.text("disk_name"),
        ),
    )


def _read_volume(item: FieldReader) -> Observation:
    vendor_status = item.text("status")
    return volume_of(
        item,
        Spec(
            disk_gb=item.number("disk_space"),
            vendor=collect_facts(
                machine_id=item.reference("machine_id"),
                host_id=item.reference("host_id"),
                cluster_id=item.reference("cluster_id"),
                verification=item.text("verification"),
                disk_name=item.text("disk_name"),
            ),
        ),
        resource_type=ResourceType.FILESYSTEM,
        # If no status is reported, a listed volume can be mounted.
        status=ResourceStatus.UNKNOWN if item.has("status") and vendor_status else ResourceStatus.RUNNING,
        vendor_status=vendor_status,
        region=item.text("geolocation"),
        created_at=item.timestamp("start_date"),
        name=item.text("label"),
        links=read_links(item, ResourceKind.MACHINES, _instances),
    )


def _instances(item: FieldReader) -> Attached:
    instances = item.children("instances")
    return None if instances is None else [(instance.reference("id"), None) for instance in instances]
