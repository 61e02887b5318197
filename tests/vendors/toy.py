"""A minimal vendor whose parsing functions raise whatever the response makes them raise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.enums import ResourceKind, ResourceStatus, ResourceType
from domain.errors import NotFoundByVendor, VendorFailure
from domain.records.observation import Observation
from vendors.base import ApiKey, Listing, Page, Vendor, VendorRequest, VendorResponse, VendorSettings


class ToySettings(VendorSettings):
    """The settings of an account with one key."""

    credentials: ApiKey


@dataclass(frozen=True)
class ToyListing:
    """Pages of `{"ids": [...], "next": ..., "dropped": ..., "total": ...}`."""

    operation: str

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the request for a page."""
        return VendorRequest(self.operation, f"/{self.operation}", query=(("after", cursor),) if cursor else ())

    def read(self, response: VendorResponse) -> Page:
        """Parse without any checks: a missing key is a KeyError."""
        body: Any = response.payload
        return Page(tuple(map(observe, body["ids"])), body.get("next"), body.get("dropped", 0), body.get("total"))


class Toy(Vendor):
    """A vendor with two listings of machines and one of volumes. Only machines can be probed."""

    name = "toy"
    settings_type = ToySettings
    links_owner = ResourceKind.MACHINES

    def __init__(self, settings: ToySettings) -> None:
        self._key = settings.credentials.api_key.get_secret_value()

    def base_url(self, region: str | None) -> str:
        """Return an address that does not exist."""
        return "http://toy.invalid"

    def regions(self, kind: ResourceKind) -> tuple[str | None, ...]:
        """Return two regions for volumes."""
        return (None,) if kind is ResourceKind.MACHINES else ("north", "south")

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return two listings for machines, one for volumes."""
        if kind is ResourceKind.MACHINES:
            return (ToyListing("small"), ToyListing("large"))
        return (ToyListing("volumes"),)

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """Request one machine."""
        return VendorRequest("one", f"/one/{vendor_id}") if kind is ResourceKind.MACHINES else None

    def read_probe(
        self, kind: ResourceKind, region: str | None, vendor_id: str, response: VendorResponse
    ) -> Observation:
        """Parse without any checks."""
        body: Any = response.payload
        return observe(body["id"])

    def authorize(
        self, request: VendorRequest, url: str, body: bytes, region: str | None, now: datetime
    ) -> Mapping[str, str]:
        """Return a header with the key."""
        return {"x-key": self._key}

    def credential_text(self) -> str:
        """Return the key."""
        return self._key

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """`gone` means not found; `break` breaks this function too."""
        if "break" in body:
            raise KeyError(body)
        return NotFoundByVendor("gone") if body == "gone" else None


def observe(vendor_id: str) -> Observation:
    """Return a machine; the text after a colon in its id is its name."""
    machine_id, _, name = vendor_id.partition(":")
    return Observation(
        ResourceKind.MACHINES, machine_id, ResourceType.VM, ResourceStatus.RUNNING, "running", name=name or None
    )
