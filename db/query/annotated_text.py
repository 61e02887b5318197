"""Annotations in the text that SQL writes: sightings, whose ages are judged, and placeholders, which are filled afterwards.

An annotation stands between two control characters, which JSON text never contains unescaped. So one split takes a text
apart, every second part is an annotation, and one join puts it together again. The first letter of an annotation is its kind:

    a to d   a sighting; the letter tells whether live fields and links of the resource are selected
    A to D   the same, and the placeholders up to its end belong to this resource
    E        the end of such a sighting
    H        a placeholder: its number, a colon, its payload in JSON
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final
from uuid import UUID

from domain.enums import ObservationSource, StaleReason
from domain.freshness import Sighting
from domain.timestamps import from_text, optional_instant

MARK: Final = "\x01"
END: Final = f"{MARK}E{MARK}"
_MARK_BYTE: Final = MARK.encode()
_END: Final = ord("E")
_PLACEHOLDER: Final = ord("H")
_NOT_SIGHTINGS: Final = frozenset({_END, _PLACEHOLDER})
_RECORDED_ONLY: Final = frozenset(b"aA")
_UUID_LENGTH: Final = 36


def placeholder(number: int) -> str:
    """Return the beginning of a placeholder; its payload and a mark follow."""
    return f"{MARK}H{number}:"


def sighting(*, live: bool, links: bool, encloses: bool) -> str:
    """Return the beginning of a sighting; its columns and a mark follow."""
    return MARK + "abcdABCD"[live + 2 * links + 4 * encloses]


@dataclass(frozen=True, slots=True)
class SelectedResource:
    """A resource in the answer whose age matters. `live`, `links`: whether its live fields or its links were selected."""

    sighting: Sighting
    live: bool
    links: bool


@dataclass(frozen=True, slots=True)
class PlainSighting:
    """A resource that is neither missing, deleted nor probed, so that nothing but its scope and its own flight decide its age.

    `live`: its live fields or its links are selected, so a demand applies to it.
    """

    scope_id: int
    seen_no: int
    seen_at: datetime
    live: bool


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place to fill: its number, its payload, and the sighting that encloses it."""

    number: int
    payload: bytes
    enclosing: bytes | None


class AnnotatedText:
    """A text split at its annotations. What is derived from it is computed once and shared by all who read it from the cache."""

    def __init__(self, text: bytes) -> None:
        self.size = len(text)
        self._parts = text.split(_MARK_BYTE)
        self.sightings = {mark for mark in self._parts[1::2] if mark[0] not in _NOT_SIGHTINGS}
        """The distinct sightings."""
        self.by_kind = {mark[:-_UUID_LENGTH]: mark for mark in self.sightings}
        """One sighting for each kind: sightings of one kind differ in nothing but the resource."""
        self.ids = {mark[-_UUID_LENGTH:] for mark in self.sightings}
        """The UUIDs of the resources."""
        self._plain_text: bytes | None = None
        self._pieces: list[bytes | Placeholder] | None = None
        self._plain_sightings: list[PlainSighting] | None = None

    @property
    def plain_sightings(self) -> list[PlainSighting] | None:
        """One sighting for each kind; None if a resource is missing, deleted or was probed."""
        if self._plain_sightings is None:
            plain = [_plain_sighting(kind) for kind in self.by_kind]
            if None in plain:
                return None
            self._plain_sightings = [each for each in plain if each is not None]
        return self._plain_sightings

    @cached_property
    def representatives(self) -> list[bytes]:
        """One sighting for each plain kind, and all others: a refresh that settles a plain one settles all of its kind."""
        plain = {kind: mark for kind, mark in self.by_kind.items() if _plain_sighting(kind) is not None}
        if len(plain) == len(self.by_kind):
            return list(plain.values())
        return [*plain.values(), *(mark for mark in self.sightings if mark[:-_UUID_LENGTH] not in plain)]

    @property
    def plain_text(self) -> bytes:
        """The text without its annotations; complete only if it has no placeholders."""
        # Not a cached_property: that takes a lock in Python 3.11, and every request comes here.
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
        for number, mark in enumerate(self._parts[1::2]):
            kind = mark[0]
            if kind == _PLACEHOLDER:
                position = 2 * number + 1
                yield b"".join(self._parts[start:position:2])
                start = position + 1
                prefix, _, payload = mark.partition(b":")
                yield Placeholder(int(prefix[1:]), payload, enclosing[-1] if enclosing else None)
            elif kind == _END:
                enclosing.pop()
            elif kind < _END:
                enclosing.append(mark)
        yield b"".join(self._parts[start::2])


def kind_of(mark: bytes) -> bytes:
    """Return all of a sighting but the resource: what many share, and what is judged alike wherever it is fresh."""
    return mark[:-_UUID_LENGTH]


def id_of(mark: bytes) -> bytes:
    """Return the resource's UUID in its canonical text."""
    return mark[-_UUID_LENGTH:]


def selected_resource(mark: bytes) -> SelectedResource:
    """Return what a sighting says, with what is selected of the resource."""
    flags = (mark[0] | 0x20) - ord("a")
    return SelectedResource(sighting_of(mark), bool(flags & 1), bool(flags & 2))


def sighting_of(mark: bytes) -> Sighting:
    """Return what a sighting says."""
    scope_id, seen_no, seen_at, source, *rest = json.loads(b"[" + kind_of(mark)[1:] + b"]")
    missing_since, deleted, probed_at, problem = rest or (None, False, None, None)
    return Sighting(
        UUID(id_of(mark).decode()),
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
    # Plain text in a fixed order, so no JSON parser is needed: a page may have as many kinds as resources.
    columns = kind[1:].split(b",")
    if len(columns) > 4:  # noqa: PLR2004 - scope, number, time and source; more only if there is more to say
        return None
    seen_at = from_text(columns[2][1:-1].decode())
    return PlainSighting(int(columns[0]), int(columns[1]), seen_at, kind[0] not in _RECORDED_ONLY)
