"""The result cache: texts that were read recently, each with the data revision at which it was read.

An entry is valid only while the database has that revision, so every reader first reads the revision (`RevisionReader`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from db.query.annotated_text import AnnotatedText
from domain.cache import LRUCache

CACHE_BYTES: Final = 32 * 2**20
"""The default bound in bytes of memory, estimated: texts, their parts and the values derived from them."""
# Measured: a split text, the pieces between its placeholders and the sets of its annotations take less than five times its size.
_MEMORY_FACTOR: Final = 5
_OVERHEAD_BYTES: Final = 1_000
# A result larger than this share of the cache is not stored: it would evict too many others.
_LARGEST_SHARE: Final = 8
# A result is stored when it is read for the second time. This many first reads are remembered, which takes 2 MB (measured).
_FIRST_READS: Final = 16_384

ResultKey: TypeAlias = tuple[int, tuple[object, ...]]
"""A statement's number and its bound values."""


@dataclass(frozen=True, slots=True)
class CachedResult:
    """The texts of one statement for one set of values, and the data revision at which they were read.

    `key_size` is the number of characters in the values. It counts because a filter may be as long as a request.
    """

    revision: int
    texts: tuple[AnnotatedText, ...]
    key_size: int


class ResultCache:
    """Stores results that are read more than once. Of a first read it remembers only the fact."""

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._results: LRUCache[ResultKey, CachedResult] = LRUCache(max_bytes, size_of=_memory_of)
        self._first_reads: LRUCache[int, bool] = LRUCache(_FIRST_READS)

    @property
    def fill(self) -> float:
        """How full the cache is; 1 at its bound."""
        return self._results.fill

    def get(self, key: ResultKey) -> CachedResult | None:
        """Return the entry, which may be of an older revision."""
        return self._results.get(key)

    def add(self, key: ResultKey, revision: int | None, texts: Sequence[AnnotatedText]) -> None:
        """Store a result if it was read before and the database has a revision."""
        if revision is None or not self._max_bytes:
            return
        fingerprint = hash(key)
        if fingerprint not in self._first_reads:
            self._first_reads.add(fingerprint, True)
            return
        result = CachedResult(revision, tuple(texts), text_size(key[1]))
        self._results.pop(key)
        if _memory_of(result) <= self._max_bytes // _LARGEST_SHARE:
            self._results.add(key, result)


def text_size(values: Sequence[object]) -> int:
    """Return the number of characters in the texts among the values."""
    return sum(len(value) for value in values if isinstance(value, str))


def _memory_of(result: CachedResult) -> int:
    return _MEMORY_FACTOR * (result.key_size + sum(text.size for text in result.texts)) + _OVERHEAD_BYTES
