"""The sandbox: this project's own simulated cloud behind real HTTP. Source of every field: its API, `sandbox/api.py`.

How its data is read
- A volume that is `available` is RUNNING, like one that is `in_use`: both can be used and cost the same.
- `valid_to` is an announced spot reclaim, else the end of a reservation's term.
- `price` is the cost of the machine in its present status, as reported; it is null in a status without a documented
  meaning.
- `utilisation`, `cost_so_far` and `console` are not read: they change continuously, or are secret.
- A 404 with `no_such_machine` or `no_such_volume` means that the resource does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.enums import ContractType, OfferType, PriceSource, ResourceKind, ResourceStatus, ResourceType
from domain.errors import MalformedAnswer
from domain.records.observation import NO_PRICE, NOT_REPORTED, Access, NotReported, Observation, Price, Spec, Terms
from vendors.api_key import ApiKeyVendor, JsonListing, ListingPaging, Probe, Query
from vendors.base import Listing, VendorResponse
from vendors.parse.fields import FieldReader, collect_facts, ssh_command
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.items import Attached, read_links

MACHINE_STATUS: Final[Mapping[str, ResourceStatus]] = {
    "provisioning": ResourceStatus.PROVISIONING,
    "running": ResourceStatus.RUNNING,
    "stopping": ResourceStatus.STOPPING,
    "stopped": ResourceStatus.STOPPED,
    "deleting": ResourceStatus.DELETING,
    "deleted": ResourceStatus.DELETED,
    "error": ResourceStatus.ERROR,
}
VOLUME_STATUS: Final[Mapping[str, ResourceStatus]] = {
    "creating": ResourceStatus.PROVISIONING,
    "available": ResourceStatus.RUNNING,
    "in_use": ResourceStatus.RUNNING,
    "deleting": ResourceStatus.DELETING,
    "deleted": ResourceStatus.DELETED,
    "error": ResourceStatus.ERROR,
}
_MACHINE_FORMS: Final = {
    "vm": (ResourceType.VM, OfferType.VM),
    "container": (ResourceType.CONTAINER, OfferType.CONTAINER),
    "bare_metal": (ResourceType.BARE_METAL, OfferType.BARE_METAL),
}
_VOLUME_FORMS: Final = {"block": ResourceType.BLOCK_DISK, "shared": ResourceType.FILESYSTEM}
_CONTRACTS: Final = {
    "ondemand": ContractType.ONDEMAND,
    "spot": ContractType.SPOT,
    "reserved": ContractType.RESERVED,
}
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


class Sandbox(ApiKeyVendor):
    """One tenant of the simulated cloud."""

    name = "sandbox"
    api_url = "http://sandbox.invalid/v1"
    # There is no public address, only a base path. This name never resolves (RFC 6761); `endpoint` replaces it.
    needs_endpoint = True
    # It runs in the gateway's own process, which a company's proxy cannot reach.
    uses_proxy = False
    error_path = ("error", "code")
    not_found_codes = MappingProxyType(
        {"get_machine": frozenset({"no_such_machine"}), "get_volume": frozenset({"no_such_volume"})}
    )
    links_owner = ResourceKind.MACHINES
    page_size = 100
    """`limit`: 1 to 100."""

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return one paged listing."""
        paging = ListingPaging(self._page_query, _follow)
        if kind is ResourceKind.MACHINES:
            return (JsonListing("list_machines", "/machines", "machines", _read_machine, paging=paging),)
        return (JsonListing("list_volumes", "/volumes", "volumes", _read_volume, paging=paging),)

    def probe(self, kind: ResourceKind, region: str | None) -> Probe:
        """Return the call for one resource."""
        if kind is ResourceKind.MACHINES:
            return Probe("get_machine", "/machines", None, _read_machine)
        return Probe("get_volume", "/volumes", None, _read_volume)

    def _page_query(self, cursor: str | None) -> Query:
        return (("limit", str(self.page_size)), *((("cursor", cursor),) if cursor else ()))


def _follow(body: FieldReader, _response: VendorResponse, _count: int) -> tuple[str | None, None]:
    dropped_before = body.dropped
    cursor = body.text("next_cursor")
    if not body.has("next_cursor") or body.dropped > dropped_before:
        raise MalformedAnswer("'next_cursor' is missing: the page does not say whether another one follows.")
    return cursor, None


def _status(item: FieldReader, statuses: Mapping[str, ResourceStatus]) -> tuple[ResourceStatus, str | None]:
    vendor_status = item.text("status")
    return statuses.get(vendor_status or "", ResourceStatus.UNKNOWN), vendor_status


def _currency(price: FieldReader) -> str | None:
    currency = price.text("currency")
    return currency if currency is not None and _CURRENCY.fullmatch(currency) else None


def _price(item: FieldReader) -> Price | NotReported:
    if not item.has("price"):
        return NOT_REPORTED
    price = item.child("price")
    amount, currency = price.price("current_hourly"), _currency(price)
    if amount is None or currency is None:
        return NO_PRICE
    return Price(amount, currency, PriceSource.VENDOR)


def _terms(item: FieldReader, offer: OfferType, contract: ContractType, sku_field: str, rate_field: str) -> Terms:
    price = item.child("price")
    return Terms(offer, contract, item.text(sku_field), price.price(rate_field), _currency(price))


def _access(item: FieldReader) -> Access | NotReported:
    if not item.has("ssh"):
        return NOT_REPORTED
    ssh = item.child("ssh")
    host, port, user = ssh.address("host"), ssh.port("port"), ssh.text("user")
    command = ssh_command(user, host, port) if user and port else None
    return Access(host, item.address("private_ip"), command, port)


def _machine_spec(item: FieldReader) -> Spec | NotReported:
    if not item.has("hardware"):
        return NOT_REPORTED
    hardware = item.child("hardware")
    gpu = hardware.child("gpu")
    gpu_type, gpu_family = canonical_gpu(gpu.text("model"), gpu.number("memory_gb"))
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpu.integer("count"),
        vcpu_count=hardware.number("vcpus"),
        memory_gb=hardware.number("memory_gb"),
        disk_gb=hardware.number("disk_gb"),
        vendor_sku=item.text("sku"),
        image=item.text("image"),
        vendor=collect_facts(contract=item.text("contract"), gpu_memory_gb=gpu.number("memory_gb")),
    )


def _attached_volumes(item: FieldReader) -> Attached:
    attachments = item.children("attachments")
    if attachments is None:
        return None
    return [(attachment.reference("volume_id"), attachment.timestamp("attached_at")) for attachment in attachments]


def _read_machine(item: FieldReader) -> Observation:
    status, vendor_status = _status(item, MACHINE_STATUS)
    resource_type, offer = _MACHINE_FORMS.get(item.text("form") or "", (ResourceType.OTHER, OfferType.OTHER))
    contract = _CONTRACTS.get(item.text("contract") or "", ContractType.UNKNOWN)
    term = item.child("term")
    return Observation(
        ResourceKind.MACHINES,
        item.identifier("id"),
        resource_type,
        status,
        vendor_status,
        region=item.text("region"),
        created_at=item.timestamp("created_at"),
        name=item.text("name"),
        status_message=item.text("status_message"),
        access=_access(item),
        spec=_machine_spec(item),
        price=_price(item),
        terms=_terms(item, offer, contract, "sku", "running_hourly"),
        valid_from=term.timestamp("starts_at"),
        valid_to=item.timestamp("reclaim_at") or term.timestamp("ends_at"),
        links=read_links(item, ResourceKind.VOLUMES, _attached_volumes),
    )


def _read_volume(item: FieldReader) -> Observation:
    status, vendor_status = _status(item, VOLUME_STATUS)
    form = item.text("form")
    return Observation(
        ResourceKind.VOLUMES,
        item.identifier("id"),
        _VOLUME_FORMS.get(form or "", ResourceType.OTHER),
        status,
        vendor_status,
        region=item.text("region"),
        created_at=item.timestamp("created_at"),
        name=item.text("name"),
        spec=Spec(disk_gb=item.number("size_gb"), vendor_sku=form),
        price=_price(item),
        terms=_terms(item, OfferType.STORAGE, ContractType.ONDEMAND, "form", "current_hourly"),
    )
