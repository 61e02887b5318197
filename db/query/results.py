"""Texts that were read lately: they are what would be read again as long as the record has the version they were read at.

Whoever wants one asks the version first (`db.query.revision_reader`). So nothing kept is ever believed without having asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from db.query.annotated_text import AnnotatedText
from domain.cache import LRUCache

KEPT_BYTES: Final = 32 * 2**20
"""How much is kept at most, as far as it was measured: a text, its parts and what is known of them."""
_ASKED: Final = 16_384
"""Of how many questions is remembered that they were asked: measured, 2 MB."""
# A text is kept in parts, whole or between its holes, and its marks in sets besides: measured, less than five times as much.
_TIMES: Final = 5
# A text that is a large part of all would push out all the others.
_LARGEST: Final = 8

Key: TypeAlias = tuple[int, tuple[object, ...]]
"""A statement's number and the values that are bound. Not its text, which would stay for as long as anything that it read."""


@dataclass(frozen=True, slots=True)
class CachedResult:
    """The texts of one statement with its values, and the version of the record at which they were read.

    `asked` is the size of the values: a filter may be as long as a request.
    """

    version: int
    texts: tuple[AnnotatedText, ...]
    asked: int


class ResultCache:
    """Keeps what is asked for a second time; of what was asked once only that it was."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most = most_bytes
        self._kept: LRUCache[Key, CachedResult] = LRUCache(most_bytes, _bytes_of)
        self._asked: LRUCache[int, bool] = LRUCache(_ASKED)

    @property
    def fill(self) -> float:
        """How full it is, 1 at its bound."""
        return self._kept.fill

    def get(self, key: Key) -> CachedResult | None:
        """What is kept."""
        return self._kept.get(key)

    def add(self, key: Key, version: int | None, texts: Sequence[AnnotatedText]) -> None:
        """Keep it, if this was asked before. What has no version is not kept."""
        if version is None or not self._most:
            return
        asked = hash(key)
        if asked not in self._asked:
            self._asked.add(asked, True)
            return
        kept = CachedResult(version, tuple(texts), size_of(key[1]))
        self._kept.pop(key)
        if _bytes_of(kept) <= self._most // _LARGEST:
            self._kept.add(key, kept)


def size_of(values: Sequence[object]) -> int:
    """How many characters are bound."""
    return sum(len(value) for value in values if isinstance(value, str))


def _bytes_of(kept: CachedResult) -> int:
    return _TIMES * (kept.asked + sum(text.size for text in kept.texts)) + 1_000
