"""What was used lately: a cache that forgets its least recently used, made for the way of every request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class LRUCache(Generic[_K, _V]):
    """Values by key, at most `most` of them, or of what `size` tells of each; what is larger than all together is not kept.

    None is no value, and the size of one does not change.

    A look is two calls in C; cachetools' own is written in Python, and every request looks.
    """

    def __init__(self, most: int, size: Callable[[_V], int] | None = None) -> None:
        self._most = most
        self._size = size
        self._filled = 0
        self._kept: OrderedDict[_K, _V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: _K) -> bool:
        return key in self._kept

    @property
    def fill(self) -> float:
        """How full it is, 1 at its bound."""
        return self._filled / max(1, self._most)

    def get(self, key: _K) -> _V | None:
        """What is kept under the key, used now."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def peek(self, key: _K) -> _V | None:
        """What is kept under the key, not used by that."""
        return self._kept.get(key)

    def add(self, key: _K, value: _V) -> None:
        """Keep a value, used now."""
        self.pop(key)
        size = 1 if self._size is None else self._size(value)
        if size > self._most:
            return
        self._kept[key] = value
        self._filled += size
        while self._filled > self._most:
            self._forgotten(self._kept.popitem(last=False)[1])

    def pop(self, key: _K) -> _V | None:
        """Forget what is kept under the key."""
        found = self._kept.pop(key, None)
        if found is not None:
            self._forgotten(found)
        return found

    def keys(self) -> list[_K]:
        """Under which keys something is kept."""
        return list(self._kept)

    def _forgotten(self, value: _V) -> None:
        self._filled -= 1 if self._size is None else self._size(value)


class SegmentedLRUCache(Generic[_K, _V]):
    """A cache of two parts: what was asked for again, and, apart from it, what is new. Each forgets its least recently used.

    A flood of what nobody asks for twice displaces nothing that is in use. What is larger than all that may be new is not kept.
    """

    def __init__(self, kept: int, new: int, size: Callable[[_V], int] | None = None) -> None:
        self._kept: LRUCache[_K, _V] = LRUCache(kept, size)
        self._new: LRUCache[_K, _V] = LRUCache(new, size)

    def __len__(self) -> int:
        return len(self._kept) + len(self._new)

    def __contains__(self, key: _K) -> bool:
        return key in self._kept or key in self._new

    @property
    def fill(self) -> float:
        """How full the fuller part is, 1 at its bound."""
        return max(self._kept.fill, self._new.fill)

    def get(self, key: _K) -> _V | None:
        """What is kept, which from now on is no longer new."""
        found = self._kept.get(key)
        if found is None and (found := self._new.pop(key)) is not None:
            self._kept.add(key, found)
        return found

    def peek(self, key: _K) -> _V | None:
        """What is kept, from whichever thread: nothing of it is changed."""
        found = self._kept.peek(key)
        return self._new.peek(key) if found is None else found

    def add(self, key: _K, value: _V) -> None:
        """Keep what is new."""
        self._new.add(key, value)
