"""DigitalOcean: Droplets and block storage volumes.

Source: DigitalOcean's own OpenAPI document, API 2.0. Limits: 5,000 calls an hour and 250 a minute for each token (its
introduction, "Rate Limit"). `ratelimit-*` headers report what is left of the hour; `retry-after` comes only with the
limit per minute.

How its data is read
- "By default, only non-GPU Droplets are returned": machines are two listings, which together sweep the scope.
- `links.pages.next` is a complete URL. It is never followed. Its page number is used in a request to the account's own
  address.
- Pages are requested by number. When a Droplet disappears while they are read, the others move up, and one is skipped.
  `meta.total` is compared with the number of Droplets returned, so such a listing is partial.
- A Droplet is billed from its creation until it is destroyed, powered off or not: it has its price as `new`, `active`
  and `off`. The meaning of `archive` is not documented: UNKNOWN, without a price. No call reports the price of a
  volume.
- Volumes own the links: `droplet_ids` of a volume. A Droplet's `volume_ids` need another permission of the token
  (`block_storage:read`); without it they would read as none. A volume has no status: a listed volume is RUNNING.
- SSH is `root` at port 22 by convention; the API reports neither. Some images have another user.
- 404 with `id: not_found` means that the resource does not exist (response `not_found`).
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
from vendors.parse.fields import SSH_PORT, DropCounter, FieldReader, collect_facts, read_object, ssh_command
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
"""The maximum number of items per page (parameter `per_page`)."""
_MEBIBYTES: Final = 1024
_MAX_COUNT: Final = 10_000_000


class DigitalOcean(ApiKeyVendor):
    """One token at DigitalOcean."""

    name = "digitalocean"
    api_url = "https://api.digitalocean.com"
    links_owner = ResourceKind.VOLUMES
    # `id`, "a short identifier corresponding to the HTTP status code" (schema `error`; response `not_found`).
    error_path = ("id",)
    not_found_codes = MappingProxyType({operation: frozenset({"not_found"}) for operation, _, _ in _PROBES.values()})
    ids_span_accounts = True
    documented_limits = (RateLimit(250, 60), RateLimit(5000, 3600))

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return the listings of Droplets without GPUs and with GPUs, or the listing of volumes."""
        if kind is ResourceKind.VOLUMES:
            return (DigitalOceanListing("volumes_list", "/v2/volumes", "volumes", _read_volume),)
        return (
            DigitalOceanListing("droplets_list", "/v2/droplets", "droplets", _read_machine),
            DigitalOceanListing("droplets_list_gpus", "/v2/droplets", "droplets", _read_machine, (("type", "gpus"),)),
        )

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """Request one resource by its id; one call covers Droplets with and without GPUs."""
        operation, path, _ = _PROBES[kind]
        return VendorRequest(operation, f"{path}/{quote(vendor_id, safe='')}")

    def read_probe(
        self, kind: ResourceKind, region: str | None, vendor_id: str, response: VendorResponse
    ) -> Observation:
        """Return the resource; its fields are the same as in the list."""
        item = read_object(response.payload, DropCounter()).resource(_PROBES[kind][2])
        return _read_machine(item) if kind is ResourceKind.MACHINES else _read_volume(item)


@dataclass(frozen=True, slots=True)
class DigitalOceanListing:
    """One listing, page by page. `filters` are query parameters in addition to those of the page."""

    operation: str
    path: str
    key: str
    read_item: Callable[[FieldReader], Observation]
    filters: tuple[tuple[str, str], ...] = ()

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the request for a page. The cursor is the page number."""
        query = (("per_page", _PER_PAGE), ("page", cursor or "1"), *self.filters)
        return VendorRequest(self.operation, self.path, query=query)

    def read(self, response: VendorResponse) -> Page:
        """Return the page. A response without the list, or without the total, is malformed."""
        drops = DropCounter()
        body = read_object(response.payload, drops)
        items = tuple(self.read_item(item) for item in body.items(self.key))
        total = body.child("meta").integer("total", 0, _MAX_COUNT)
        if total is None:
            raise MalformedAnswer("'meta.total', the number of items, is missing.")
        return Page(items, _next_page(body.child("links").child("pages")), drops.count, total)


def _next_page(pages: FieldReader) -> str | None:
    address = pages.cursor("next")
    if address is None:
        return None
    try:
        numbers = parse_qs(urlsplit(address).query).get("page", [])
    except ValueError:
        numbers = []
    if len(numbers) != 1 or not (numbers[0].isascii() and numbers[0].isdigit()):
        raise MalformedAnswer("'links.pages.next' has no page number.")
    return numbers[0]


def _read_machine(item: FieldReader) -> Observation:
    vendor_status = item.text("status")
    size = item.child("size")
    sku = item.text("size_slug")
    rate = size.price("price_hourly")
    currency = None if rate is None else "USD"
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=item.identifier("id"),
        resource_type=ResourceType.VM,
        status=STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN),
        vendor_status=vendor_status,
        region=item.child("region").text("slug"),
        created_at=item.timestamp("created_at"),
        name=item.text("name"),
        status_message=None,
        access=_access(item.child("networks")),
        spec=_machine_spec(item, size, sku),
        price=NO_PRICE if rate is None or vendor_status not in _BILLED else Price(rate, "USD", PriceSource.VENDOR),
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, sku, rate, currency),
    )


def _access(networks: FieldReader) -> Access | None:
    interfaces = [interface for version in ("v4", "v6") for interface in networks.children(version) or ()]
    addresses = [(interface.text("type"), interface.address("ip_address")) for interface in interfaces]
    external_ip = next((address for network, address in addresses if network == "public" and address), None)
    internal_ip = next((address for network, address in addresses if network == "private" and address), None)
    if external_ip is None:
        return Access(internal_ip=internal_ip) if internal_ip else None
    return Access(external_ip, internal_ip, ssh_command("root", external_ip, SSH_PORT), SSH_PORT)


def _machine_spec(item: FieldReader, size: FieldReader, sku: str | None) -> Spec:
    # In the schema, both the Droplet and its size have `gpu_info`; in the examples, only the size has it.
    gpus = next(
        (info for info in (item.child("gpu_info"), size.child("gpu_info")) if info.has("model")),
        FieldReader({}, DropCounter()),
    )
    vram = gpus.child("vram")
    vram_gb = vram.number("amount") if vram.text("unit") == "gib" else None
    gpu_type, gpu_family = canonical_gpu(gpus.text("model"), vram_gb)
    memory = item.number("memory")
    image = item.child("image")
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpus.integer("count", 0, 10_000),
        vcpu_count=item.integer("vcpus"),
        memory_gb=None if memory is None else memory / _MEBIBYTES,
        disk_gb=item.number("disk"),
        vendor_sku=sku,
        image=image.text("slug") or image.text("name"),
        vendor=collect_facts(locked=item.flag("locked"), vpc_uuid=item.text("vpc_uuid")),
    )


def _read_volume(item: FieldReader) -> Observation:
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=item.identifier("id"),
        resource_type=ResourceType.BLOCK_DISK,
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=item.child("region").text("slug"),
        created_at=item.timestamp("created_at"),
        name=item.text("name"),
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=item.number("size_gigabytes"),
            vendor=collect_facts(
                filesystem_type=item.text("filesystem_type"), filesystem_label=item.text("filesystem_label")
            ),
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, None, None, None),
        links=_links(item),
    )


def _links(item: FieldReader) -> tuple[Attachment, ...] | NotReported:
    dropped_before = item.dropped
    machine_ids = item.references("droplet_ids")
    if machine_ids is None:
        return NOT_REPORTED
    complete = item.dropped == dropped_before
    return attachment_links(LinkType.ATTACHED_TO, ResourceKind.MACHINES, machine_ids, complete=complete)
