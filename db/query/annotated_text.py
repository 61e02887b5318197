"""The text that SQL writes: JSON with annotations. An annotation is a sighting or a placeholder.

A sighting says when a resource was seen, so that the age of its fields can be judged. A placeholder is a value that SQL cannot
print and that Python fills in.

An annotation stands between two control characters. JSON text never contains them unescaped, so one split separates the JSON
from the annotations, which are every second part, and one join of the other parts restores the JSON. The first letter of an
annotation is its kind:

    a to d   a sighting; the letter encodes whether live fields and links of the resource are selected
    A to D   the same; in addition, the placeholders from here to the matching E belong to this resource
    E        the end of such a sighting
    H        a placeholder: its number, a colon, its payload as JSON
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

import orjson

from domain.enums import ObservationSource, StaleReason
from domain.freshness import Sighting
from domain.timestamps import from_text, optional_instant

DELIMITER: Final = "\x01"
END: Final = f"{DELIMITER}E{DELIMITER}"
_DELIMITER_BYTE: Final = DELIMITER.encode()
_END: Final = ord("E")
_PLACEHOLDER: Final = ord("H")
_NOT_SIGHTINGS: Final = frozenset({_END, _PLACEHOLDER})
_RECORDED_ONLY: Final = frozenset(b"aA")
_UUID_LENGTH: Final = 36


def placeholder(number: int) -> str:
    """Return the beginning of a placeholder. Its payload and a delimiter follow."""
    return f"{DELIMITER}H{number}:"


def sighting(*, live: bool, links: bool, encloses: bool) -> str:
    """Return the beginning of a sighting. Its columns and a delimiter follow."""
    return DELIMITER + "abcdABCD"[live + 2 * links + 4 * encloses]


@dataclass(frozen=True, slots=True)
class SelectedResource:
    """A resource in the answer whose age matters. `live`, `links`: whether its live fields or its links were selected."""

    sighting: Sighting
    live: bool
    links: bool


@dataclass(slots=True)
class PlainSighting:
    """The sighting of a resource that is not missing, not deleted and was not probed.

    Its age depends only on the last sweep of its scope and on the flight that saw it. `live`: its live fields or its links are
    selected, so a demand applies to it. Not frozen, because a page may create one for each resource.
    """

    scope_id: int
    seen_no: int
    seen_at: datetime
    live: bool


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder: its number, its payload as JSON and decoded, and the sighting that encloses it, if any."""

    number: int
    payload: bytes
    value: Any
    enclosing: bytes | None


class AnnotatedText:
    """A text, split at its annotations. Derived values are computed once and shared by all readers of a cached text."""

    def __init__(self, text: bytes) -> None:
        self.size = len(text)
        self._parts = text.split(_DELIMITER_BYTE)
        self.sightings = {each for each in self._parts[1::2] if each[0] not in _NOT_SIGHTINGS}
        """The distinct sightings."""
        self.by_kind = {each[:-_UUID_LENGTH]: each for each in self.sightings}
        """One sighting of each kind. Sightings of one kind differ only in the resource."""
        self.ids = {each[-_UUID_LENGTH:] for each in self.sightings}
        """The UUIDs of the resources."""
        self._plain_text: bytes | None = None
        self._pieces: list[bytes | Placeholder] | None = None
        self._plain_sightings: list[PlainSighting] | None = None

    @property
    def plain_sightings(self) -> list[PlainSighting] | None:
        """One sighting of each kind; None if a resource is missing, deleted or was probed."""
        if self._plain_sightings is None:
            plain = [_plain_sighting(kind) for kind in self.by_kind]
            if None in plain:
                return None
            self._plain_sightings = [each for each in plain if each is not None]
        return self._plain_sightings

    @cached_property
    def representatives(self) -> list[bytes]:
        """One sighting of each plain kind, and all others.

        A refresh that settles the demand for a plain sighting settles it for all sightings of its kind.
        """
        plain = {kind: each for kind, each in self.by_kind.items() if _plain_sighting(kind) is not None}
        if len(plain) == len(self.by_kind):
            return list(plain.values())
        return [*plain.values(), *(each for each in self.sightings if each[:-_UUID_LENGTH] not in plain)]

    @property
    def plain_text(self) -> bytes:
        """The text without its annotations. It is the whole answer only if there are no placeholders."""
        # Not a cached_property, which takes a lock in Python 3.11: every request reads this.
        if self._plain_text is None:
            self._plain_text = b"".join(self._parts[::2])
        return self._plain_text

    def fill(self, render: Callable[[Placeholder], bytes]) -> bytes:
        """Return the text with every placeholder rendered."""
        if self._pieces is None:
            self._pieces = list(self._split_at_placeholders())
        return b"".join([piece if isinstance(piece, bytes) else render(piece) for piece in self._pieces])

    def _split_at_placeholders(self) -> Iterator[bytes | Placeholder]:
        enclosing: list[bytes] = []
        start = 0
        for number, annotation in enumerate(self._parts[1::2]):
            kind = annotation[0]
            if kind == _PLACEHOLDER:
                position = 2 * number + 1
                yield b"".join(self._parts[start:position:2])
                start = position + 1
                prefix, _, payload = annotation.partition(b":")
                value = orjson.loads(payload) if payload else None
                yield Placeholder(int(prefix[1:]), payload, value, enclosing[-1] if enclosing else None)
            elif kind == _END:
                enclosing.pop()
            elif kind < _END:
                enclosing.append(annotation)
        yield b"".join(self._parts[start::2])


def kind_of(annotation: bytes) -> bytes:
    """Return the kind of a sighting: everything except the resource.

    Many resources share a kind. If one of them is fresh, all are, and with the same age.
    """
    return annotation[:-_UUID_LENGTH]


def id_of(annotation: bytes) -> bytes:
    """Return the resource's UUID in its canonical text."""
    return annotation[-_UUID_LENGTH:]


def selected_resource(annotation: bytes) -> SelectedResource:
    """Decode a sighting, including what is selected of the resource."""
    flags = (annotation[0] | 0x20) - ord("a")
    return SelectedResource(sighting_of(annotation), bool(flags & 1), bool(flags & 2))


def sighting_of(annotation: bytes) -> Sighting:
    """Decode a sighting."""
    scope_id, seen_no, seen_at, source, *rest = orjson.loads(b"[" + kind_of(annotation)[1:] + b"]")
    missing_since, deleted, probed_at, problem = rest or (None, False, None, None)
    return Sighting(
        UUID(id_of(annotation).decode()),
        scope_id,
        seen_no,
        from_text(seen_at),
        ObservationSource(source),
        optional_instant(missing_since),
        bool(deleted),
        optional_instant(probed_at),
        None if problem is None else StaleReason(problem),
    )


def _plain_sighting(kind: bytes) -> PlainSighting | None:
    # The columns are plain text in a fixed order, so no JSON parser is needed. A page may have as many kinds as resources.
    columns = kind[1:].split(b",")
    if len(columns) > 4:  # noqa: PLR2004 - scope, number, time and source; a plain sighting has no more
        return None
    seen_at = from_text(columns[2][1:-1].decode())
    return PlainSighting(int(columns[0]), int(columns[1]), seen_at, kind[0] not in _RECORDED_ONLY)
