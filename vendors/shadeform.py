"""Shadeform, an aggregator: instances and volumes at many clouds.

Source: Shadeform's own OpenAPI document 1.0.0, which describes successes alone. It documents no limits.

What our words mean here
- The list tells "all non deleted instances", those being deleted among them. It does not tell whether one is a virtual machine,
  a container or bare metal (`deployment_type` is of the offer alone): VM.
- A price is told for every instance, in cents; it is what an `active` one costs. When billing of the others begins or ends is
  not documented, so those read null. The running rate is told throughout. `cost_estimate` moves by itself.
- A volume's price is its size by the price a GB of its cloud, region and kind (`GET /volumes/types`). One that scales by itself
  changes its size, and so its price, while nothing is done to it: neither is taken.
- Volumes own the links: `mounted_by` names the one instance; the list of instances does not tell its volumes.
- `shade_cloud` false says that it runs in the team's own account at that cloud, where the cloud's own adapter may tell of the
  same machine by `cloud_assigned_id`.
- No error is documented, so no words for "no such thing" are known: nothing is probed.
- `launch_configuration` may hold tokens, and `ip` "may also be the DNS".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

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
    UpstreamResource,
)
from domain.timestamps import optional_text
from vendors.api_key import ApiKeyVendor, SingleCallListing
from vendors.base import Listing, PriceList, Quote, QuotePage, VendorRequest, VendorResponse
from vendors.parse.fields import HIGHEST_PRICE, DropCounter, FieldReader, facts, from_object, is_address, ssh_command
from vendors.parse.gpu_names import canonical_gpu

STATUS: Final[Mapping[str, ResourceStatus]] = {
    "creating": ResourceStatus.PENDING,
    "pending_provider": ResourceStatus.PROVISIONING,
    "pending": ResourceStatus.PROVISIONING,
    "active": ResourceStatus.RUNNING,
    "error": ResourceStatus.ERROR,
    "deleting": ResourceStatus.DELETING,
    "deleted": ResourceStatus.DELETED,
}
_OUR_NAMES: Final[Mapping[str, str]] = {"lambdalabs": "lambda", "vastai": "vast"}
"""Clouds that are called otherwise here."""


class Shadeform(ApiKeyVendor):
    """One API key at Shadeform."""

    name = "shadeform"
    address = "https://api.shadeform.ai/v1"
    links_owner = ResourceKind.VOLUMES
    key_header = "X-API-KEY"
    key_scheme = ""
    ids_span_accounts = True

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """One call a kind; there are no pages."""
        if kind is ResourceKind.MACHINES:
            return (SingleCallListing("Instances", "/instances", "instances", _machine),)
        return (SingleCallListing("Volumes", "/volumes", "volumes", _volume),)

    def catalogue(self, kind: ResourceKind, region: str | None) -> PriceList | None:
        """Of volumes: instances tell their price."""
        return _VolumePrices() if kind is ResourceKind.VOLUMES else None


@dataclass(frozen=True, slots=True)
class _VolumePrices:
    """What a GB costs an hour, by cloud, region and kind of volume."""

    tells_hardware: ClassVar[bool] = False

    def request(self, cursor: str | None) -> VendorRequest:
        """One call tells all."""
        return VendorRequest("VolumesTypes", "/volumes/types")

    def read(self, answer: VendorResponse) -> QuotePage:
        """Prices are texts here; one that cannot be read, or is told twice and differently, is left out."""
        drops = DropCounter()
        quotes: dict[str, Quote] = {}
        doubtful: set[str] = set()
        for told in from_object(answer.payload, drops).items("volume_types"):
            hourly = told.number_in_text("price_per_gb_per_hour", 0, HIGHEST_PRICE)
            key = _volume_sku(told)
            if hourly is None:
                continue
            if quotes.setdefault(key, Quote(hourly, "USD")).hourly != hourly:
                doubtful.add(key)
        return QuotePage({key: quote for key, quote in quotes.items() if key not in doubtful}, None, drops.count)

    def quote(self, told: Observation, quotes: Mapping[str, Quote]) -> Quote | None:
        """Its size by the price a GB."""
        if not isinstance(told.spec, Spec) or told.spec.vendor_sku is None or told.spec.disk_gb is None:
            return None
        per_gb = quotes.get(told.spec.vendor_sku)
        return None if per_gb is None else Quote(round(per_gb.hourly * told.spec.disk_gb, 9), per_gb.currency)

    def charged(self, told: Observation) -> bool:
        """A volume costs as long as it is there."""
        return True


def _machine(told: FieldReader) -> Observation:
    word = told.text("status")
    status = STATUS.get(word or "", ResourceStatus.UNKNOWN)
    sku = told.text("shade_instance_type")
    cents = told.number("hourly_price", 0, 100_000_000)
    rate = None if cents is None else cents / 100
    active = status is ResourceStatus.RUNNING and rate is not None
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.VM,
        status=status,
        vendor_status=word,
        region=told.text("region"),
        created_at=told.instant("created_at"),
        name=told.text("name"),
        status_message=told.text("status_details"),
        access=_access(told),
        spec=_spec(told, sku),
        price=Price(rate, "USD", PriceSource.VENDOR) if active else NO_PRICE,
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, sku, rate, None if rate is None else "USD"),
        upstream=_elsewhere(told),
    )


def _elsewhere(told: FieldReader) -> UpstreamResource | NotReported | None:
    shared = told.flag("shade_cloud")
    if shared is None:
        return NOT_REPORTED
    cloud, assigned = told.text("cloud"), told.reference("cloud_assigned_id")
    if shared or cloud is None or assigned is None:
        return None
    return UpstreamResource(_OUR_NAMES.get(cloud, cloud), assigned)


def _access(told: FieldReader) -> Access | None:
    host, port = told.host("ip"), told.port("ssh_port")
    if host is None:
        return None
    command = ssh_command(told.text("ssh_user"), host, port)
    return Access(external_ip=host if is_address(host) else None, ssh_command=command, ssh_port=port)


def _spec(told: FieldReader, sku: str | None) -> Spec:
    has = told.child("configuration")
    gpus = has.whole("num_gpus", 0, 10_000)
    gpu_type, gpu_family = (None, None) if gpus == 0 else _gpu(has)
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpus,
        vcpu_count=has.whole("vcpus"),
        memory_gb=has.number("memory_in_gb"),
        disk_gb=has.number("storage_in_gb"),
        vendor_sku=sku,
        image=has.text("os"),
        vendor=facts(
            active_at=optional_text(told.instant("active_at")),
            cloud=told.text("cloud"),
            cloud_assigned_id=told.text("cloud_assigned_id"),
            cloud_instance_type=told.text("cloud_instance_type"),
            gpu_memory_gb=has.number("vram_per_gpu_in_gb"),
            interconnect=has.text("interconnect"),
            nvlink=has.flag("nvlink"),
            shade_cloud=told.flag("shade_cloud"),
        ),
    )


def _gpu(has: FieldReader) -> tuple[str | None, str | None]:
    """Its name tells neither form nor memory: those stand beside it."""
    name, form, memory_gb = has.text("gpu_type"), has.text("interconnect"), has.number("vram_per_gpu_in_gb", 1, 10_000)
    whole = canonical_gpu(f"{name} {form}", memory_gb) if name and form else (None, None)
    return whole if whole[1] is not None else canonical_gpu(name, memory_gb)


def _volume_sku(told: FieldReader) -> str:
    """The kinds of volume have no name of their own."""
    size = "fixed" if told.flag("fixed_size") else "elastic"
    mounts = "multi-mount" if told.flag("supports_multi_mount") else "single-mount"
    return f"{told.text('cloud')}/{told.text('region')}/{size}/{mounts}"


def _volume(told: FieldReader) -> Observation:
    sku = _volume_sku(told)
    shared = told.flag("supports_multi_mount")
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.FILESYSTEM if shared else ResourceType.BLOCK_DISK,
        # No status is told: what is listed is there.
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=told.text("region"),
        created_at=None,
        name=told.text("name"),
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=told.number("size_in_gb") if told.flag("fixed_size") else None,
            vendor_sku=sku,
            vendor=facts(
                cloud=told.text("cloud"),
                cloud_assigned_id=told.text("cloud_assigned_id"),
                fixed_size=told.flag("fixed_size"),
                supports_multi_mount=shared,
            ),
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, sku, None, None),
        links=_links(told),
    )


def _links(told: FieldReader) -> tuple[Attachment, ...] | NotReported:
    if not told.has("mounted_by"):
        return NOT_REPORTED
    before = told.dropped
    machine = told.reference("mounted_by")
    if told.dropped != before:
        return NOT_REPORTED
    return () if machine is None else (Attachment(LinkType.ATTACHED_TO, ResourceKind.MACHINES, machine),)
