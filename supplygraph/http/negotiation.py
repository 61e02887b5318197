"""Chooses the media type of a GraphQL response from the header Accept, after the GraphQL-over-HTTP specification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class MediaType(StrEnum):
    """The media types of GraphQL responses. Their statuses differ, see `supplygraph.http.graphql`."""

    GRAPHQL = "application/graphql-response+json"
    JSON = "application/json"

    @property
    def header(self) -> str:
        """The value of Content-Type."""
        return f"{self.value}; charset=utf-8"


_ANY: Final = frozenset({"*/*", "application/json", ""})
"""The most common headers; all of them mean `application/json`."""
_HTML: Final = "text/html"
_LONGEST: Final = 2_000
"""The rest of a longer Accept header is ignored. No ordinary client sends one."""


@dataclass(frozen=True, slots=True)
class _Range:
    """One media range of an Accept header, with its weight from 0 to 1."""

    media: str
    weight: float

    def precision(self, media: str) -> int:
        """Return how precisely the range matches the media type: 0 if not at all, 3 if exactly."""
        if self.media == media:
            return 3
        if self.media == media.partition("/")[0] + "/*":
            return 2
        return 1 if self.media == "*/*" else 0


def negotiate(accept: str | None) -> MediaType | None:
    """Return the media type for this Accept header; None if it accepts neither.

    Without a header, and for `*/*`, it is `application/json`.
    """
    if accept is None or accept in _ANY:
        return MediaType.JSON
    if not accept.strip():
        return MediaType.JSON
    ranges = _ranges(accept)
    weights = {media: _weight(ranges, media.value) for media in MediaType}
    # A client that names the GraphQL type knows its statuses. One that accepts anything may not.
    is_named = any(each.media == MediaType.GRAPHQL.value for each in ranges)
    order = (MediaType.GRAPHQL, MediaType.JSON) if is_named else (MediaType.JSON, MediaType.GRAPHQL)
    best = max(order, key=lambda media: weights[media])
    return best if weights[best] > 0 else None


def prefers_page(accept: str | None) -> bool:
    """Return whether the client is a browser: it names HTML and prefers neither JSON type to it."""
    ranges = _ranges(accept or "")
    if not any(each.media == _HTML and each.weight > 0 for each in ranges):
        return False
    return _weight(ranges, _HTML) >= max(_weight(ranges, media.value) for media in MediaType)


def _weight(ranges: Sequence[_Range], media: str) -> float:
    closest = max(ranges, key=lambda each: each.precision(media), default=None)
    return closest.weight if closest is not None and closest.precision(media) else 0.0


def _ranges(accept: str) -> list[_Range]:
    ranges = [_range(part) for part in accept[:_LONGEST].split(",")]
    return [each for each in ranges if each is not None]


def _range(part: str) -> _Range | None:
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in {"utf-8", "utf8"}:
            return None
        if name.strip() == "q":
            weight = _quality(value.strip())
    return _Range(media, weight) if media else None


def _quality(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
