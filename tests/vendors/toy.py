"""A vendor as small as one can be, whose readers break wherever the answer tells them to."""

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
    """One key."""

    credentials: ApiKey


@dataclass(frozen=True)
class ToyListing:
    """Pages of `{"ids": [...], "next": ..., "dropped": ..., "total": ...}`."""

    operation: str

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for a page."""
        return VendorRequest(self.operation, f"/{self.operation}", query=(("after", cursor),) if cursor else ())

    def read(self, answer: VendorResponse) -> Page:
        """No care is taken: a missing key is a KeyError."""
        told: Any = answer.payload
        return Page(tuple(map(observed, told["ids"])), told.get("next"), told.get("dropped", 0), told.get("total"))


class Toy(Vendor):
    """Machines are told by two listings, volumes by one; only machines can be probed."""

    name = "toy"
    settings_type = ToySettings
    links_owner = ResourceKind.MACHINES

    def __init__(self, settings: ToySettings) -> None:
        self._key = settings.credentials.api_key.get_secret_value()

    def base_url(self, region: str | None) -> str:
        """Nowhere."""
        return "http://toy.invalid"

    def regions(self, kind: ResourceKind) -> tuple[str | None, ...]:
        """Volumes have two."""
        return (None,) if kind is ResourceKind.MACHINES else ("north", "south")

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Two, or one."""
        if kind is ResourceKind.MACHINES:
            return (ToyListing("small"), ToyListing("large"))
        return (ToyListing("volumes"),)

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """Machines only."""
        return VendorRequest("one", f"/one/{vendor_id}") if kind is ResourceKind.MACHINES else None

    def read_probe(self, kind: ResourceKind, region: str | None, vendor_id: str, answer: VendorResponse) -> Observation:
        """As careless as the listing."""
        told: Any = answer.payload
        return observed(told["id"])

    def authorize(
        self, request: VendorRequest, url: str, body: bytes, region: str | None, now: datetime
    ) -> Mapping[str, str]:
        """A header."""
        return {"x-key": self._key}

    def credential_text(self) -> str:
        """The key."""
        return self._key

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """`gone` is its word; `break` breaks this reader too."""
        if "break" in body:
            raise KeyError(body)
        return NotFoundByVendor("gone") if body == "gone" else None


def observed(vendor_id: str) -> Observation:
    """A machine; what follows a colon in its id is its name."""
    one, _, name = vendor_id.partition(":")
    return Observation(
        ResourceKind.MACHINES, one, ResourceType.VM, ResourceStatus.RUNNING, "running", name=name or None
    )
