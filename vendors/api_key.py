"""The common base of vendors with one API key and one address. Their modules contain only what is specific to the vendor.

Paged listings stay in each vendor's module, because vendors differ in how a page is requested and in how a complete
listing is recognized.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import ClassVar

from domain.enums import ResourceKind
from domain.errors import NotFoundByVendor, VendorFailure
from domain.records.observation import Observation
from vendors.base import ApiKey, Page, Vendor, VendorRequest, VendorResponse, VendorSettings
from vendors.client.error_bodies import error_code
from vendors.client.failures import failure_from_status, safe_error_code
from vendors.parse.fields import DropCounter, FieldReader, read_object


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
class SingleCallListing:
    """A listing that one call returns completely. `key` is the name of the list in its response."""

    operation: str
    path: str
    key: str
    read_item: Callable[[FieldReader], Observation]
    query: tuple[tuple[str, str], ...] = ()

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the one request."""
        return VendorRequest(self.operation, self.path, query=self.query)

    def read(self, response: VendorResponse) -> Page:
        """Return every item. A response without the list is malformed, never an empty listing."""
        drops = DropCounter()
        items = read_object(response.payload, drops).items(self.key)
        return Page(tuple(self.read_item(item) for item in items), None, drops.count)
