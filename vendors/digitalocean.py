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

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qs, urlsplit

from domain.enums import ResourceKind, ResourceStatus
from domain.errors import MalformedAnswer
from domain.records.observation import Access, Observation, Spec
from vendors.api_key import ApiKeyVendor, JsonListing, ListingPaging, Probe, Query
from vendors.base import Listing, RateLimit, VendorResponse
from vendors.parse.fields import FieldReader, collect_facts
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.items import Attached, access_to, machine_of, read_links, us_dollars, volume_of

STATUS: Final[Mapping[str, ResourceStatus]] = {
    "new": ResourceStatus.PROVISIONING,
    "active": ResourceStatus.RUNNING,
    "off": ResourceStatus.STOPPED,
    "archive": ResourceStatus.UNKNOWN,
}
_BILLED: Final = frozenset({"new", "active", "off"})
_PROBES: Final = ("droplets_get", "volumes_get")
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
    not_found_codes = MappingProxyType({operation: frozenset({"not_found"}) for operation in _PROBES})
    ids_span_accounts = True
    documented_limits = (RateLimit(250, 60), RateLimit(5000, 3600))

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return the listings of Droplets without GPUs and with GPUs, or the listing of volumes."""
        paging = ListingPaging(_page_query, _follow)
        if kind is ResourceKind.VOLUMES:
            return (JsonListing("volumes_list", "/v2/volumes", "volumes", _read_volume, paging=paging),)
        gpus = (("type", "gpus"),)
        return (
            JsonListing("droplets_list", "/v2/droplets", "droplets", _read_machine, paging=paging),
            JsonListing("droplets_list_gpus", "/v2/droplets", "droplets", _read_machine, gpus, paging),
        )

    def probe(self, kind: ResourceKind, region: str | None) -> Probe:
        """Return the call for one resource; one call covers Droplets with and without GPUs."""
        if kind is ResourceKind.MACHINES:
            return Probe("droplets_get", "/v2/droplets", "droplet", _read_machine)
        return Probe("volumes_get", "/v2/volumes", "volume", _read_volume)


def _page_query(cursor: str | None) -> Query:
    return (("per_page", _PER_PAGE), ("page", cursor or "1"))


def _follow(body: FieldReader, _response: VendorResponse, _count: int) -> tuple[str | None, int | None]:
    total = body.child("meta").integer("total", 0, _MAX_COUNT)
    if total is None:
        raise MalformedAnswer("'meta.total', the number of items, is missing.")
    return _next_page(body.child("links").child("pages")), total


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
    return machine_of(
        item,
        _machine_spec(item, size, sku),
        status=STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN),
        vendor_status=vendor_status,
        region=item.child("region").text("slug"),
        created_at=item.timestamp("created_at"),
        name=item.text("name"),
        access=_access(item.child("networks")),
        price=us_dollars(rate if vendor_status in _BILLED else None),
        rate=rate,
    )


def _access(networks: FieldReader) -> Access | None:
    interfaces = [interface for version in ("v4", "v6") for interface in networks.children(version) or ()]
    addresses = [(interface.text("type"), interface.address("ip_address")) for interface in interfaces]
    external_ip = next((address for network, address in addresses if network == "public" and address), None)
    internal_ip = next((address for network, address in addresses if network == "private" and address), None)
    return access_to(external_ip, internal_ip, "root")


def _machine_spec(item: FieldReader, size: FieldReader, sku: str | None) -> Spec:
    # In the schema, both the Droplet and its size have `gpu_info`; in the examples, only the size has it.
    infos = (item.child("gpu_info"), size.child("gpu_info"))
    gpus = next((info for info in infos if info.has("model")), FieldReader({}))
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
    return volume_of(
        item,
        Spec(
            disk_gb=item.number("size_gigabytes"),
            vendor=collect_facts(
                filesystem_type=item.text("filesystem_type"), filesystem_label=item.text("filesystem_label")
            ),
        ),
        region=item.child("region").text("slug"),
        created_at=item.timestamp("created_at"),
        name=item.text("name"),
        links=read_links(item, ResourceKind.MACHINES, _droplets),
    )


def _droplets(item: FieldReader) -> Attached:
    ids = item.references("droplet_ids")
    return None if ids is None else [(vendor_id, None) for vendor_id in ids]
