"""What a vendor's file provides: requests to send, pure functions that read the answers, and the vendor's own facts.

A vendor never touches the database, retries, rate limits, clocks or sockets; those are the transport's
(`vendors/client/transport.py`) and the pager's (`vendors/client/cloud.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, SecretStr

from domain.enums import ResourceKind
from domain.errors import VendorFailure
from domain.records.observation import Observation


class VendorSettings(BaseModel):
    """What an account of a vendor is configured with, beyond what every account has. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ApiKey(VendorSettings):
    """The credentials of every vendor with a single key."""

    api_key: SecretStr


@dataclass(frozen=True, slots=True)
class VendorRequest:
    """One call. `path` follows the vendor's base URL; `operation` names it in metrics and logs, without ids.

    `idempotent` False forbids the transport to send it twice.
    """

    operation: str
    path: str
    method: Literal["GET", "POST"] = "GET"
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    expects: Literal["json", "xml"] = "json"
    idempotent: bool = True


@dataclass(frozen=True, slots=True)
class VendorResponse:
    """A decoded answer. `payload` is what JSON decodes to, or an XML root element; header names are lower case.

    `seconds` is how long it took, `request_id` what the vendor itself calls the request. `cursor` is what a listing's page was
    asked with, None for its first.
    """

    status: int
    headers: Mapping[str, str]
    payload: object
    seconds: float = 0
    request_id: str | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. `cursor` asks for the next page, None ends the listing; `dropped` counts values left out.

    `total` is how many items the vendor says the whole listing holds. Where it is told, the listing counts as complete only if
    every page told the same and as many different ids came: pages that are asked for by their number or offset move up when an
    item before them goes, and one is skipped.
    """

    observations: tuple[Observation, ...]
    cursor: str | None = None
    dropped: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A documented limit: so many calls in so many seconds; `operation`: of that one alone, not of all together."""

    calls: float
    seconds: float
    operation: str | None = None


class Listing(Protocol):
    """One paged listing; a sweep is one or several of them."""

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for the first page (None) or the page of a cursor."""
        ...

    def read(self, answer: VendorResponse) -> Page:
        """What the page told. Pure. Raises MalformedAnswer where its shape is not what the vendor documents."""
        ...


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a sku is made of, as far as a price list tells; names and units as in `Spec`."""

    gpu_type: str | None = None
    gpu_family: str | None = None
    gpu_count: int | None = None
    vcpu_count: float | None = None
    memory_gb: float | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """What something costs an hour while it runs, and what it is made of where the price list tells that too."""

    hourly: float
    currency: str
    hardware: Hardware | None = None


@dataclass(frozen=True, slots=True)
class QuotePage:
    """One page of a catalogue: quotes by whatever the vendor names its offers by. `cursor` asks for the next page."""

    quotes: Mapping[str, Quote]
    cursor: str | None = None
    dropped: int = 0


class PriceList(Protocol):
    """A vendor's price list, for a scope whose listing tells no prices. It is read at most hourly, and never fails a sweep."""

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for the first page (None) or the page of a cursor. One call may serve several scopes of a region."""
        ...

    def read(self, answer: VendorResponse) -> QuotePage:
        """What the page told. Pure. Raises MalformedAnswer where its shape is not what the vendor documents."""
        ...

    @property
    def tells_hardware(self) -> bool:
        """Whether its quotes have hardware, which the listing lacks."""
        ...

    def quote(self, told: Observation, quotes: Mapping[str, Quote]) -> Quote | None:
        """What the resource costs an hour while it runs, from the quotes of all pages; None where they tell nothing. Pure."""
        ...

    def charged(self, told: Observation) -> bool:
        """Whether the resource is documented to cost that in its present status. False is *not known*, never *free*."""
        ...


class Vendor(ABC):
    """One account at one vendor. Subclasses are found by scanning this package: a file is all that a vendor needs.

    Built as `cls(settings)`, with an instance of its `settings_type`. Every `SecretStr` in there is scrubbed from whatever
    a failure quotes. An item of a list without a usable id makes the whole page malformed: dropped, it would read as absent.
    """

    name: ClassVar[str]
    """The word in the configuration, e.g. `lambda`."""
    settings_type: ClassVar[type[VendorSettings]]
    """Its own keys in `[[accounts]]`, `credentials` among them."""
    links_owner: ClassVar[ResourceKind]
    """The kind whose listings say what is attached to what."""
    needs_endpoint: ClassVar[bool] = False
    """Whether the vendor has no public address, so that every account must be configured with an `endpoint`."""
    ids_span_accounts: ClassVar[bool] = False
    """Whether its ids name one thing over all its accounts, so that two keys which show the same id show the same thing."""
    documented_limits: ClassVar[tuple[RateLimit, ...]] = ()
    """The vendor's documented limits, for an account in a region, with their source; half of them is the default budget."""
    default_cooldown_seconds: ClassVar[float | None] = None
    """The vendor's own default max age, where the global one would cost too much."""
    default_deadline_seconds: ClassVar[float | None] = None
    """The vendor's own default max wait."""
    default_flight_seconds: ClassVar[float | None] = None
    """The vendor's own default for a whole flight, where its limits make a large account take longer than the global one."""

    @abstractmethod
    def __init__(self, settings: VendorSettings) -> None:
        """Take an instance of `settings_type`. Nothing is called."""

    @abstractmethod
    def base_url(self, region: str | None) -> str:
        """Scheme, host and base path of the vendor's public API; a configured `endpoint` replaces scheme and host."""

    @abstractmethod
    def regions(self, kind: ResourceKind) -> tuple[str | None, ...]:
        """The regions that are listed one by one; `(None,)` where one listing tells all."""

    @abstractmethod
    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """The listings that together sweep the scope."""

    def catalogue(self, kind: ResourceKind, region: str | None) -> PriceList | None:
        """The price list of a scope, where the vendor has one and the scope's own listing lacks prices."""
        return None

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """The call that asks for one resource, or None where there is none or no words for "no such thing" are known."""
        return None

    def read_probe(self, kind: ResourceKind, region: str | None, vendor_id: str, answer: VendorResponse) -> Observation:
        """What a probe told. Pure. Raises NotFoundByVendor or MalformedAnswer."""
        raise NotImplementedError

    @abstractmethod
    def authorize(
        self, request: VendorRequest, url: str, body: bytes, region: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The headers that authenticate the call. `url` is whole, its query included."""

    @abstractmethod
    def credential_text(self) -> str:
        """The credentials as one text, only ever to be hashed."""

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """What an answer that is no success means in the vendor's own words; None leaves it to the common mapping.

        Only here may NotFoundByVendor come from a status: any other 404 is a malformed answer.
        """
        return None
