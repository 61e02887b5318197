"""DigitalOcean: Droplets and block storage volumes.

Source: DigitalOcean's own OpenAPI document, API 2.0. Limits: 5,000 calls an hour and 250 a minute for each token (its
introduction, "Rate Limit"); `ratelimit-*` headers tell what is left of the hour, `retry-after` comes with the minute's alone.

What our words mean here
- "By default, only non-GPU Droplets are returned": machines are two listings, which together sweep the scope.
- `links.pages.next` is a whole URL. It is never followed: its page number is taken, and asked for at the account's own address.
- Pages are asked for by number. A Droplet that goes while they are read moves the others up, and one is skipped; `meta.total`
  is held against what came, so such a listing is partial.
- A Droplet is billed from its creation until it is destroyed, off or not: it has its price as `new`, `active` and `off`. What
  `archive` means is not documented: UNKNOWN, without a price. No call tells what a volume costs.
- Volumes own the links: `droplet_ids` of a volume. A Droplet's `volume_ids` take another right of the token
  (`block_storage:read`), without which they would read as none. A volume has no status: what is listed is there.
- SSH is `root` at port 22 by convention; the API tells neither. Some images have another user.
- 404 with `id: not_found` is its word for "no such thing" (response `not_found`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

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
from vendors.base import Listing, Page, RateLimit, VendorRequest, VendorResponse
from vendors.parse.fields import SSH_PORT, DropCounter, FieldReader, facts, from_object, ssh_command
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.links import attachment_links

STATUS: Final[Mapping[str, ResourceStatus]] = {
    "new": ResourceStatus.PROVISIONING,
    "active": ResourceStatus.RUNNING,
    "off": ResourceStatus.STOPPED,
    "archive": ResourceStatus.UNKNOWN,
}
_BILLED: Final = frozenset({"new", "active", "off"})
_PROBES: Final[Mapping[ResourceKind, tuple[str, str, str]]] = {
    ResourceKind.MACHINES: ("droplets_get", "/v2/droplets", "droplet"),
    ResourceKind.VOLUMES: ("volumes_get", "/v2/volumes", "volume"),
}
_PER_PAGE: Final = "200"
"""The most that a page holds (parameter `per_page`)."""
_MEBIBYTES: Final = 1024
_HIGHEST_COUNT: Final = 10_000_000


class DigitalOcean(ApiKeyVendor):
    """One token at DigitalOcean."""

    name = "digitalocean"
    address = "https://api.digitalocean.com"
    links_owner = ResourceKind.VOLUMES
    # `id`, "a short identifier corresponding to the HTTP status code" (schema `error`; response `not_found`).
    error_path = ("id",)
    no_such = MappingProxyType({operation: frozenset({"not_found"}) for operation, _, _ in _PROBES.values()})
    ids_span_accounts = True
    documented_limits = (RateLimit(250, 60), RateLimit(5000, 3600))

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Droplets without GPUs, then those with; or volumes."""
        if kind is ResourceKind.VOLUMES:
            return (_Listing("volumes_list", "/v2/volumes", "volumes", _volume),)
        return (
            _Listing("droplets_list", "/v2/droplets", "droplets", _machine),
            _Listing("droplets_list_gpus", "/v2/droplets", "droplets", _machine, (("type", "gpus"),)),
        )

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """By id, with and without GPUs alike."""
        operation, path, _ = _PROBES[kind]
        return VendorRequest(operation, f"{path}/{quote(vendor_id, safe='')}")

    def read_probe(self, kind: ResourceKind, region: str | None, vendor_id: str, answer: VendorResponse) -> Observation:
        """The same fields as in the list."""
        told = from_object(answer.payload, DropCounter()).child(_PROBES[kind][2])
        return _machine(told) if kind is ResourceKind.MACHINES else _volume(told)


@dataclass(frozen=True, slots=True)
class _Listing:
    """One call, page by page; `narrowed` is what it asks for beside its page."""

    operation: str
    path: str
    key: str
    read_item: Callable[[FieldReader], Observation]
    narrowed: tuple[tuple[str, str], ...] = ()

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for a page; its cursor is its number."""
        query = (("per_page", _PER_PAGE), ("page", cursor or "1"), *self.narrowed)
        return VendorRequest(self.operation, self.path, query=query)

    def read(self, answer: VendorResponse) -> Page:
        """Every item; without the list, or the size that it must tell, the answer is malformed."""
        drops = DropCounter()
        told = from_object(answer.payload, drops)
        items = tuple(self.read_item(item) for item in told.items(self.key))
        total = told.child("meta").whole("total", 0, _HIGHEST_COUNT)
        if total is None:
            raise MalformedAnswer("'meta.total', how many there are, is missing.")
        return Page(items, _next_page(told.child("links").child("pages")), drops.count, total)


def _next_page(pages: FieldReader) -> str | None:
    address = pages.cursor("next")
    if address is None:
        return None
    try:
        numbers = parse_qs(urlsplit(address).query).get("page", [])
    except ValueError:
        numbers = []
    if len(numbers) != 1 or not (numbers[0].isascii() and numbers[0].isdigit()):
        raise MalformedAnswer("'links.pages.next' names no page.")
    return numbers[0]


def _machine(told: FieldReader) -> Observation:
    word = told.text("status")
    size = told.child("size")
    sku = told.text("size_slug")
    rate = size.price("price_hourly")
    currency = None if rate is None else "USD"
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.VM,
        status=STATUS.get(word or "", ResourceStatus.UNKNOWN),
        vendor_status=word,
        region=told.child("region").text("slug"),
        created_at=told.instant("created_at"),
        name=told.text("name"),
        status_message=None,
        access=_access(told.child("networks")),
        spec=_machine_spec(told, size, sku),
        price=NO_PRICE if rate is None or word not in _BILLED else Price(rate, "USD", PriceSource.VENDOR),
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, sku, rate, currency),
    )


def _access(networks: FieldReader) -> Access | None:
    told = [
        (one.text("type"), one.address("ip_address")) for key in ("v4", "v6") for one in networks.children(key) or ()
    ]
    outer = next((address for word, address in told if word == "public" and address), None)
    inner = next((address for word, address in told if word == "private" and address), None)
    if outer is None:
        return Access(internal_ip=inner) if inner else None
    return Access(outer, inner, ssh_command("root", outer, SSH_PORT), SSH_PORT)


def _machine_spec(told: FieldReader, size: FieldReader, sku: str | None) -> Spec:
    # Both the Droplet and its size have `gpu_info` in the schema; in the examples only the size.
    gpus = next(
        (one for one in (told.child("gpu_info"), size.child("gpu_info")) if one.has("model")),
        FieldReader({}, DropCounter()),
    )
    vram = gpus.child("vram")
    vram_gb = vram.number("amount") if vram.text("unit") == "gib" else None
    gpu_type, gpu_family = canonical_gpu(gpus.text("model"), vram_gb)
    memory = told.number("memory")
    image = told.child("image")
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpus.whole("count", 0, 10_000),
        vcpu_count=told.whole("vcpus"),
        memory_gb=None if memory is None else memory / _MEBIBYTES,
        disk_gb=told.number("disk"),
        vendor_sku=sku,
        image=image.text("slug") or image.text("name"),
        vendor=facts(locked=told.flag("locked"), vpc_uuid=told.text("vpc_uuid")),
    )


def _volume(told: FieldReader) -> Observation:
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.BLOCK_DISK,
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=told.child("region").text("slug"),
        created_at=told.instant("created_at"),
        name=told.text("name"),
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=told.number("size_gigabytes"),
            vendor=facts(filesystem_type=told.text("filesystem_type"), filesystem_label=told.text("filesystem_label")),
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, None, None, None),
        links=_links(told),
    )


def _links(told: FieldReader) -> tuple[Attachment, ...] | NotReported:
    before = told.dropped
    machines = told.references("droplet_ids")
    if machines is None:
        return NOT_REPORTED
    return attachment_links(LinkType.ATTACHED_TO, ResourceKind.MACHINES, machines, whole=told.dropped == before)
