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
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from domain.enums import ContractType, LinkType, OfferType, PriceSource, ResourceKind, ResourceStatus, ResourceType
from domain.errors import MalformedAnswer
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
from vendors.api_key import ApiKeyVendor
from vendors.base import Listing, Page, VendorRequest, VendorResponse
from vendors.parse.fields import DropCounter, FieldReader, collect_facts, read_object, ssh_command
from vendors.parse.gpu_names import canonical_gpu

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


@dataclass(frozen=True, slots=True)
class SandboxKind:
    """The sandbox's names for one kind of resource."""

    plural: str
    singular: str
    not_found_code: str


_KINDS: Final[Mapping[ResourceKind, SandboxKind]] = {
    ResourceKind.MACHINES: SandboxKind("machines", "machine", "no_such_machine"),
    ResourceKind.VOLUMES: SandboxKind("volumes", "volume", "no_such_volume"),
}


class Sandbox(ApiKeyVendor):
    """One tenant of the simulated cloud."""

    name = "sandbox"
    api_url = "http://sandbox.invalid/v1"
    # There is no public address, only a base path. This name never resolves (RFC 6761); `endpoint` replaces it.
    needs_endpoint = True
    error_path = ("error", "code")
    not_found_codes = MappingProxyType(
        {f"get_{kind.singular}": frozenset({kind.not_found_code}) for kind in _KINDS.values()}
    )
    links_owner = ResourceKind.MACHINES
    page_size = 100
    """`limit`: 1 to 100."""

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return one paged listing."""
        return (SandboxListing(kind, self.page_size),)

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest:
        """Request one resource by its id."""
        names = _KINDS[kind]
        return VendorRequest(f"get_{names.singular}", f"/{names.plural}/{quote(vendor_id, safe='')}")

    def read_probe(
        self, kind: ResourceKind, region: str | None, vendor_id: str, response: VendorResponse
    ) -> Observation:
        """Return the resource."""
        return _READERS[kind](read_object(response.payload, DropCounter()))


@dataclass(frozen=True, slots=True)
class SandboxListing:
    """One listing, page by page."""

    kind: ResourceKind
    page_size: int

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the request for a page."""
        names = _KINDS[self.kind]
        paging = (("limit", str(self.page_size)), *((("cursor", cursor),) if cursor else ()))
        return VendorRequest(f"list_{names.plural}", f"/{names.plural}", query=paging)

    def read(self, response: VendorResponse) -> Page:
        """Return the page. A page that does not say whether another page follows is malformed."""
        drops = DropCounter()
        page = read_object(response.payload, drops)
        observations = tuple(_READERS[self.kind](item) for item in page.items(_KINDS[self.kind].plural))
        dropped_before = drops.count
        cursor = page.text("next_cursor")
        if not page.has("next_cursor") or drops.count > dropped_before:
            raise MalformedAnswer("'next_cursor' is missing: the page does not say whether another one follows.")
        return Page(observations, cursor, drops.count)


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


def _links(item: FieldReader) -> tuple[Attachment, ...] | NotReported:
    dropped_before = item.dropped
    attachments = item.children("attachments")
    if attachments is None or item.dropped > dropped_before:
        return NOT_REPORTED
    links: list[Attachment] = []
    for attachment in attachments:
        volume_id = attachment.reference("volume_id")
        if volume_id is None:
            # An attachment that cannot be read must not close its link.
            return NOT_REPORTED
        since = attachment.timestamp("attached_at")
        links.append(Attachment(LinkType.ATTACHED_STORAGE, ResourceKind.VOLUMES, volume_id, since))
    return tuple(links)


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
        links=_links(item),
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


_READERS: Final = {ResourceKind.MACHINES: _read_machine, ResourceKind.VOLUMES: _read_volume}
