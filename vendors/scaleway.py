"""Scaleway: Instances with their local volumes, and Block Storage, zone by zone.

Source: Scaleway's own Python SDK 2.12, generated from its API definitions (`scaleway.instance.v1`,
`scaleway.block.v1`), and the traffic recorded in its package. Limits are not published.

How its data is read
- `stopped in place` (with spaces on the wire, as in Scaleway's Go SDK and in programs that read the API; with
  underscores in its Python SDK) is STOPPED but holds its hypervisor: it costs what it costs when it runs. A `stopped`
  server is not charged as running, and what is charged instead is not reported: null. `locked` is ERROR: Scaleway has
  taken the server out of use.
- No server reports its price. It is joined from the zone's own price list (`/products/servers`, in euros), like that of
  a Block Storage volume (`/volume-types`, by gigabyte). Local volumes have no price.
- A server reports no hardware. GPUs are read from its commercial type (`H100-2-80G`: two, of 80 GB each). CPUs, memory,
  and the GPUs of types with other names come from the price list.
- Volumes own the links: `references` of a Block Storage volume, which have the time of attachment, and `server` of a
  local one. A volume that is attaching or detaching is still held by its server.
- Pages are requested by number, newest item first if an order can be requested. The total (`x-total-count`, or
  `total_count` in Block Storage) is compared with the number of items returned. Without a total the listing is
  malformed, because it could not be known to be complete.
- SSH is `root` at port 22 by convention; the API reports neither.
- 404 with `type: not_found` means that the resource does not exist, unless the error names another resource than the
  requested one. The Instance interface also uses `unknown_resource`, with the id in quotes in its message
  (`scw/errors.go` of Scaleway's Go SDK).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Annotated, ClassVar, Final
from urllib.parse import quote

from pydantic import AfterValidator, Field

from domain.enums import ResourceKind, ResourceStatus
from domain.errors import MalformedAnswer, NotFoundByVendor, VendorFailure
from domain.records.observation import Observation, Spec, Terms
from vendors.api_key import ApiKeyVendor, JsonListing, KeySettings, ListingPaging, Probe, Query
from vendors.base import Listing, PriceList, Quote, QuotePage, VendorRequest, VendorResponse
from vendors.client.failures import error_object, failure_from_status
from vendors.parse.fields import FieldReader, read_object
from vendors.parse.scaleway_items import read_block_volume, read_hardware, read_local_volume, read_server

_CHARGED_STATUSES: Final = frozenset({"running", "stopped in place", "stopped_in_place"})
_NOT_FOUND: Final = "not_found"
_UNKNOWN_RESOURCE: Final = "unknown_resource"
_PROBE: Final = "GetServer"
_ZONE: Final = re.compile(r"[a-z]{2}-[a-z]{3}-\d{1,2}")
_PER_PAGE: Final = "100"
"""The maximum number of items per page."""
_FIRST_CURSOR: Final = "1:0"
_NANOS: Final = 1_000_000_000
_MAX_COUNT: Final = 10_000_000


def _validate_zones(zones: tuple[str, ...]) -> tuple[str, ...]:
    if not zones:
        raise ValueError('scaleway is listed zone by zone: name them, as in zones = ["fr-par-2"]')
    for zone in zones:
        if not _ZONE.fullmatch(zone):
            raise ValueError("every zone must be a zone name such as fr-par-2")
    return tuple(dict.fromkeys(zones))


class ScalewaySettings(KeySettings):
    """A secret key, and the zones to list."""

    zones: Annotated[tuple[str, ...], AfterValidator(_validate_zones)] = Field(default=(), validate_default=True)


class Scaleway(ApiKeyVendor):
    """One secret key and its zones."""

    name = "scaleway"
    # The zone is part of the path.
    api_url = "https://api.scaleway.com"
    key_header = "X-Auth-Token"
    key_scheme = ""
    error_path = ("type",)
    not_found_codes = MappingProxyType({_PROBE: frozenset({_NOT_FOUND, _UNKNOWN_RESOURCE})})
    settings_type = ScalewaySettings
    links_owner = ResourceKind.VOLUMES
    ids_span_accounts = True
    # Three listings a zone, each page by page, at an unpublished limit.
    default_cooldown_seconds = 60
    default_deadline_seconds = 5

    def __init__(self, settings: ScalewaySettings) -> None:
        super().__init__(settings)
        self._zones = settings.zones

    def regions(self, kind: ResourceKind) -> tuple[str | None, ...]:
        """Return the configured zones."""
        return self._zones

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return the listing of servers, or those of local volumes and of Block Storage volumes."""
        instances, by_per_page = _path("instance", region), _paging("per_page")
        if kind is ResourceKind.MACHINES:
            order = (("order", "creation_date_desc"),)
            read_item = partial(read_server, region)
            return (JsonListing("ListServers", f"{instances}/servers", "servers", read_item, order, by_per_page),)
        read_local, read_block = partial(read_local_volume, region), partial(read_block_volume, region)
        block_query = (("order_by", "created_at_desc"), ("include_deleted", "false"))
        block_path = f"{_path('block', region)}/volumes"
        # If both listings report a volume, the later one is used: it has all fields of a Block Storage volume.
        return (
            JsonListing("ListVolumes", f"{instances}/volumes", "volumes", read_local, paging=by_per_page),
            JsonListing("ListBlockVolumes", block_path, "volumes", read_block, block_query, _paging("page_size")),
        )

    def price_list(self, kind: ResourceKind, region: str | None) -> PriceList | None:
        """Return the zone's own price list."""
        return ServerPriceList(region) if kind is ResourceKind.MACHINES else VolumeTypePriceList(region)

    def probe(self, kind: ResourceKind, region: str | None) -> Probe | None:
        """Return the call for one server.

        Volumes are not probed: an id does not show which interface has the volume, and each interface answers 404 for
        the volumes of the other one.
        """
        if kind is not ResourceKind.MACHINES:
            return None
        return Probe(_PROBE, f"{_path('instance', region)}/servers", "server", partial(read_server, region))

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """Interpret `type`. A 404 for another resource than the requested one is not evidence of absence."""
        failure = super().read_failure(request, status, headers, body, now)
        error = error_object(body)
        if isinstance(failure, NotFoundByVendor) and not _names_resource(error, request.path.rpartition("/")[2]):
            return failure_from_status(status, headers, request.operation, now, error.get("type"))
        return failure


def _names_resource(error: Mapping[str, object], vendor_id: str) -> bool:
    """Return whether an error refers to the requested resource."""
    if error.get("type") == _NOT_FOUND:
        return error.get("resource_id", vendor_id) == vendor_id
    message = error.get("message")
    return isinstance(message, str) and vendor_id in re.split("[\"']", message)


def _path(product: str, zone: str | None) -> str:
    return f"/{product}/v1/zones/{quote(zone or '', safe='')}"


def _paging(size_parameter: str) -> ListingPaging:
    # No field refers to the next page, so a cursor consists of a page number and the number of items before that page.
    return ListingPaging(partial(_page_query, size_parameter), _follow)


def _page_query(size_parameter: str, cursor: str | None) -> Query:
    return (("page", (cursor or _FIRST_CURSOR).partition(":")[0]), (size_parameter, _PER_PAGE))


def _follow(body: FieldReader, response: VendorResponse, count: int) -> tuple[str | None, int]:
    total = _total(body, response.headers)
    return _next_cursor(response.cursor, count, total), total


def _next_cursor(cursor: str | None, count: int, total: int) -> str | None:
    page, _, items_before = (cursor or _FIRST_CURSOR).partition(":")
    items = int(items_before) + count
    # A page without items ends a listing that never reaches its total.
    return f"{int(page) + 1}:{items}" if count and items < total else None


def _total(body: FieldReader, headers: Mapping[str, str]) -> int:
    header = headers.get("x-total-count", "")
    total = body.integer("total_count", 0, _MAX_COUNT)
    if header.isascii() and header.isdigit() and len(header) < len(str(_MAX_COUNT)):
        total = int(header)
    if total is None:
        raise MalformedAnswer("Both 'x-total-count' and 'total_count', the number of items, are missing.")
    return total


@dataclass(frozen=True, slots=True)
class ServerPriceList:
    """The prices and the hardware of commercial types: `hourly_price`, "in Euro"."""

    zone: str | None
    has_hardware: ClassVar[bool] = True

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the request for a page."""
        path = f"{_path('instance', self.zone)}/products/servers"
        return VendorRequest("ListServersTypes", path, query=_page_query("per_page", cursor))

    def read(self, response: VendorResponse) -> QuotePage:
        """Return the quotes of a page, whose types are a map and not a list."""
        body = read_object(response.payload)
        types = body.objects("servers")
        if types is None:
            raise MalformedAnswer("The map 'servers' is missing.")
        rates = {sku: commercial_type.price("hourly_price") for sku, commercial_type in types.items()}
        quotes = {sku: Quote(rate, "EUR", read_hardware(types[sku])) for sku, rate in rates.items() if rate is not None}
        return QuotePage(quotes, _follow(body, response, len(types))[0], body.dropped)

    def quote(self, observation: Observation, quotes: Mapping[str, Quote]) -> Quote | None:
        """Return the quote of the commercial type."""
        return quotes.get(observation.terms.sku or "") if isinstance(observation.terms, Terms) else None

    def is_charged(self, observation: Observation) -> bool:
        """Return whether the server holds its hypervisor."""
        return observation.vendor_status in _CHARGED_STATUSES


@dataclass(frozen=True, slots=True)
class VolumeTypePriceList:
    """The prices of volume types: `pricing`, "price of the volume billed in GB/hour"."""

    zone: str | None
    has_hardware: ClassVar[bool] = False

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the request for a page."""
        path = f"{_path('block', self.zone)}/volume-types"
        return VendorRequest("ListVolumeTypes", path, query=_page_query("page_size", cursor))

    def read(self, response: VendorResponse) -> QuotePage:
        """Return the prices per gigabyte."""
        body = read_object(response.payload)
        types = body.items("volume_types")
        rates = {volume_type.text("type"): _read_money(volume_type.child("pricing")) for volume_type in types}
        quotes = {sku: rate for sku, rate in rates.items() if sku and rate}
        return QuotePage(quotes, _follow(body, response, len(types))[0], body.dropped)

    def quote(self, observation: Observation, quotes: Mapping[str, Quote]) -> Quote | None:
        """Return the price of the volume by its type and size."""
        sku = observation.terms.sku if isinstance(observation.terms, Terms) else None
        size = observation.spec.disk_gb if isinstance(observation.spec, Spec) else None
        per_gb = quotes.get(sku or "")
        return None if per_gb is None or size is None else Quote(round(per_gb.hourly * size, 9), per_gb.currency)

    def is_charged(self, observation: Observation) -> bool:
        """Return whether the volume exists."""
        return observation.status is ResourceStatus.RUNNING


def _read_money(money: FieldReader) -> Quote | None:
    units, nanos, currency = money.price("units"), money.integer("nanos", 0, _NANOS - 1), money.text("currency_code")
    if currency is None or not re.fullmatch(r"[A-Z]{3}", currency) or (units is None and nanos is None):
        return None
    return Quote((units or 0) + (nanos or 0) / _NANOS, currency)
