"""What a vendor's double must know to play in the matrix: what its calls ask, and its answers, sound ones and odd ones."""

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
"""How many machines, and how many volumes, the healthy account holds; the first machine has the first volume."""
_PAGE: Final = 2
_NAMED: Final = b"name-"
NO_PAGES: Final = "one call lists everything: there are no pages, and no cursor"
NO_PROBES: Final = "nothing is probed: no words for no such thing are known"
ONE_OBJECT: Final = "a probe answers one object: there is no list in it"


class When(StrEnum):
    """The flight that meets the fault."""

    FIRST = "first sweep"
    LATER = "later sweep"
    PROBE = "probe"


class Twist(StrEnum):
    """What may be wrong with the items of an answer that is otherwise sound."""

    NONE = "none"
    TYPES = "types"
    """Every field but the id has a type that no vendor documents."""
    NO_ID = "no id"
    NAN = "nan"


class Oddity(StrEnum):
    """What may stand where an answer's list, or its one object, should be."""

    EMPTY_OBJECT = "empty object"
    NULL = "null"
    TEXT = "text"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]

    @classmethod
    def parse(cls, raw: bytes) -> Asked:
        """From the bytes of a whole request; header names become lower case."""
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("ascii").split("\r\n")
        target = urlsplit(first.split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return cls(unquote(target.path), dict(parse_qsl(target.query)), dict(parse_qsl(body.decode("ascii"))), headers)


@dataclass(frozen=True)
class Call:
    """What a request asks: one resource by id, a page of a list, or the price list."""

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
    """One vendor's double. Found by scanning `tests/matrix/players`; its answers are of the shapes its adapter documents."""

    vendor: ClassVar[str]
    media: ClassVar[str] = "application/json"
    paged: ClassVar[bool] = True
    credential_header: ClassVar[str] = "authorization"
    """The header, in lower case, that its calls are authorized by."""

    @abstractmethod
    def settings(self, secret: str) -> dict[str, Any]:
        """The account's own settings, in which every credential begins with this text."""

    @abstractmethod
    def call(self, asked: Asked) -> Call:
        """What a request asks."""

    @abstractmethod
    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """The id of the resource of this number, 1 to `PER_KIND`."""

    @abstractmethod
    def page(self, kind: ResourceKind, numbers: Sequence[int], cursor: str | None, twist: Twist = Twist.NONE) -> bytes:
        """A page of a list; `cursor` names the next one."""

    @abstractmethod
    def one(self, kind: ResourceKind, number: int, twist: Twist = Twist.NONE) -> bytes:
        """What a probe of the resource is answered with."""

    @abstractmethod
    def odd(self, call: Call, oddity: Oddity) -> bytes:
        """An answer without its list, or its object."""

    @abstractmethod
    def no_such(self, call: Call) -> tuple[int, bytes]:
        """Status and body that say, in the vendor's own words, that there is no such thing."""

    @abstractmethod
    def refusal(self, text: str) -> bytes:
        """An error's body with a message, in the vendor's form."""

    def prices(self) -> bytes:
        """The price list of a vendor that has one; no fault of the matrix is in it."""
        raise NotImplementedError

    def impossible(self, fault: str, when: When) -> str | None:
        """Why this vendor cannot show the fault, None where it can."""
        if not self.paged and fault in {"cut page", "repeated cursor"}:
            return NO_PAGES
        if when is When.PROBE and fault in {"cut page", "repeated cursor", "short list", "empty list"}:
            return ONE_OBJECT
        return None

    def number(self, call: Call) -> int:
        """Which resource a probe asks for."""
        return next(one for one in range(1, PER_KIND + 1) if self.vendor_id(call.kind, one) == call.vendor_id)

    def answer(self, call: Call, numbers: Sequence[int], twist: Twist = Twist.NONE) -> bytes:
        """The sound answer, of an account that lists these resources of each kind; a probe finds every one."""
        if call.catalogue:
            return self.prices()
        if call.vendor_id is not None:
            return self.one(call.kind, self.number(call), twist)
        if not self.paged:
            return self.page(call.kind, numbers, None, twist)
        start = int(call.cursor.removeprefix("page-")) if call.cursor else 0
        following = start + _PAGE
        return self.page(
            call.kind,
            numbers[start:following],
            f"page-{following}" if following < len(numbers) else None,
            twist,
        )

    def not_utf8(self, body: bytes) -> bytes:
        """The same body with a byte in its names that no UTF-8 has."""
        spoilt = body.replace(_NAMED, b"name\xff-")
        assert spoilt != body, "a sound answer names its resources name-1, name-2, ..."
        return spoilt


class JsonPlayer(Player):
    """A vendor that speaks JSON."""

    @abstractmethod
    def item(self, kind: ResourceKind, number: int) -> dict[str, Any]:
        """A resource as it is listed and probed; its key `id` names it."""

    @abstractmethod
    def listed(self, kind: ResourceKind, items: Any, cursor: str | None) -> dict[str, Any]:
        """The object around a list."""

    @abstractmethod
    def single(self, item: Any) -> Any:
        """The object around one resource."""

    def page(self, kind: ResourceKind, numbers: Sequence[int], cursor: str | None, twist: Twist = Twist.NONE) -> bytes:
        """A page of a list."""
        return _dumped(self.listed(kind, [self._twisted(kind, one, twist) for one in numbers], cursor), twist)

    def one(self, kind: ResourceKind, number: int, twist: Twist = Twist.NONE) -> bytes:
        """One resource."""
        return _dumped(self.single(self._twisted(kind, number, twist)), twist)

    def odd(self, call: Call, oddity: Oddity) -> bytes:
        """`{}`, or null or a text in the place of the list or object."""
        if oddity is Oddity.EMPTY_OBJECT:
            return b"{}"
        told = None if oddity is Oddity.NULL else "none"
        whole = self.listed(call.kind, told, None) if call.vendor_id is None else self.single(told)
        return json.dumps(whole).encode()

    def _twisted(self, kind: ResourceKind, number: int, twist: Twist) -> dict[str, Any]:
        item = self.item(kind, number)
        if twist is Twist.TYPES:
            return {name: value if name == "id" else _another_type(value) for name, value in item.items()}
        if twist is Twist.NO_ID:
            return item | {"id": None}
        return item


def _another_type(value: object) -> object:
    if isinstance(value, str):
        return [7]
    if isinstance(value, (int, float)):
        return "seven"
    return "text" if isinstance(value, dict) else {"0": "text"}


def _dumped(told: object, twist: Twist) -> bytes:
    body = json.dumps(told).encode()
    if twist is not Twist.NAN:
        return body
    spoilt = re.sub(rb'"name-\d"', b"NaN", body)
    assert spoilt != body, "a sound answer names its resources name-1, name-2, ..."
    return spoilt
