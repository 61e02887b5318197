"""The sandbox: a simulated cloud of ours behind real HTTP. Source of every field: its own API, `sandbox/http/api.py`.

What our words mean here
- A volume that is `available` is RUNNING, as one `in_use` is: both can be used and cost the same.
- `valid_to` is an announced spot reclaim, else the end of a reservation's term.
- `price` is what the machine costs in its present status, as told; null in a status that has no documented meaning.
- `utilisation`, `cost_so_far` and `console` are there and are not taken: they change by themselves, or are secret.
- The words that a 404 must have to mean "no such thing": `no_such_machine`, `no_such_volume`.
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
from vendors.parse.fields import DropCounter, FieldReader, facts, from_object, ssh_command
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
class _Kind:
    """How the sandbox speaks of one kind."""

    plural: str
    singular: str
    no_such: str


_KINDS: Final[Mapping[ResourceKind, _Kind]] = {
    ResourceKind.MACHINES: _Kind("machines", "machine", "no_such_machine"),
    ResourceKind.VOLUMES: _Kind("volumes", "volume", "no_such_volume"),
}


class Sandbox(ApiKeyVendor):
    """One tenant of the simulated cloud."""

    name = "sandbox"
    address = "http://sandbox.invalid/v1"
    # No public address, only a base path: the name never resolves (RFC 6761), and `endpoint` stands in for it.
    needs_endpoint = True
    error_path = ("error", "code")
    no_such = MappingProxyType({f"get_{kind.singular}": frozenset({kind.no_such}) for kind in _KINDS.values()})
    links_owner = ResourceKind.MACHINES
    page_size = 100
    """`limit`: 1 to 100."""

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """One paged listing a kind."""
        return (_Listing(kind, self.page_size),)

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest:
        """By id."""
        words = _KINDS[kind]
        return VendorRequest(f"get_{words.singular}", f"/{words.plural}/{quote(vendor_id, safe='')}")

    def read_probe(self, kind: ResourceKind, region: str | None, vendor_id: str, answer: VendorResponse) -> Observation:
        """The one that was asked for."""
        return _READERS[kind](from_object(answer.payload, DropCounter()))


@dataclass(frozen=True, slots=True)
class _Listing:
    """One list, page by page."""

    kind: ResourceKind
    page_size: int

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for a page."""
        words = _KINDS[self.kind]
        paging = (("limit", str(self.page_size)), *((("cursor", cursor),) if cursor else ()))
        return VendorRequest(f"list_{words.plural}", f"/{words.plural}", query=paging)

    def read(self, answer: VendorResponse) -> Page:
        """What the page told. Every page says whether another follows; one that does not is no page of a listing."""
        drops = DropCounter()
        page = from_object(answer.payload, drops)
        observations = tuple(_READERS[self.kind](item) for item in page.items(_KINDS[self.kind].plural))
        before = drops.count
        cursor = page.text("next_cursor")
        if not page.has("next_cursor") or drops.count > before:
            raise MalformedAnswer("The page does not tell whether another one follows.")
        return Page(observations, cursor, drops.count)


def _status(item: FieldReader, known: Mapping[str, ResourceStatus]) -> tuple[ResourceStatus, str | None]:
    word = item.text("status")
    return known.get(word or "", ResourceStatus.UNKNOWN), word


def _currency(price: FieldReader) -> str | None:
    word = price.text("currency")
    return word if word is not None and _CURRENCY.fullmatch(word) else None


def _price(item: FieldReader) -> Price | NotReported:
    if not item.has("price"):
        return NOT_REPORTED
    told = item.child("price")
    amount, currency = told.price("current_hourly"), _currency(told)
    if amount is None or currency is None:
        return NO_PRICE
    return Price(amount, currency, PriceSource.VENDOR)


def _terms(item: FieldReader, offer: OfferType, contract: ContractType, sku: str, rate: str) -> Terms:
    price = item.child("price")
    return Terms(offer, contract, item.text(sku), price.price(rate), _currency(price))


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
        gpu_count=gpu.whole("count"),
        vcpu_count=hardware.number("vcpus"),
        memory_gb=hardware.number("memory_gb"),
        disk_gb=hardware.number("disk_gb"),
        vendor_sku=item.text("sku"),
        image=item.text("image"),
        vendor=facts(contract=item.text("contract"), gpu_memory_gb=gpu.number("memory_gb")),
    )


def _links(item: FieldReader) -> tuple[Attachment, ...] | NotReported:
    before = item.dropped
    told = item.children("attachments")
    if told is None or item.dropped > before:
        return NOT_REPORTED
    links: list[Attachment] = []
    for each in told:
        volume_id = each.reference("volume_id")
        if volume_id is None:
            # An attachment that cannot be read must not close the link that it stands for.
            return NOT_REPORTED
        since = each.instant("attached_at")
        links.append(Attachment(LinkType.ATTACHED_STORAGE, ResourceKind.VOLUMES, volume_id, since))
    return tuple(links)


def _read_machine(item: FieldReader) -> Observation:
    status, word = _status(item, MACHINE_STATUS)
    resource_type, offer = _MACHINE_FORMS.get(item.text("form") or "", (ResourceType.OTHER, OfferType.OTHER))
    contract = _CONTRACTS.get(item.text("contract") or "", ContractType.UNKNOWN)
    term = item.child("term")
    return Observation(
        ResourceKind.MACHINES,
        item.identifier("id"),
        resource_type,
        status,
        word,
        region=item.text("region"),
        created_at=item.instant("created_at"),
        name=item.text("name"),
        status_message=item.text("status_message"),
        access=_access(item),
        spec=_machine_spec(item),
        price=_price(item),
        terms=_terms(item, offer, contract, "sku", "running_hourly"),
        valid_from=term.instant("starts_at"),
        valid_to=item.instant("reclaim_at") or term.instant("ends_at"),
        links=_links(item),
    )


def _read_volume(item: FieldReader) -> Observation:
    status, word = _status(item, VOLUME_STATUS)
    form = item.text("form")
    return Observation(
        ResourceKind.VOLUMES,
        item.identifier("id"),
        _VOLUME_FORMS.get(form or "", ResourceType.OTHER),
        status,
        word,
        region=item.text("region"),
        created_at=item.instant("created_at"),
        name=item.text("name"),
        spec=Spec(disk_gb=item.number("size_gb"), vendor_sku=form),
        price=_price(item),
        terms=_terms(item, OfferType.STORAGE, ContractType.ONDEMAND, "form", "current_hourly"),
    )


_READERS: Final = {ResourceKind.MACHINES: _read_machine, ResourceKind.VOLUMES: _read_volume}
