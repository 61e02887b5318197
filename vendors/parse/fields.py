"""Reads fields by name from the objects of a vendor's response.

An impossible value is dropped and counted, and the other values are used. A field that is not read by name is never
seen. A field that is missing, null or an empty text is *not reported*: it reads `None` and counts nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final, TypeVar
from xml.etree.ElementTree import Element

from domain.errors import MalformedAnswer, NothingReturned

MAX_TEXT_BYTES: Final = 4096
"""In bytes of UTF-8."""
MAX_ID_LENGTH: Final = 255
MAX_CURSOR_BYTES: Final = 64 * 1024
MAX_PORT: Final = 65535
MAX_PRICE: Final = 1_000_000.0
"""Per hour, in any currency."""
SSH_PORT: Final = 22
_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_HOST_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_MAX_HOST_LENGTH: Final = 253
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2100

_Value = TypeVar("_Value")


class DropCounter:
    """Counts the impossible values of a page."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, count: int = 1) -> None:
        """Count dropped values."""
        self.count += count


class FieldReader:
    """Reads fields by name from one object.

    `textual` is for XML, where numbers and flags are text. In JSON, a number in quotes has a wrong type.
    """

    def __init__(
        self, source: Mapping[str, object], drops: DropCounter | None = None, *, textual: bool = False
    ) -> None:
        self._source = source
        self._drops = drops or DropCounter()
        self._textual = textual

    def has(self, name: str) -> bool:
        """Return whether the field is present, also if it is null."""
        return name in self._source

    def has_value(self, name: str) -> bool:
        """Return whether the field has a value of any type."""
        return self._source.get(name) not in (None, "")

    def text(self, name: str) -> str | None:
        """Return a text of at most MAX_TEXT_BYTES, without NUL or lone surrogates."""
        return self._read(name, lambda value: _to_text(value, MAX_TEXT_BYTES))

    def identifier(self, name: str) -> str:
        """Return the vendor's id of an item: printable, without spaces, never `.` or `..`. An integer becomes text.

        Raise MalformedAnswer if there is none: an item without an id cannot be left out, because it would read as
        absent.
        """
        value = _to_identifier(self._source.get(name))
        if value is None:
            raise MalformedAnswer(f"An item of the list has no valid '{name}'.")
        return value

    def cursor(self, name: str) -> str | None:
        """Return the cursor of the next page.

        Raise MalformedAnswer if there is one that cannot be used: without it, the listing would seem to end here.
        """
        value = self._source.get(name)
        if value is None or value == "":
            return None
        text = _to_text(value, MAX_CURSOR_BYTES)
        if text is None:
            raise MalformedAnswer(f"'{name}', the cursor of the next page, is not a valid text.")
        return text

    def reference(self, name: str) -> str | None:
        """Return the id of another resource."""
        return self._read(name, _to_identifier)

    def integer(self, name: str, low: int = 0, high: int = 1_000_000_000) -> int | None:
        """Return an integer within bounds, both included."""
        return self._read(name, lambda value: _to_integer(self._parse_number(value, low, high)))

    def number(self, name: str, low: float = 0, high: float = 1e12) -> float | None:
        """Return a finite number within bounds, both included."""
        return self._read(name, lambda value: self._parse_number(value, low, high))

    def number_from_text(self, name: str, low: float = 0, high: float = 1e12) -> float | None:
        """Return a finite number within bounds, both included, that the vendor documents as a text."""
        return self._read(name, lambda value: _within(_to_number(value, textual=True), low, high))

    def price(self, name: str) -> float | None:
        """Return an amount of money: finite, 0 or more."""
        return self.number(name, 0, MAX_PRICE)

    def port(self, name: str) -> int | None:
        """Return a port, 1 to 65535."""
        return self.integer(name, 1, MAX_PORT)

    def address(self, name: str) -> str | None:
        """Return an IPv4 or IPv6 address in its canonical form."""
        return self._read(name, _to_address)

    def host(self, name: str) -> str | None:
        """Return a host name in lower case, or an address."""
        return self._read(name, _to_host)

    def timestamp(self, name: str) -> datetime | None:
        """Return a time from 2000 to 2099, in UTC. The field is ISO 8601 (UTC if it has no zone) or seconds since 1970."""
        return self._read(name, _to_timestamp)

    def flag(self, name: str) -> bool | None:
        """Return true or false."""
        words = {"true": True, "false": False} if self._textual else {}
        return self._read(name, lambda value: _to_flag(value, words))

    def child(self, name: str) -> FieldReader:
        """Return a reader of a nested object; of an empty object if the field is not reported."""
        return FieldReader(self._read(name, _to_object) or {}, self._drops, textual=self._textual)

    def resource(self, name: str) -> FieldReader:
        """Return a reader of the one resource that a probe's response contains.

        Raise NothingReturned if its place is null or empty, and MalformedAnswer if it is missing or not an object.
        """
        value = self._source.get(name)
        if name in self._source and value in (None, "", [], {}):
            raise NothingReturned(f"'{name}' contains no resource.")
        if not isinstance(value, dict):
            raise MalformedAnswer(f"'{name}' is missing, or is not an object.")
        return FieldReader(value, self._drops, textual=self._textual)

    def children(self, name: str) -> tuple[FieldReader, ...] | None:
        """Return readers of the objects of a list; `None` if the list is not reported. Other items are dropped."""
        value = self._list(name)
        if value is None:
            return None
        objects = [item for item in value if isinstance(item, dict)]
        self._drops.add(len(value) - len(objects))
        return tuple(FieldReader(item, self._drops, textual=self._textual) for item in objects)

    def objects(self, name: str) -> Mapping[str, FieldReader] | None:
        """Return readers of the objects of a map; `None` if the map is not reported. Other values are dropped."""
        value = self._read(name, _to_object)
        if value is None:
            return None
        objects = {key: item for key, item in value.items() if isinstance(item, dict)}
        self._drops.add(len(value) - len(objects))
        return {key: FieldReader(item, self._drops, textual=self._textual) for key, item in objects.items()}

    def items(self, name: str) -> tuple[FieldReader, ...]:
        """Return readers of the items that a page lists. Raise MalformedAnswer if the list is missing: it is not empty then."""
        value = self._list(name)
        if value is None or not all(isinstance(item, dict) for item in value):
            raise MalformedAnswer(f"'{name}' is missing, or is not a list of objects.")
        return tuple(FieldReader(item, self._drops, textual=self._textual) for item in value if isinstance(item, dict))

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return the texts of a list; `None` if the list is not reported."""
        return self._read_each(name, lambda item: _to_text(item, MAX_TEXT_BYTES))

    def references(self, name: str) -> tuple[str, ...] | None:
        """Return the ids of other resources in a list; `None` if the list is not reported."""
        return self._read_each(name, _to_identifier)

    @property
    def dropped(self) -> int:
        """How many values of the whole page have been dropped so far."""
        return self._drops.count

    def _read(self, name: str, read: Callable[[object], _Value | None]) -> _Value | None:
        value = self._source.get(name)
        if value is None or value == "":
            return None
        result = read(value)
        if result is None:
            self._drops.add()
        return result

    def _read_each(self, name: str, read: Callable[[object], str | None]) -> tuple[str, ...] | None:
        value = self._list(name)
        if value is None:
            return None
        texts = [text for text in map(read, value) if text is not None]
        self._drops.add(len(value) - len(texts))
        return tuple(texts)

    def _list(self, name: str) -> list[object] | None:
        if self._textual and self._source.get(name) == "":
            # In XML, an empty list is an element without children.
            return []
        return self._read(name, lambda value: value if isinstance(value, list) else None)

    def _parse_number(self, value: object, low: float, high: float) -> float | None:
        return _within(_to_number(value, textual=self._textual), low, high)


def read_object(payload: object) -> FieldReader:
    """Return a reader of a JSON object. Raise MalformedAnswer for any other value."""
    if not isinstance(payload, dict):
        raise MalformedAnswer("The response is not a JSON object.")
    return FieldReader(payload)


def read_xml(root: Element) -> FieldReader:
    """Return a reader of an XML element's children by their local names.

    Namespaces are ignored, because a vendor and its test doubles may use different ones.
    """
    fields = _to_plain(root)
    return FieldReader(fields if isinstance(fields, dict) else {}, textual=True)


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def collect_facts(**values: bool | float | str | None) -> dict[str, bool | float | str]:
    """Return the values that are reported, for facts that only this vendor has."""
    return {name: value for name, value in values.items() if value is not None}


def ssh_command(user: str | None, host: str | None, port: int | None) -> str | None:
    """Return the command to log in, or `None` without a valid host. The port is left out if it is the default of SSH.

    People paste it into a shell, so there is no command either if the user is not a plain user name.
    """
    target = _to_host(host)
    if target is None or (user and not _USER.fullmatch(user)):
        return None
    login = f"{user}@{target}" if user else target
    return f"ssh {login}" if port in (None, SSH_PORT) else f"ssh {login} -p {port}"


def is_address(text: str) -> bool:
    """Return whether a host is an address and not a name."""
    return _to_address(text) is not None


def is_identifier(text: str) -> bool:
    """Return whether a text may be a resource's id at its vendor and may be part of a URL path."""
    return (
        0 < len(text) <= MAX_ID_LENGTH
        and text not in (".", "..")
        and text.isascii()
        and text.isprintable()
        and " " not in text
    )


def _to_text(value: object, max_bytes: int) -> str | None:
    if not isinstance(value, str) or "\0" in value:
        return None
    try:
        return value if len(value.encode()) <= max_bytes else None
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
    # The zone after a % may be any text, and an address may become part of a shell command.
    return None if "%" in value else str(address)


def _to_host(value: object) -> str | None:
    address = _to_address(value)
    if address is not None or not isinstance(value, str):
        return address
    name = value.strip().lower().removesuffix(".")
    labels = name.split(".")
    # A name whose last label has only digits is an invalid address.
    is_valid = len(name) <= _MAX_HOST_LENGTH and all(map(_HOST_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return name if is_valid else None


def _to_integer(number: float | None) -> int | None:
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


def _to_timestamp(value: object) -> datetime | None:
    try:
        if isinstance(value, str):
            timestamp = datetime.fromisoformat(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            timestamp = datetime.fromtimestamp(value, UTC)
        else:
            return None
        aware = timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)
        utc = aware.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return utc if _FIRST_YEAR <= utc.year < _LAST_YEAR else None


def _to_plain(element: Element) -> object:
    children = list(element)
    if not children:
        return text if (text := element.text or "").strip() else ""
    if all(local_name(child) == "item" for child in children):
        return [_to_plain(child) for child in children]
    return {local_name(child): _to_plain(child) for child in children}
