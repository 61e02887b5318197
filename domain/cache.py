"""The one cache class: least recently used entries are evicted first, within a bound on the sum of their sizes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class LRUCache(Generic[_K, _V]):
    """Values by key. `None` is not a value. Not safe to share between threads.

    `max_size` bounds the sum of the entries' sizes; without `size_of` every entry has the size 1. An entry that is larger than
    the whole segment it would enter is not stored.

    With a `probation_size` the cache has a second segment for entries that were looked up less than twice. Entries evict only
    entries of their own segment, so a flood of keys that are used once evicts nothing that is in use (segmented LRU).

    A hit costs two calls of C code. The caches of cachetools are written in Python, and every request uses several.
    """

    def __init__(self, max_size: int, *, probation_size: int = 0, size_of: Callable[[_V], int] | None = None) -> None:
        self._size_of = size_of
        self._protected: _Segment[_K, _V] = _Segment(max_size)
        self._probation: _Segment[_K, _V] | None = _Segment(probation_size) if probation_size else None

    def __len__(self) -> int:
        return sum(len(segment.entries) for segment in self._segments())

    def __contains__(self, key: _K) -> bool:
        return any(key in segment.entries for segment in self._segments())

    def __iter__(self) -> Iterator[_K]:
        return iter([key for segment in self._segments() for key in segment.entries])

    def values(self) -> list[_V]:
        """Return all values, without marking them as used."""
        return [value for segment in self._segments() for value, _ in segment.entries.values()]

    @property
    def fill(self) -> float:
        """How full the fuller segment is; 1 at its bound."""
        return max(segment.size / max(1, segment.max_size) for segment in self._segments())

    def get(self, key: _K) -> _V | None:
        """Return the value and mark it as used, or None."""
        entries = self._protected.entries
        entry = entries.get(key)
        if entry is not None:
            entries.move_to_end(key)
            return entry[0]
        if self._probation is None or (entry := self._probation.pop(key)) is None:
            return None
        self._protected.add(key, entry)
        return entry[0]

    def peek(self, key: _K) -> _V | None:
        """Return the value without marking it as used. Safe while another thread uses the cache."""
        entry = self._protected.entries.get(key)
        if entry is None and self._probation is not None:
            entry = self._probation.entries.get(key)
        return None if entry is None else entry[0]

    def add(self, key: _K, value: _V) -> None:
        """Store a value. An entry that is stored again stays in its segment, with its size measured again."""
        used = key in self._protected.entries
        self.pop(key)
        entry = value, 1 if self._size_of is None else self._size_of(value)
        segment = self._protected if used or self._probation is None else self._probation
        segment.add(key, entry)

    def pop(self, key: _K) -> _V | None:
        """Remove an entry and return its value, or None."""
        for segment in self._segments():
            entry = segment.pop(key)
            if entry is not None:
                return entry[0]
        return None

    def _segments(self) -> tuple[_Segment[_K, _V], ...]:
        return (self._protected,) if self._probation is None else (self._protected, self._probation)


class _Segment(Generic[_K, _V]):
    """Entries in the order of their last use, each a value and its size."""

    __slots__ = ("entries", "max_size", "size")

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self.size = 0
        self.entries: OrderedDict[_K, tuple[_V, int]] = OrderedDict()

    def add(self, key: _K, entry: tuple[_V, int]) -> None:
        if entry[1] > self.max_size:
            return
        self.entries[key] = entry
        self.size += entry[1]
        while self.size > self.max_size:
            _, (_, size) = self.entries.popitem(last=False)
            self.size -= size

    def pop(self, key: _K) -> tuple[_V, int] | None:
        entry = self.entries.pop(key, None)
        if entry is not None:
            self.size -= entry[1]
        return entry
