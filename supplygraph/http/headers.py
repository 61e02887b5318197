"""Collects the request headers that the endpoints use in one pass. All other headers are ignored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class RequestHeaders:
    """The values of the headers as the client sent them. Headers that may occur more than once are lists.

    Not frozen, because one is created for each request.
    """

    authorization: list[bytes] = field(default_factory=list)
    accept: list[bytes] = field(default_factory=list)
    cache_control: list[bytes] = field(default_factory=list)
    prefer: list[bytes] = field(default_factory=list)
    if_none_match: list[bytes] = field(default_factory=list)
    content_type: bytes = b""
    content_encoding: bytes = b""
    content_length: bytes = b""

    @classmethod
    def of(cls, raw: Iterable[tuple[bytes, bytes]]) -> RequestHeaders:
        """Collect the headers of an ASGI scope, whose names are in lower case."""
        headers = cls()
        for name, value in raw:
            attribute = _ATTRIBUTES.get(name)
            if attribute is None:
                continue
            if name in _SINGLE:
                setattr(headers, attribute, value)
            else:
                getattr(headers, attribute).append(value)
        return headers


_SINGLE = frozenset({b"content-type", b"content-encoding", b"content-length"})
_ATTRIBUTES = {
    name: name.decode().replace("-", "_")
    for name in (
        b"authorization",
        b"accept",
        b"cache-control",
        b"prefer",
        b"if-none-match",
        b"content-type",
        b"content-encoding",
        b"content-length",
    )
}


def text_of(values: Iterable[bytes]) -> str | None:
    """Return all values of a header as one text; None if the header is absent."""
    joined = b",".join(values)
    return joined.decode("latin-1") if joined else None
