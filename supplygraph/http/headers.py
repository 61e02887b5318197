"""The request headers that the endpoints use, collected in one pass, and the path below the prefix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from starlette.types import Scope

_USED: Final = frozenset({
    b"authorization", b"accept", b"cache-control", b"prefer", b"if-none-match", b"content-type", b"content-encoding",
    b"content-length",
})  # fmt: skip
_NONE: Final[Sequence[bytes]] = ()


class RequestHeaders:
    """The values of the headers as the client sent them."""

    __slots__ = ("_values",)

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        """Collect the headers of an ASGI scope, whose names are in lower case."""
        values: dict[bytes, list[bytes]] = {}
        for name, value in raw:
            if name in _USED:
                if name in values:
                    values[name].append(value)
                else:
                    values[name] = [value]
        self._values = values

    def all(self, name: bytes) -> Sequence[bytes]:
        """Return the values of a header in order; empty if it was not sent."""
        return self._values.get(name, _NONE)

    def last(self, name: bytes) -> bytes:
        """Return the value of a header that occurs once; the last one if it occurs more often, empty if it was not sent."""
        values = self._values.get(name)
        return values[-1] if values else b""


def text_of(values: Sequence[bytes]) -> str | None:
    """Return all values of a header as one text; None if the header is absent."""
    return b",".join(values).decode("latin-1") if values else None


def route_path(scope: Scope) -> str:
    """Return the path without `root_path`, the prefix that a server or an outer application sets."""
    path: str = scope["path"]
    prefix: str = scope.get("root_path", "")
    return path[len(prefix) :] if prefix and path.startswith(f"{prefix}/") else path
