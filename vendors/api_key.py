"""What the vendors with one key and one address share, so that a file of theirs has the vendor's own shapes and no more.

A listing in pages stays each vendor's own: how a page is asked for, and how one knows that all came, is what they differ in.
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
from vendors.client.failures import of_status, vendor_word
from vendors.parse.fields import DropCounter, FieldReader, from_object


class KeySettings(VendorSettings):
    """One API key."""

    credentials: ApiKey


class ApiKeyVendor(Vendor):
    """One API key at a vendor with one address, where one listing tells all regions."""

    settings_type: ClassVar[type[KeySettings]] = KeySettings
    address: ClassVar[str]
    """Scheme, host and base path of the vendor's public API."""
    key_header: ClassVar[str] = "Authorization"
    key_scheme: ClassVar[str] = "Bearer "
    """What stands before the key in its header."""
    error_path: ClassVar[tuple[str, ...]] = ()
    """Where the JSON of an error has the vendor's word for it, such as `error`, `code`; empty where it has none."""
    no_such: ClassVar[Mapping[str, frozenset[str]]] = MappingProxyType({})
    """The operations of probes, and the words with which a 404 of each says "no such thing". The source stands beside them."""

    def __init__(self, settings: KeySettings) -> None:
        self._key = settings.credentials.api_key

    def base_url(self, region: str | None) -> str:
        """One host for all regions."""
        return self.address

    def regions(self, kind: ResourceKind) -> tuple[str | None, ...]:
        """One listing tells all regions."""
        return (None,)

    def authorize(
        self, request: VendorRequest, url: str, body: bytes, region: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The key in one header."""
        return {self.key_header: f"{self.key_scheme}{self._key.get_secret_value()}"}

    def credential_text(self) -> str:
        """The key."""
        return self._key.get_secret_value()

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """By the vendor's word for it; a body without one leaves it to the status."""
        word = error_code(body, *self.error_path)
        if word is None:
            return None
        if status == HTTPStatus.NOT_FOUND and word in self.no_such.get(request.operation, ()):
            return NotFoundByVendor(f"{request.operation}: answered 404 ({vendor_word(word)}).")
        return of_status(status, headers, request.operation, now, word)


@dataclass(frozen=True, slots=True)
class SingleCallListing:
    """One call that tells all; there are no pages. `key` is the word for the list in its answer."""

    operation: str
    path: str
    key: str
    read_item: Callable[[FieldReader], Observation]
    query: tuple[tuple[str, str], ...] = ()

    def request(self, cursor: str | None) -> VendorRequest:
        """The call."""
        return VendorRequest(self.operation, self.path, query=self.query)

    def read(self, answer: VendorResponse) -> Page:
        """Every item; without its list the answer is malformed, never empty."""
        drops = DropCounter()
        items = from_object(answer.payload, drops).items(self.key)
        return Page(tuple(self.read_item(item) for item in items), None, drops.count)
