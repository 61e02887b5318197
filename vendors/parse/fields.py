"""Taking fields by name. An impossible value is dropped and counted, the rest is kept; what is not asked for is never seen.

A field that is missing, null or an empty text is *not told*: it reads None and counts nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final, TypeVar
from xml.etree.ElementTree import Element

from domain.errors import MalformedAnswer

LONGEST_TEXT: Final = 4096
"""In bytes of UTF-8."""
LONGEST_ID: Final = 255
LONGEST_CURSOR: Final = 64 * 1024
HIGHEST_PORT: Final = 65535
HIGHEST_PRICE: Final = 1_000_000.0
"""An hour, in any currency."""
SSH_PORT: Final = 22
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_HOST_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LONGEST_HOST: Final = 253
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2100

_Value = TypeVar("_Value")


class DropCounter:
    """How many impossible values a page held."""

    def __init__(self) -> None:
        self.count = 0

    def one(self) -> None:
        """Count one."""
        self.count += 1


class FieldReader:
    """Takes fields by name from one object.

    `textual` is for XML, where numbers and flags come as text; in JSON a number in quotes is a wrong type.
    """

    def __init__(self, source: Mapping[str, object], drops: DropCounter, *, textual: bool = False) -> None:
        self._source = source
        self._drops = drops
        self._textual = textual

    def has(self, name: str) -> bool:
        """Whether the field is there at all, null included."""
        return name in self._source

    def tells(self, name: str) -> bool:
        """Whether the field has a value, whatever it is."""
        return self._source.get(name) not in (None, "")

    def text(self, name: str, *, longest: int = LONGEST_TEXT) -> str | None:
        """A text of at most `longest` bytes, without NUL or lone surrogates."""
        return self._take(name, lambda value: _to_text(value, longest))

    def identifier(self, name: str) -> str:
        """The vendor's id of an item: printable, without spaces, never `.` or `..`. An integer is written out.

        Raises MalformedAnswer: an item without an id cannot be left out, or it would read as absent.
        """
        value = _to_identifier(self._source.get(name))
        if value is None:
            raise MalformedAnswer(f"An item of the list has no usable '{name}'.")
        return value

    def cursor(self, name: str) -> str | None:
        """What asks for the next page. Raises MalformedAnswer where it is told and unusable: the listing has not ended."""
        value = self._source.get(name)
        if value is None or value == "":
            return None
        text = _to_text(value, LONGEST_CURSOR)
        if text is None:
            raise MalformedAnswer(f"'{name}', which asks for the next page, cannot be used.")
        return text

    def reference(self, name: str) -> str | None:
        """The id of another thing."""
        return self._take(name, _to_identifier)

    def whole(self, name: str, low: int = 0, high: int = 1_000_000_000) -> int | None:
        """A whole number within bounds, both included."""
        return self._take(name, lambda value: _to_whole(self._number(value, low, high)))

    def number(self, name: str, low: float = 0, high: float = 1e12) -> float | None:
        """A finite number within bounds, both included."""
        return self._take(name, lambda value: self._number(value, low, high))

    def number_in_text(self, name: str, low: float = 0, high: float = 1e12) -> float | None:
        """A finite number within bounds, both included, that the vendor is documented to write as a text."""
        return self._take(name, lambda value: _within(_to_number(value, textual=True), low, high))

    def price(self, name: str) -> float | None:
        """An amount of money: finite, 0 or more."""
        return self.number(name, 0, HIGHEST_PRICE)

    def port(self, name: str) -> int | None:
        """1 to 65535."""
        return self.whole(name, 1, HIGHEST_PORT)

    def address(self, name: str) -> str | None:
        """An IPv4 or IPv6 address in its usual spelling."""
        return self._take(name, _to_address)

    def host(self, name: str) -> str | None:
        """The name of a host in lower case, or an address: what a vendor says that one connects to."""
        return self._take(name, _to_host)

    def instant(self, name: str) -> datetime | None:
        """A time of 2000 to 2100, in UTC: ISO 8601 (UTC where it tells no zone) or seconds since 1970."""
        return self._take(name, _to_instant)

    def flag(self, name: str) -> bool | None:
        """True or false."""
        words = {"true": True, "false": False} if self._textual else {}
        return self._take(name, lambda value: _to_flag(value, words))

    def child(self, name: str) -> FieldReader:
        """An object inside; an empty one where it is not told."""
        return FieldReader(self._take(name, _to_object) or {}, self._drops, textual=self._textual)

    def children(self, name: str) -> tuple[FieldReader, ...] | None:
        """The objects of a list; None where the list is not told. An item that is no object is dropped."""
        value = self._list(name)
        if value is None:
            return None
        objects = [item for item in value if isinstance(item, dict)]
        for _ in range(len(value) - len(objects)):
            self._drops.one()
        return tuple(FieldReader(item, self._drops, textual=self._textual) for item in objects)

    def objects(self, name: str) -> Mapping[str, FieldReader] | None:
        """The objects of a map, by their keys; None where the map is not told. A value that is no object is dropped."""
        value = self._take(name, _to_object)
        if value is None:
            return None
        objects = {key: item for key, item in value.items() if isinstance(item, dict)}
        for _ in range(len(value) - len(objects)):
            self._drops.one()
        return {key: FieldReader(item, self._drops, textual=self._textual) for key, item in objects.items()}

    def items(self, name: str) -> tuple[FieldReader, ...]:
        """The objects of the list that a page is about. Raises MalformedAnswer where there is none: it is no empty list."""
        value = self._list(name)
        if value is None or not all(isinstance(item, dict) for item in value):
            raise MalformedAnswer(f"The list '{name}' is missing, or no list of objects.")
        return tuple(FieldReader(item, self._drops, textual=self._textual) for item in value if isinstance(item, dict))

    def texts(self, name: str) -> tuple[str, ...] | None:
        """The texts of a list; None where the list is not told."""
        return self._each(name, lambda item: _to_text(item, LONGEST_TEXT))

    def references(self, name: str) -> tuple[str, ...] | None:
        """The ids of other things in a list; None where the list is not told."""
        return self._each(name, _to_identifier)

    @property
    def dropped(self) -> int:
        """How many values of the whole page were dropped so far."""
        return self._drops.count

    def _take(self, name: str, read: Callable[[object], _Value | None]) -> _Value | None:
        value = self._source.get(name)
        if value is None or value == "":
            return None
        kept = read(value)
        if kept is None:
            self._drops.one()
        return kept

    def _each(self, name: str, read: Callable[[object], str | None]) -> tuple[str, ...] | None:
        value = self._list(name)
        if value is None:
            return None
        kept = [text for text in map(read, value) if text is not None]
        for _ in range(len(value) - len(kept)):
            self._drops.one()
        return tuple(kept)

    def _list(self, name: str) -> list[object] | None:
        if self._textual and self._source.get(name) == "":
            # An empty set of XML is an element without children.
            return []
        return self._take(name, lambda value: value if isinstance(value, list) else None)

    def _number(self, value: object, low: float, high: float) -> float | None:
        return _within(_to_number(value, textual=self._textual), low, high)


def from_object(payload: object, drops: DropCounter) -> FieldReader:
    """Over a JSON object. Raises MalformedAnswer for any other value."""
    if not isinstance(payload, dict):
        raise MalformedAnswer("The answer is no JSON object.")
    return FieldReader(payload, drops)


def from_xml(root: Element, drops: DropCounter) -> FieldReader:
    """Over the children of an XML element, by their local names: vendors and their doubles differ in the namespace."""
    fields = _plain(root)
    return FieldReader(fields if isinstance(fields, dict) else {}, drops, textual=True)


def local_name(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def facts(**told: bool | float | str | None) -> dict[str, bool | float | str]:
    """Facts without a common name; what is not told is left out."""
    return {name: value for name, value in told.items() if value is not None}


def ssh_command(user: str | None, host: str | None, port: int | None) -> str | None:
    """The command that logs in, None without a host that can be one. The port is left out where it is ssh's own.

    Somebody will paste it into a shell: a user that could be anything but a name makes no command.
    """
    where = _to_host(host)
    if where is None or (user and not _USER.fullmatch(user)):
        return None
    login = f"{user}@{where}" if user else where
    return f"ssh {login}" if port in (None, SSH_PORT) else f"ssh {login} -p {port}"


def is_address(text: str) -> bool:
    """Whether a host is told by its address, not by a name."""
    return _to_address(text) is not None


def is_identifier(text: str) -> bool:
    """Whether a text may name a resource at its vendor, and may stand in a path."""
    return (
        0 < len(text) <= LONGEST_ID
        and text not in (".", "..")
        and text.isascii()
        and text.isprintable()
        and " " not in text
    )


def _to_text(value: object, longest: int) -> str | None:
    if not isinstance(value, str) or "\0" in value:
        return None
    try:
        return value if len(value.encode()) <= longest else None
    except UnicodeEncodeError:
        return None


def _to_identifier(value: object) -> str | None:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and is_identifier(text) else None


def _to_object(value: object) -> dict[str, object] | None:
    return value if isinstance(value, dict) else None


def _to_flag(value: object, words: Mapping[str, bool]) -> bool | None:
    if isinstance(value, str):
        return words.get(value)
    return value if isinstance(value, bool) else None


def _to_address(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        address = ip_address(value.strip())
    except ValueError:
        return None
    # What follows a % may be any text, and an address may end in a command.
    return None if "%" in value else str(address)


def _to_host(value: object) -> str | None:
    address = _to_address(value)
    if address is not None or not isinstance(value, str):
        return address
    name = value.strip().lower().removesuffix(".")
    labels = name.split(".")
    # A last label of digits alone is an address that could not be read.
    whole = len(name) <= _LONGEST_HOST and all(map(_HOST_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return name if whole else None


def _to_whole(number: float | None) -> int | None:
    return int(number) if number is not None and number.is_integer() else None


def _within(number: float | None, low: float, high: float) -> float | None:
    return number if number is not None and low <= number <= high else None


def _to_number(value: object, *, textual: bool) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str) if textual else (int, float)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _to_instant(value: object) -> datetime | None:
    try:
        if isinstance(value, str):
            instant = datetime.fromisoformat(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            instant = datetime.fromtimestamp(value, UTC)
        else:
            return None
        aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        utc = aware.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return utc if _FIRST_YEAR <= utc.year < _LAST_YEAR else None


def _plain(element: Element) -> object:
    children = list(element)
    if not children:
        return text if (text := element.text or "").strip() else ""
    if all(local_name(child) == "item" for child in children):
        return [_plain(child) for child in children]
    return {local_name(child): _plain(child) for child in children}
