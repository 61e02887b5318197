"""The test double of one vendor: it recognizes the adapter's requests and writes correct and malformed answers to them."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from domain.enums import ResourceKind

PER_KIND: Final = 4
"""Number of machines, and of volumes, in the healthy account. The first volume is attached to the first machine."""
_PAGE: Final = 2
_NAME_PREFIX: Final = b"name-"
_NAMES_MISSING: Final = "a correct answer must name its resources name-1, name-2, ..."
NO_PAGES: Final = "a single call returns the whole list: there are no pages and no cursor"
NO_PROBES: Final = "not probed: no answer of the vendor proves that a resource is gone"
ONE_OBJECT: Final = "a probe returns one object, not a list"


class FlightKind(StrEnum):
    """The flight that meets the fault."""

    FIRST = "first sweep"
    LATER = "later sweep"
    PROBE = "probe"


class Twist(StrEnum):
    """A defect in the items of an otherwise correct answer."""

    NONE = "none"
    TYPES = "types"
    """Every field except the id has a type that no vendor documents."""
    NO_ID = "no id"
    NAN = "nan"


class Oddity(StrEnum):
    """A value that replaces the list, or the single object, of an answer."""

    EMPTY_OBJECT = "empty object"
    NULL = "null"
    TEXT = "text"


@dataclass(frozen=True)
class ReceivedRequest:
    """A request that a double received."""

    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]

    @classmethod
    def parse(cls, raw: bytes) -> ReceivedRequest:
        """Parse the bytes of a complete request. Header names become lower case."""
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("ascii").split("\r\n")
        target = urlsplit(first.split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return cls(unquote(target.path), dict(parse_qsl(target.query)), dict(parse_qsl(body.decode("ascii"))), headers)


@dataclass(frozen=True)
class VendorCall:
    """The meaning of a request: one resource by id, one page of a list, or the price list."""

    kind: ResourceKind
    vendor_id: str | None = None
    cursor: str | None = None
    catalogue: bool = False

    @property
    def what(self) -> str:
        """`probe`, `sweep` or `catalogue`."""
        if self.catalogue:
            return "catalogue"
        return "sweep" if self.vendor_id is None else "probe"


class Player(ABC):
    """The test double of one vendor.

    Subclasses are discovered by scanning `tests/matrix/players`. Their answers have the shapes that the vendor's adapter
    documents.
    """

    vendor: ClassVar[str]
    media: ClassVar[str] = "application/json"
    paged: ClassVar[bool] = True
    credential_header: ClassVar[str] = "authorization"
    """The header, in lower case, that authorizes a call."""

    @abstractmethod
    def settings(self, secret: str) -> dict[str, Any]:
        """Return the account's vendor settings. Every credential in them starts with `secret`."""

    @abstractmethod
    def call(self, request: ReceivedRequest) -> VendorCall:
        """Recognize a request."""

    @abstractmethod
    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """Return the id of a resource. `number` is 1 to `PER_KIND`."""

    @abstractmethod
    def page(self, kind: ResourceKind, numbers: Sequence[int], cursor: str | None, twist: Twist = Twist.NONE) -> bytes:
        """Write one page of a list. `cursor` points to the next page."""

    @abstractmethod
    def one(self, kind: ResourceKind, number: int, twist: Twist = Twist.NONE) -> bytes:
        """Write the answer to a probe of the resource."""

    @abstractmethod
    def odd_answer(self, call: VendorCall, oddity: Oddity) -> bytes:
        """Write an answer in which an oddity replaces the list or the object."""

    @abstractmethod
    def not_found(self, call: VendorCall) -> tuple[int, bytes]:
        """Return the status and body by which the vendor itself says that the resource does not exist."""

    @abstractmethod
    def error_body(self, text: str) -> bytes:
        """Write an error body with a message, in the vendor's format."""

    def prices(self) -> bytes:
        """Write the vendor's price list, if it has one. The matrix puts no fault into it."""
        raise NotImplementedError

    def why_impossible(self, fault: str, flight: FlightKind) -> str | None:
        """Return why this vendor cannot show the fault, or `None` if it can."""
        if not self.paged and fault in {"cut page", "repeated cursor"}:
            return NO_PAGES
        if flight is FlightKind.PROBE and fault in {"cut page", "repeated cursor", "short list", "empty list"}:
            return ONE_OBJECT
        return None

    def number(self, call: VendorCall) -> int:
        """Return the number of the resource that a probe requests."""
        return next(number for number in range(1, PER_KIND + 1) if self.vendor_id(call.kind, number) == call.vendor_id)

    def answer(self, call: VendorCall, numbers: Sequence[int], twist: Twist = Twist.NONE) -> bytes:
        """Write the correct answer of an account that lists these resources of each kind.

        A probe finds any resource, listed or not.
        """
        if call.catalogue:
            return self.prices()
        if call.vendor_id is not None:
            return self.one(call.kind, self.number(call), twist)
        if not self.paged:
            return self.page(call.kind, numbers, None, twist)
        start = int(call.cursor.removeprefix("page-")) if call.cursor else 0
        end = start + _PAGE
        return self.page(call.kind, numbers[start:end], f"page-{end}" if end < len(numbers) else None, twist)

    def not_utf8(self, body: bytes) -> bytes:
        """Return the body with a byte in its names that is not valid UTF-8."""
        corrupted = body.replace(_NAME_PREFIX, b"name\xff-")
        assert corrupted != body, _NAMES_MISSING
        return corrupted


class JsonPlayer(Player):
    """The test double of a vendor whose API is JSON."""

    @abstractmethod
    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """Return a resource as both lists and probes show it. Its id is under the key `id`."""

    @abstractmethod
    def wrap_list(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """Return the object that contains a list."""

    @abstractmethod
    def wrap_one(self, item: Any) -> Any:
        """Return the object that contains one resource."""

    def page(self, kind: ResourceKind, numbers: Sequence[int], cursor: str | None, twist: Twist = Twist.NONE) -> bytes:
        """Write one page of a list as JSON."""
        items = [self._twisted_item(kind, number, twist) for number in numbers]
        return _encode(self.wrap_list(kind, items, cursor), twist)

    def one(self, kind: ResourceKind, number: int, twist: Twist = Twist.NONE) -> bytes:
        """Write one resource as JSON."""
        return _encode(self.wrap_one(self._twisted_item(kind, number, twist)), twist)

    def odd_answer(self, call: VendorCall, oddity: Oddity) -> bytes:
        """Write `{}`, or put null or a string in the place of the list or object."""
        if oddity is Oddity.EMPTY_OBJECT:
            return b"{}"
        value = None if oddity is Oddity.NULL else "none"
        body = self.wrap_list(call.kind, value, None) if call.vendor_id is None else self.wrap_one(value)
        return json.dumps(body).encode()

    def _twisted_item(self, kind: ResourceKind, number: int, twist: Twist) -> dict[str, Any]:
        item = self.item(kind, number)
        if twist is Twist.TYPES:
            return {name: value if name == "id" else _change_type(value) for name, value in item.items()}
        if twist is Twist.NO_ID:
            return item | {"id": None}
        return item


def _change_type(value: object) -> object:
    if isinstance(value, str):
        return [7]
    if isinstance(value, (int, float)):
        return "seven"
    return "text" if isinstance(value, dict) else {"0": "text"}


def _encode(document: object, twist: Twist) -> bytes:
    body = json.dumps(document).encode()
    if twist is not Twist.NAN:
        return body
    corrupted = re.sub(rb'"name-\d"', b"NaN", body)
    assert corrupted != body, _NAMES_MISSING
    return corrupted
