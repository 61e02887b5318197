"""Marks in the text that SQL writes: sightings, whose ages are judged, and holes, which are filled afterwards.

A mark stands between two control characters, which no JSON text holds raw: so a text is taken apart by one split, every
second part a mark, and put together again by one join, whatever is in it. A mark begins with a letter that tells its kind:

    a to d   a sighting, its letter telling whether live fields and links are selected of the resource
    A to D   the same, around the holes that follow until its end
    E        the end of such a one
    H        a hole: its number, a colon, its ingredient in JSON
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Final
from uuid import UUID

from domain.enums import ObservationSource, StaleReason
from domain.freshness import Sighting
from domain.timestamps import from_text, optional_instant

MARK: Final = "\x01"
END: Final = f"{MARK}E{MARK}"
_BYTE: Final = MARK.encode()
_END: Final = ord("E")
_HOLE: Final = ord("H")
_UUID: Final = 36
_KEPT: Final = 4096


def hole(number: int) -> str:
    """What begins a hole; its ingredient and a mark follow."""
    return f"{MARK}H{number}:"


def sighting(*, live: bool, links: bool, around: bool) -> str:
    """What begins a sighting; its ingredient and a mark follow."""
    return MARK + "abcdABCD"[live + 2 * links + 4 * around]


@dataclass(frozen=True, slots=True)
class Seen:
    """A resource in the answer whose age matters. `live`, `links`: whether its live fields, or its links, were selected."""

    sighting: Sighting
    live: bool
    links: bool


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place to fill: its number, its ingredient, and the mark of the sighting around it."""

    number: int
    ingredient: bytes
    around: bytes | None


class AnnotatedText:
    """A text taken apart at its marks."""

    def __init__(self, text: bytes) -> None:
        self.size = len(text)
        self._parts = text.split(_BYTE)
        self.sightings = {mark for mark in self._parts[1::2] if mark[0] not in _OTHERS}
        """The marks of sightings, alike ones once."""
        self.kinds = {mark[:-_UUID]: mark for mark in self.sightings}
        """Of the sightings that are alike but for who was seen one each."""
        self.ids = {mark[-_UUID:] for mark in self.sightings}
        """Who was seen."""
        self._bare: bytes | None = None
        self._pieces: list[bytes | Placeholder] | None = None

    @cached_property
    def unlike(self) -> list[bytes]:
        """Of the plain sightings that are alike one, and all the others: what settles the one settles all of them."""
        plain = {kind: mark for kind, mark in self.kinds.items() if is_plain(mark)}
        if len(plain) == len(self.kinds):
            return list(plain.values())
        return [*plain.values(), *(mark for mark in self.sightings if mark[:-_UUID] not in plain)]

    @property
    def bare(self) -> bytes:
        """The text without its marks: whole where it has no holes."""
        # By hand: cached_property takes a lock in Python 3.11, and every request comes by here.
        if self._bare is None:
            self._bare = b"".join(self._parts[::2])
        return self._bare

    def filled(self, fill: Callable[[Placeholder], bytes]) -> bytes:
        """The text with what is told in its holes."""
        if self._pieces is None:
            self._pieces = list(self._between())
        return b"".join([each if isinstance(each, bytes) else fill(each) for each in self._pieces])

    def _between(self) -> Iterator[bytes | Placeholder]:
        """The holes, and the text between them in one piece each."""
        around: list[bytes] = []
        begun = 0
        for number, mark in enumerate(self._parts[1::2]):
            kind = mark[0]
            if kind == _HOLE:
                behind = 2 * number + 1
                yield b"".join(self._parts[begun:behind:2])
                begun = behind + 1
                hole_number, _, ingredient = mark.partition(b":")
                yield Placeholder(int(hole_number[1:]), ingredient, around[-1] if around else None)
            elif kind == _END:
                around.pop()
            elif kind < _END:
                around.append(mark)
        yield b"".join(self._parts[begun::2])


_OTHERS: Final = frozenset({_END, _HOLE})
_RECORDED: Final = frozenset(b"aA")


def kind_of(mark: bytes) -> bytes:
    """All of a sighting's mark but who was seen: what is alike for many, and judged alike wherever it is fresh."""
    return mark[:-_UUID]


def id_of(mark: bytes) -> bytes:
    """Who was seen: the resource's UUID in its canonical text."""
    return mark[-_UUID:]


def is_plain(mark: bytes) -> bool:
    """Whether it is neither missing, deleted nor probed: then its own row says nothing that its scope does not settle."""
    return _told(kind_of(mark)[1:])[4] == _PLAIN


def is_asked(kind: bytes) -> bool:
    """Whether live fields or links are selected of it, so that a demand is one for it."""
    return kind[0] not in _RECORDED


@lru_cache(maxsize=_KEPT)
def seen_of(mark: bytes) -> Seen:
    """What a sighting's mark tells."""
    flags = (mark[0] | 0x20) - ord("a")
    return Seen(sighting_of(mark), bool(flags & 1), bool(flags & 2))


@lru_cache(maxsize=_KEPT)
def plainly_seen(kind: bytes) -> tuple[int, int, datetime] | None:
    """The scope's number, the flight's, and when it was sent; None where the resource is missing, deleted or was probed."""
    scope_id, seen_no, seen_at, _, rest = _told(kind[1:])
    return (scope_id, seen_no, seen_at) if rest is _PLAIN else None


def sighting_of(mark: bytes) -> Sighting:
    """The sighting in a mark."""
    scope_id, seen_no, seen_at, source, rest = _told(kind_of(mark)[1:])
    return Sighting(UUID(id_of(mark).decode()), scope_id, seen_no, seen_at, source, *rest)


_Rest = tuple[datetime | None, bool, datetime | None, StaleReason | None]
_PLAIN: Final[_Rest] = (None, False, None, None)


@lru_cache(maxsize=_KEPT)
def _told(kind: bytes) -> tuple[int, int, datetime, ObservationSource, _Rest]:
    scope_id, seen_no, seen_at, source, *rest = json.loads(b"[" + kind + b"]")
    return scope_id, seen_no, from_text(seen_at), ObservationSource(source), _rest(*rest) if rest else _PLAIN


def _rest(missing_since: str | None, deleted: Any, probed_at: str | None, problem: str | None) -> _Rest:
    told = None if problem is None else StaleReason(problem)
    return optional_instant(missing_since), bool(deleted), optional_instant(probed_at), told
