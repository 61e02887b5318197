"""Shadeform, an aggregator: instances and volumes at many clouds.

Source: Shadeform's own OpenAPI document 1.0.0, which describes successful responses only. It documents no limits.

How its data is read
- The list contains "all non deleted instances", including those being deleted. It does not report whether an instance
  is a virtual machine, a container or bare metal (`deployment_type` belongs to the offer): VM.
- Every instance has a price in cents, which is the cost of an `active` one. When billing begins or ends in other
  statuses is not documented, so their price is null. The running rate is always reported. `cost_estimate` changes
  continuously and is not read.
- A volume costs its size times the price per GB of its cloud, region and kind (`GET /volumes/types`). A volume that
  scales automatically changes its size, and so its price, without any action of the user: neither is read.
- Volumes own the links: `mounted_by` names the one instance. The list of instances does not report their volumes.
- `shade_cloud` false means that the instance runs in the team's own account at that cloud, whose own adapter may report
  the same machine under `cloud_assigned_id`.
- No error is documented, so it is unknown how the API says that a resource does not exist: nothing is probed.
- The Go server writes `null` for a list without items, so `null` is read as an empty list. A missing list is malformed.
- `launch_configuration` may contain tokens, and `ip` "may also be the DNS".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from domain.enums import ResourceKind, ResourceStatus, ResourceType
from domain.records.observation import NOT_REPORTED, Access, NotReported, Observation, Spec, UpstreamResource
from domain.timestamps import optional_text
from vendors.api_key import ApiKeyVendor, JsonListing
from vendors.base import Listing, PriceList, Quote, QuotePage, VendorRequest, VendorResponse
from vendors.parse.fields import MAX_PRICE, FieldReader, collect_facts, is_address, read_object, ssh_command
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.items import Attached, machine_of, read_links, us_dollars, volume_of

STATUS: Final[Mapping[str, ResourceStatus]] = {
    "creating": ResourceStatus.PENDING,
    "pending_provider": ResourceStatus.PROVISIONING,
    "pending": ResourceStatus.PROVISIONING,
    "active": ResourceStatus.RUNNING,
    "error": ResourceStatus.ERROR,
    "deleting": ResourceStatus.DELETING,
    "deleted": ResourceStatus.DELETED,
}
_VENDOR_NAMES: Final[Mapping[str, str]] = {"lambdalabs": "lambda", "vastai": "vast"}
"""Clouds with another name in this project."""


class Shadeform(ApiKeyVendor):
    """One API key at Shadeform."""

    name = "shadeform"
    api_url = "https://api.shadeform.ai/v1"
    links_owner = ResourceKind.VOLUMES
    key_header = "X-API-KEY"
    key_scheme = ""
    ids_span_accounts = True

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return the listing of the kind, which has no pages."""
        if kind is ResourceKind.MACHINES:
            return (JsonListing("Instances", "/instances", "instances", _read_machine, null_is_empty=True),)
        return (JsonListing("Volumes", "/volumes", "volumes", _read_volume, null_is_empty=True),)

    def price_list(self, kind: ResourceKind, region: str | None) -> PriceList | None:
        """Return the price list of volumes; instances report their price."""
        return ShadeformVolumePriceList() if kind is ResourceKind.VOLUMES else None


@dataclass(frozen=True, slots=True)
class ShadeformVolumePriceList:
    """The price of a GB per hour, by cloud, region and kind of volume."""

    has_hardware: ClassVar[bool] = False

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the one request."""
        return VendorRequest("VolumesTypes", "/volumes/types")

    def read(self, response: VendorResponse) -> QuotePage:
        """Return the quotes, whose prices are texts. A kind without a valid price, or with two prices, has no quote."""
        body = read_object(response.payload)
        quotes: dict[str, Quote] = {}
        ambiguous: set[str] = set()
        for item in body.items("volume_types"):
            hourly = item.number_from_text("price_per_gb_per_hour", 0, MAX_PRICE)
            key = _read_volume_sku(item)
            if hourly is None:
                continue
            if quotes.setdefault(key, Quote(hourly, "USD")).hourly != hourly:
                ambiguous.add(key)
        return QuotePage({key: quote for key, quote in quotes.items() if key not in ambiguous}, None, body.dropped)

    def quote(self, observation: Observation, quotes: Mapping[str, Quote]) -> Quote | None:
        """Return the volume's size times the price per GB."""
        if (
            not isinstance(observation.spec, Spec)
            or observation.spec.vendor_sku is None
            or observation.spec.disk_gb is None
        ):
            return None
        per_gb = quotes.get(observation.spec.vendor_sku)
        return None if per_gb is None else Quote(round(per_gb.hourly * observation.spec.disk_gb, 9), per_gb.currency)

    def is_charged(self, observation: Observation) -> bool:
        """Return true: a volume is charged as long as it exists."""
        return True


def _read_machine(item: FieldReader) -> Observation:
    vendor_status = item.text("status")
    status = STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN)
    sku = item.text("shade_instance_type")
    cents = item.number("hourly_price", 0, 100_000_000)
    rate = None if cents is None else cents / 100
    machine = machine_of(
        item,
        _spec(item, sku),
        status=status,
        vendor_status=vendor_status,
        region=item.text("region"),
        created_at=item.timestamp("created_at"),
        name=item.text("name"),
        status_message=item.text("status_details"),
        access=_access(item),
        price=us_dollars(rate if status is ResourceStatus.RUNNING else None),
        rate=rate,
    )
    return replace(machine, upstream=_read_upstream(item))


def _read_upstream(item: FieldReader) -> UpstreamResource | NotReported | None:
    is_shadeforms_account = item.flag("shade_cloud")
    if is_shadeforms_account is None:
        return NOT_REPORTED
    cloud, assigned_id = item.text("cloud"), item.reference("cloud_assigned_id")
    if is_shadeforms_account or cloud is None or assigned_id is None:
        return None
    return UpstreamResource(_VENDOR_NAMES.get(cloud, cloud), assigned_id)


def _access(item: FieldReader) -> Access | None:
    host, port = item.host("ip"), item.port("ssh_port")
    if host is None:
        return None
    command = ssh_command(item.text("ssh_user"), host, port)
    return Access(external_ip=host if is_address(host) else None, ssh_command=command, ssh_port=port)


def _spec(item: FieldReader, sku: str | None) -> Spec:
    configuration = item.child("configuration")
    gpus = configuration.integer("num_gpus", 0, 10_000)
    gpu_type, gpu_family = (None, None) if gpus == 0 else _gpu(configuration)
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpus,
        vcpu_count=configuration.integer("vcpus"),
        memory_gb=configuration.number("memory_in_gb"),
        disk_gb=configuration.number("storage_in_gb"),
        vendor_sku=sku,
        image=configuration.text("os"),
        vendor=collect_facts(
            active_at=optional_text(item.timestamp("active_at")),
            cloud=item.text("cloud"),
            cloud_assigned_id=item.text("cloud_assigned_id"),
            cloud_instance_type=item.text("cloud_instance_type"),
            gpu_memory_gb=configuration.number("vram_per_gpu_in_gb"),
            interconnect=configuration.text("interconnect"),
            nvlink=configuration.flag("nvlink"),
            shade_cloud=item.flag("shade_cloud"),
        ),
    )


def _gpu(configuration: FieldReader) -> tuple[str | None, str | None]:
    """Return type and family of the GPU. Its name has neither form nor memory; other fields report those."""
    name, form = configuration.text("gpu_type"), configuration.text("interconnect")
    memory_gb = configuration.number("vram_per_gpu_in_gb", 1, 10_000)
    gpu_type, family = canonical_gpu(f"{name} {form}", memory_gb) if name and form else (None, None)
    return (gpu_type, family) if family is not None else canonical_gpu(name, memory_gb)


def _read_volume_sku(item: FieldReader) -> str:
    """Return a name for the kind of volume, because kinds have no name of their own."""
    size = "fixed" if item.flag("fixed_size") else "elastic"
    mounts = "multi-mount" if item.flag("supports_multi_mount") else "single-mount"
    return f"{item.text('cloud')}/{item.text('region')}/{size}/{mounts}"


def _read_volume(item: FieldReader) -> Observation:
    is_shared = item.flag("supports_multi_mount")
    return volume_of(
        item,
        Spec(
            disk_gb=item.number("size_in_gb") if item.flag("fixed_size") else None,
            vendor_sku=_read_volume_sku(item),
            vendor=collect_facts(
                cloud=item.text("cloud"),
                cloud_assigned_id=item.text("cloud_assigned_id"),
                fixed_size=item.flag("fixed_size"),
                supports_multi_mount=is_shared,
            ),
        ),
        resource_type=ResourceType.FILESYSTEM if is_shared else ResourceType.BLOCK_DISK,
        region=item.text("region"),
        name=item.text("name"),
        links=read_links(item, ResourceKind.MACHINES, _mounted_by),
    )


def _mounted_by(item: FieldReader) -> Attached:
    machine_id = item.reference("mounted_by")
    if not item.has("mounted_by"):
        return None
    return [(machine_id, None)] if machine_id else []
