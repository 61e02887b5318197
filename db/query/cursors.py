"""Cursors: opaque to clients, made and read here. One says which order it belongs to and where in it a reader stands."""

from __future__ import annotations

import json
import math
from base64 import b64decode, urlsafe_b64encode
from typing import Final
from uuid import UUID

from domain.enums import ResourceStatus
from domain.errors import BadUserInput

_VERSION: Final = 1
_LONGEST: Final = 20_000
_MOST: Final = 2**63
HISTORY: Final = "HISTORY"
CHANGES: Final = "CHANGES"


def encode(order: str, *place: str | float | None) -> str:
    """The cursor of a place in an order."""
    text = json.dumps([_VERSION, order, *place], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def sequence(cursor: object, order: str) -> int:
    """The number in a cursor of the history or of the changes. Raises BadUserInput."""
    place = _decode(cursor, order)
    if len(place) != 1 or not _is_whole(place[0]):
        raise _bad()
    return int(str(place[0]))


def keyset(cursor: object, field: str, direction: str) -> tuple[str | float | None, str]:
    """The order's value and the resource id in a cursor of a list in this order. Raises BadUserInput."""
    place = _decode(cursor, f"{field}:{direction}")
    if len(place) != 2 or not isinstance(place[1], str):  # noqa: PLR2004 (value and id)
        raise _bad()
    try:
        resource_id = str(UUID(place[1]))
    except ValueError:
        raise _bad() from None
    return _value(place[0], field), resource_id


def _value(value: object, field: str) -> str | float | None:
    if value is None and field in {"NAME", "PRICING_TOTAL_HOURLY"}:
        return None
    if field == "STATUS" and isinstance(value, int) and _is_whole(value) and value < len(ResourceStatus):
        return value
    if field == "PRICING_TOTAL_HOURLY" and isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
        raise _bad()
    if field in {"NAME", "CREATED_AT"} and isinstance(value, str) and _is_storable(value):
        return value
    raise _bad()


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST


def _is_storable(text: str) -> bool:
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)


def _decode(cursor: object, order: str) -> list[object]:
    if not isinstance(cursor, str) or len(cursor) > _LONGEST:
        raise _bad()
    try:
        # Strictly: what is no letter of base64 would else be read over, and anything that holds a cursor be one.
        decoded = json.loads(b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True))
    except (ValueError, RecursionError):
        raise _bad() from None
    if not isinstance(decoded, list) or decoded[:2] != [_VERSION, order]:
        raise _bad()
    return decoded[2:]


def _bad() -> BadUserInput:
    return BadUserInput(
        "after", "'after' is no cursor of this list in this order; take one from its pageInfo or edges."
    )
