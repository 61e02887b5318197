"""The common base of vendors with one API key and one address. Their modules contain only what is specific to the vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import ClassVar, TypeAlias
from urllib.parse import quote

from domain.enums import ResourceKind
from domain.errors import NotFoundByVendor, VendorFailure
from domain.records.observation import Observation
from vendors.base import ApiKey, Page, Vendor, VendorRequest, VendorResponse, VendorSettings
from vendors.client.failures import error_code, failure_from_status, safe_error_code
from vendors.parse.fields import FieldReader, read_object

Query: TypeAlias = tuple[tuple[str, str], ...]


class KeySettings(VendorSettings):
    """The settings of an account with one API key."""

    credentials: ApiKey


class ApiKeyVendor(Vendor):
    """A vendor with one API key and one address, where one listing covers all regions."""

    settings_type: ClassVar[type[KeySettings]] = KeySettings
    api_url: ClassVar[str]
    """Scheme, host and base path of the vendor's public API."""
    key_header: ClassVar[str] = "Authorization"
    key_scheme: ClassVar[str] = "Bearer "
    """The text before the key in its header."""
    error_path: ClassVar[tuple[str, ...]] = ()
    """Where the JSON of an error has the vendor's error code, such as `error`, `code`; empty if it has none."""
    not_found_codes: ClassVar[Mapping[str, frozenset[str]]] = MappingProxyType({})
    """For each operation that probes a resource: the error codes of a 404 that say that the resource does not exist."""

    def __init__(self, settings: KeySettings) -> None:
        self._key = settings.credentials.api_key

    def base_url(self, region: str | None) -> str:
        """Return the address, which is the same for all regions."""
        return self.api_url

    def regions(self, kind: ResourceKind) -> tuple[str | None, ...]:
        """Return one scope without a region: one listing covers all regions."""
        return (None,)

    def probe(self, kind: ResourceKind, region: str | None) -> Probe | None:
        """Return how one resource of the kind is probed; `None` as for `probe_request`."""
        return None

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """Request one resource by its id."""
        probe = self.probe(kind, region)
        return VendorRequest(probe.operation, f"{probe.path}/{quote(vendor_id, safe='')}") if probe else None

    def read_probe(
        self, kind: ResourceKind, region: str | None, vendor_id: str, response: VendorResponse
    ) -> Observation:
        """Return the resource."""
        probe = self.probe(kind, region)
        if probe is None:
            return super().read_probe(kind, region, vendor_id, response)
        body = read_object(response.payload)
        return probe.read_item(body.resource(probe.key) if probe.key else body)

    def authorize(
        self, request: VendorRequest, url: str, body: bytes, region: str | None, now: datetime
    ) -> Mapping[str, str]:
        """Return the header with the key."""
        return {self.key_header: f"{self.key_scheme}{self._key.get_secret_value()}"}

    def credential_text(self) -> str:
        """Return the key."""
        return self._key.get_secret_value()

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """Interpret the vendor's error code; without one, return `None` to use the status alone."""
        code = error_code(body, *self.error_path)
        if code is None:
            return None
        if status == HTTPStatus.NOT_FOUND and code in self.not_found_codes.get(request.operation, ()):
            return NotFoundByVendor(f"{request.operation}: answered 404 ({safe_error_code(code)}).")
        return failure_from_status(status, headers, request.operation, now, code)


@dataclass(frozen=True, slots=True)
class Probe:
    """How one resource is requested, at its id below `path`. `key` is its name in the response, if it is nested there."""

    operation: str
    path: str
    key: str | None
    read_item: Callable[[FieldReader], Observation]


@dataclass(frozen=True, slots=True)
class ListingPaging:
    """How the pages of a listing are requested and followed.

    `query` returns the parameters for the page of a cursor. `follow` returns the cursor and the total of a `Page` from
    its body, its response and the number of its items.
    """

    query: Callable[[str | None], Query]
    follow: Callable[[FieldReader, VendorResponse, int], tuple[str | None, int | None]]


@dataclass(frozen=True, slots=True)
class JsonListing:
    """A listing in JSON. `key` is the name of the list in a response. Without `paging`, one call returns it completely."""

    operation: str
    path: str
    key: str
    read_item: Callable[[FieldReader], Observation]
    query: Query = ()
    paging: ListingPaging | None = None
    null_is_empty: bool = False
    """Whether the vendor writes null for a list without items, as servers in Go do."""

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the request for a page."""
        paging = self.paging.query(cursor) if self.paging else ()
        return VendorRequest(self.operation, self.path, query=(*paging, *self.query))

    def read(self, response: VendorResponse) -> Page:
        """Return the page. A response without the list is malformed, never an empty listing."""
        body = read_object(response.payload)
        is_empty = self.null_is_empty and body.has(self.key) and not body.has_value(self.key)
        items = () if is_empty else tuple(map(self.read_item, body.items(self.key)))
        cursor, total = self.paging.follow(body, response, len(items)) if self.paging else (None, None)
        return Page(items, cursor, body.dropped, total)
