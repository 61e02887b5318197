"""The interface of a vendor's adapter: requests to send, pure functions that parse the responses, and facts about the vendor.

An adapter never touches the database, retries, rate limits, clocks or sockets. Those belong to the transport
(`vendors/client/transport.py`) and to the code that pages through listings (`vendors/client/cloud.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr

from domain.enums import ResourceKind
from domain.errors import VendorFailure
from domain.records.observation import Observation


class VendorSettings(BaseModel):
    """A vendor's own settings of an account, in addition to those that every account has. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ApiKey(VendorSettings):
    """The credentials of every vendor with a single key."""

    api_key: SecretStr


@dataclass(frozen=True, slots=True)
class VendorRequest:
    """One HTTP call.

    `path` follows the vendor's base URL. `operation` names the call in metrics and logs and contains no ids.
    If `idempotent` is false, the transport never sends the request twice.
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
    """A decoded response.

    `payload` is the decoded JSON value, or an XML root element. Header names are lower case. `seconds` is how long the
    call took. `request_id` is the vendor's own id of the request. `cursor` is the cursor that the page of a listing was
    requested with, `None` for the first page.
    """

    status: int
    headers: Mapping[str, str]
    payload: object
    seconds: float = 0
    request_id: str | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing.

    `cursor` requests the next page; `None` ends the listing. `dropped` counts values that were left out. `total` is how
    many items the whole listing has according to the vendor. If it is set, the listing is complete only if every page
    reports the same total and that many distinct ids were returned: when an item disappears, pages that are requested
    by number or offset move up, and an item is skipped.
    """

    observations: tuple[Observation, ...]
    cursor: str | None = None
    dropped: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A documented limit of `calls` in `seconds`, for all operations together or for one `operation` alone."""

    calls: float
    seconds: float
    operation: str | None = None


class HasCursor(Protocol):
    """A page of a listing or of a price list."""

    @property
    def cursor(self) -> str | None:
        """The cursor of the next page; `None` ends the listing."""
        ...


PageT_co = TypeVar("PageT_co", bound=HasCursor, covariant=True)


class PageSource(Protocol[PageT_co]):
    """A paged listing, or a price list."""

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the request for the first page (`None`) or for the page of a cursor. One call may serve several scopes."""
        ...

    def read(self, response: VendorResponse) -> PageT_co:
        """Return the page that a response contains. Pure. Raise MalformedAnswer if its shape is not the documented one."""
        ...


Listing: TypeAlias = PageSource[Page]
"""One paged listing. A sweep consists of one or several listings."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """The hardware of a sku as far as a price list reports it. Names and units as in `Spec`."""

    gpu_type: str | None = None
    gpu_family: str | None = None
    gpu_count: int | None = None
    vcpu_count: float | None = None
    memory_gb: float | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a sku per hour while it runs, and its hardware if the price list reports that too."""

    hourly: float
    currency: str
    hardware: Hardware | None = None


@dataclass(frozen=True, slots=True)
class QuotePage:
    """One page of a price list: quotes by the vendor's own keys. `cursor` requests the next page."""

    quotes: Mapping[str, Quote]
    cursor: str | None = None
    dropped: int = 0


class PriceList(PageSource[QuotePage], Protocol):
    """A vendor's price list, for a scope whose listing reports no prices.

    It is fetched at most once an hour, and a failure to fetch it fails no sweep.
    """

    @property
    def has_hardware(self) -> bool:
        """Whether its quotes include hardware, which the listing lacks."""
        ...

    def quote(self, observation: Observation, quotes: Mapping[str, Quote]) -> Quote | None:
        """Return a resource's hourly price while it runs, from the quotes of all pages; `None` if it is not listed. Pure."""
        ...

    def is_charged(self, observation: Observation) -> bool:
        """Return whether the vendor documents that the resource costs its quote in its present status.

        False means that its cost is unknown, never that it is free.
        """
        ...


class Vendor(ABC):
    """The adapter of one account at one vendor. Subclasses are found by scanning this package.

    It is constructed as `cls(settings)` with an instance of its `settings_type`. Every `SecretStr` in the settings is
    removed from the text of failures. An item of a list without a usable id makes the whole page malformed, because an
    item that is left out would read as absent.
    """

    name: ClassVar[str]
    """The vendor's name in the configuration, e.g. `lambda`."""
    settings_type: ClassVar[type[VendorSettings]]
    """Its own keys in `[[accounts]]`, including `credentials`."""
    links_owner: ClassVar[ResourceKind]
    """The kind whose listings report what is attached to what."""
    needs_endpoint: ClassVar[bool] = False
    """Whether the vendor has no public address, so that every account must be configured with an `endpoint`."""
    uses_proxy: ClassVar[bool] = True
    """Whether calls go through the proxy of the environment."""
    ids_span_accounts: ClassVar[bool] = False
    """Whether an id names the same resource in all accounts, so that two keys that list the same id list the same resource."""
    documented_limits: ClassVar[tuple[RateLimit, ...]] = ()
    """The vendor's documented limits for an account in a region, with their source. Half of them is the default budget."""
    default_cooldown_seconds: ClassVar[float | None] = None
    """The vendor's own default max age, if the global default would cost too many calls."""
    default_deadline_seconds: ClassVar[float | None] = None
    """The vendor's own default max wait."""
    default_flight_seconds: ClassVar[float | None] = None
    """The vendor's own limit of a flight, if the sweep of a large account takes longer than the global one."""

    secrets: tuple[str, ...] = ()
    """Every secret of the account's settings; set by the registry, and removed from the text of failures."""

    @abstractmethod
    def __init__(self, settings: VendorSettings) -> None:
        """Take an instance of `settings_type`. No call is made."""

    @abstractmethod
    def base_url(self, region: str | None) -> str:
        """Return scheme, host and base path of the public API. A configured `endpoint` replaces scheme and host."""

    @abstractmethod
    def regions(self, kind: ResourceKind) -> tuple[str | None, ...]:
        """Return the regions that are listed separately; `(None,)` if one listing covers all regions."""

    @abstractmethod
    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return the listings that together sweep the scope."""

    def price_list(self, kind: ResourceKind, region: str | None) -> PriceList | None:
        """Return the price list of a scope whose own listing reports no prices; `None` if the vendor has none."""
        return None

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """Return the request for one resource.

        `None` if the vendor has no such call, or does not document how it says that a resource does not exist.
        """
        return None

    def read_probe(
        self, kind: ResourceKind, region: str | None, vendor_id: str, response: VendorResponse
    ) -> Observation:
        """Return the resource that a probe's response contains. Pure. Raise NothingReturned or MalformedAnswer."""
        raise NotImplementedError

    @abstractmethod
    def authorize(
        self, request: VendorRequest, url: str, body: bytes, region: str | None, now: datetime
    ) -> Mapping[str, str]:
        """Return the headers that authenticate the call. `url` is complete and includes the query."""

    @abstractmethod
    def credential_text(self) -> str:
        """Return the credentials as one text, which is only ever hashed."""

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """Return what an error response means according to the vendor's own error codes; `None` to use the status alone.

        Only this method may derive NotFoundByVendor from a status: any other 404 is a malformed answer.
        """
        return None
