"""What was used lately: a cache that forgets its least recently used, made for the way of every request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class Recent(Generic[_K, _V]):
    """At most `most` values by key. A look is two calls in C; cachetools' own is written in Python, and every request looks."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[_K, _V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def fill(self) -> float:
        """How full it is, 1 at its bound."""
        return len(self._kept) / self._most

    def get(self, key: _K) -> _V | None:
        """What is kept under the key, used now."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def add(self, key: _K, value: _V) -> None:
        """Keep a value, used now."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def pop(self, key: _K) -> _V | None:
        """Forget what is kept under the key."""
        return self._kept.pop(key, None)
