"""Scaleway: Instances with their local volumes, and Block Storage, zone by zone.

Source: Scaleway's own Python SDK 2.12, generated from its API definitions (`scaleway.instance.v1`, `scaleway.block.v1`), and the
traffic recorded in its package. Limits are not published.

What our words mean here
- `stopped_in_place` is STOPPED and keeps its hypervisor: it costs what it costs when it runs. A `stopped` one is not charged as
  running, and what is charged instead is not told: null. `locked` is ERROR: Scaleway has taken it out of use.
- No server tells its price: it is joined from the zone's own price list (`/products/servers`, in euros), as that of a Block
  Storage volume is (`/volume-types`, by gigabyte). Local volumes have none.
- A server tells no hardware. GPUs are read from its commercial type (`H100-2-80G`: two, of 80 GB each); CPUs, memory, and GPUs of
  types of other forms come from the price list.
- Volumes own the links: `references` of a Block Storage volume, which tell since when, and `server` of a local one. What is
  attaching or detaching is still held by its server.
- Pages are asked for by number, newest first where an order can be asked for; the total (`x-total-count`, or `total_count` in
  Block Storage) is held against what came. Without one a listing could not be known to be whole, and is malformed.
- SSH is `root` at port 22 by convention; the API tells neither.
- 404 with `type: not_found` is its word for "no such thing", unless it names another thing than the one asked for. The Instance
  interface also says `unknown_resource`, with the id in quotes in its message (`scw/errors.go` of Scaleway's Go SDK).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, ClassVar, Final
from urllib.parse import quote

from pydantic import AfterValidator, Field

from domain.enums import ResourceKind, ResourceStatus
from domain.errors import MalformedAnswer, NotFoundByVendor, VendorFailure
from domain.records.observation import Observation, Spec, Terms
from vendors.api_key import ApiKeyVendor, KeySettings
from vendors.base import Listing, Page, PriceList, Quote, QuotePage, VendorRequest, VendorResponse
from vendors.client.error_bodies import error_object
from vendors.client.failures import of_status
from vendors.parse.fields import DropCounter, FieldReader, from_object
from vendors.parse.scaleway_items import block_volume, hardware, local_volume, server

_CHARGED: Final = frozenset({"running", "stopped_in_place"})
_NO_SUCH: Final = "not_found"
_UNKNOWN: Final = "unknown_resource"
_PROBE: Final = "GetServer"
_ZONE: Final = re.compile(r"[a-z]{2}-[a-z]{3}-\d{1,2}")
_PER_PAGE: Final = "100"
"""The most that a page holds."""
_FIRST: Final = "1:0"
_NANOS: Final = 1_000_000_000
_HIGHEST_COUNT: Final = 10_000_000


def _named_zones(zones: tuple[str, ...]) -> tuple[str, ...]:
    if not zones:
        raise ValueError('scaleway is listed zone by zone: name them, as in zones = ["fr-par-2"]')
    for zone in zones:
        if not _ZONE.fullmatch(zone):
            raise ValueError("every zone is a word such as fr-par-2")
    return tuple(dict.fromkeys(zones))


class ScalewaySettings(KeySettings):
    """A secret key, and the zones to list."""

    zones: Annotated[tuple[str, ...], AfterValidator(_named_zones)] = Field(default=(), validate_default=True)


class Scaleway(ApiKeyVendor):
    """One secret key and its zones."""

    name = "scaleway"
    # The zone is in the path.
    address = "https://api.scaleway.com"
    key_header = "X-Auth-Token"
    key_scheme = ""
    error_path = ("type",)
    no_such = MappingProxyType({_PROBE: frozenset({_NO_SUCH, _UNKNOWN})})
    settings_type = ScalewaySettings
    links_owner = ResourceKind.VOLUMES
    ids_span_accounts = True
    # Three listings a zone at an unpublished limit, one page after the other.
    default_cooldown_seconds = 60
    default_deadline_seconds = 5

    def __init__(self, settings: ScalewaySettings) -> None:
        super().__init__(settings)
        self._zones = settings.zones

    def regions(self, kind: ResourceKind) -> tuple[str | None, ...]:
        """The zones, as configured."""
        return self._zones

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Servers; or local volumes, then those of Block Storage."""
        if kind is ResourceKind.MACHINES:
            return (_Listing(_SERVERS, region),)
        # Where both tell of a volume, the later one wins: it has the whole of a Block Storage volume.
        return (_Listing(_LOCAL_VOLUMES, region), _Listing(_BLOCK_VOLUMES, region))

    def catalogue(self, kind: ResourceKind, region: str | None) -> PriceList | None:
        """The zone's own prices."""
        return _ServerTypes(region) if kind is ResourceKind.MACHINES else _VolumeTypes(region)

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """Servers only. An id does not tell which interface has a volume, and each says "no such thing" of the other's."""
        if kind is not ResourceKind.MACHINES:
            return None
        return VendorRequest(_PROBE, f"{_SERVERS.at(region)}/{quote(vendor_id, safe='')}")

    def read_probe(self, kind: ResourceKind, region: str | None, vendor_id: str, answer: VendorResponse) -> Observation:
        """The same fields as in the list."""
        return server(region, from_object(answer.payload, DropCounter()).child("server"))

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """By `type`; of another thing than the one asked for it is no word for "no such thing"."""
        failure = super().read_failure(request, status, headers, body, now)
        told = error_object(body)
        if isinstance(failure, NotFoundByVendor) and not _is_of(told, request.path.rpartition("/")[2]):
            return of_status(status, headers, request.operation, now, told.get("type"))
        return failure


def _is_of(told: Mapping[str, object], asked: str) -> bool:
    """Whether an error is of the thing that was asked for."""
    if told.get("type") == _NO_SUCH:
        return told.get("resource_id", asked) == asked
    message = told.get("message")
    return isinstance(message, str) and asked in re.split("[\"']", message)


@dataclass(frozen=True, slots=True)
class _Interface:
    """How one kind of thing is listed. `size` is the word for how many a page holds."""

    operation: str
    path: str
    key: str
    size: str
    read_item: Callable[[str | None, FieldReader], Observation]
    more: tuple[tuple[str, str], ...] = ()

    def at(self, zone: str | None) -> str:
        return self.path.format(zone=quote(zone or "", safe=""))


@dataclass(frozen=True, slots=True)
class _Listing:
    """One listing of a zone. Nothing tells the next page: a cursor is the number of a page, and how many came before it."""

    interface: _Interface
    zone: str | None

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for a page."""
        query = (("page", _page(cursor)), (self.interface.size, _PER_PAGE), *self.interface.more)
        return VendorRequest(self.interface.operation, self.interface.at(self.zone), query=query)

    def read(self, answer: VendorResponse) -> Page:
        """Every item; without the list, or how many there are, the answer is malformed."""
        drops = DropCounter()
        told = from_object(answer.payload, drops)
        items = tuple(self.interface.read_item(self.zone, item) for item in told.items(self.interface.key))
        total = _total(told, answer.headers)
        return Page(items, _following(answer.cursor, len(items), total), drops.count, total)


def _page(cursor: str | None) -> str:
    return (cursor or _FIRST).partition(":")[0]


def _following(cursor: str | None, count: int, total: int) -> str | None:
    page, _, before = (cursor or _FIRST).partition(":")
    came = int(before) + count
    # A page without items ends a listing that never reaches its total.
    return f"{int(page) + 1}:{came}" if count and came < total else None


def _total(told: FieldReader, headers: Mapping[str, str]) -> int:
    header = headers.get("x-total-count", "")
    total = told.whole("total_count", 0, _HIGHEST_COUNT)
    if header.isascii() and header.isdigit() and len(header) < len(str(_HIGHEST_COUNT)):
        total = int(header)
    if total is None:
        raise MalformedAnswer("Neither 'x-total-count' nor 'total_count' tells how many there are.")
    return total


_SERVERS: Final = _Interface(
    "ListServers",
    "/instance/v1/zones/{zone}/servers",
    "servers",
    "per_page",
    server,
    (("order", "creation_date_desc"),),
)
_LOCAL_VOLUMES: Final = _Interface(
    "ListVolumes", "/instance/v1/zones/{zone}/volumes", "volumes", "per_page", local_volume
)
_BLOCK_VOLUMES: Final = _Interface(
    "ListBlockVolumes", "/block/v1/zones/{zone}/volumes", "volumes", "page_size", block_volume,
    (("order_by", "created_at_desc"), ("include_deleted", "false")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _ServerTypes:
    """`hourly_price`, "in Euro", by commercial type, and what that is made of."""

    zone: str | None
    tells_hardware: ClassVar[bool] = True

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for a page."""
        path = f"/instance/v1/zones/{quote(self.zone or '', safe='')}/products/servers"
        return VendorRequest("ListServersTypes", path, query=(("page", _page(cursor)), ("per_page", _PER_PAGE)))

    def read(self, answer: VendorResponse) -> QuotePage:
        """A map, not a list."""
        drops = DropCounter()
        told = from_object(answer.payload, drops)
        types = told.objects("servers")
        if types is None:
            raise MalformedAnswer("The map 'servers' is missing.")
        rates = {sku: one.price("hourly_price") for sku, one in types.items()}
        quotes = {sku: Quote(rate, "EUR", hardware(types[sku])) for sku, rate in rates.items() if rate is not None}
        return QuotePage(quotes, _following(answer.cursor, len(types), _total(told, answer.headers)), drops.count)

    def quote(self, told: Observation, quotes: Mapping[str, Quote]) -> Quote | None:
        """By commercial type."""
        return quotes.get(told.terms.sku or "") if isinstance(told.terms, Terms) else None

    def charged(self, told: Observation) -> bool:
        """While it holds its hypervisor."""
        return told.vendor_status in _CHARGED


@dataclass(frozen=True, slots=True)
class _VolumeTypes:
    """`pricing`: "price of the volume billed in GB/hour", by type."""

    zone: str | None
    tells_hardware: ClassVar[bool] = False

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for a page."""
        path = f"/block/v1/zones/{quote(self.zone or '', safe='')}/volume-types"
        return VendorRequest("ListVolumeTypes", path, query=(("page", _page(cursor)), ("page_size", _PER_PAGE)))

    def read(self, answer: VendorResponse) -> QuotePage:
        """What a gigabyte costs."""
        drops = DropCounter()
        told = from_object(answer.payload, drops)
        types = told.items("volume_types")
        found = {one.text("type"): _money(one.child("pricing")) for one in types}
        quotes = {sku: rate for sku, rate in found.items() if sku and rate}
        return QuotePage(quotes, _following(answer.cursor, len(types), _total(told, answer.headers)), drops.count)

    def quote(self, told: Observation, quotes: Mapping[str, Quote]) -> Quote | None:
        """By type and size."""
        sku = told.terms.sku if isinstance(told.terms, Terms) else None
        size = told.spec.disk_gb if isinstance(told.spec, Spec) else None
        gigabyte = quotes.get(sku or "")
        return None if gigabyte is None or size is None else Quote(round(gigabyte.hourly * size, 9), gigabyte.currency)

    def charged(self, told: Observation) -> bool:
        """While it is there."""
        return told.status is ResourceStatus.RUNNING


def _money(told: FieldReader) -> Quote | None:
    units, nanos, currency = told.price("units"), told.whole("nanos", 0, _NANOS - 1), told.text("currency_code")
    if currency is None or not re.fullmatch(r"[A-Z]{3}", currency) or (units is None and nanos is None):
        return None
    return Quote((units or 0) + (nanos or 0) / _NANOS, currency)
