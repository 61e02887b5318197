"""Cursors: opaque texts that name an order and a position in it.

A cursor is a JSON array in URL-safe base64 without padding: the version of the format, the order, and the position.
"""

from __future__ import annotations

import json
import math
from base64 import b64decode, urlsafe_b64encode
from typing import Final
from uuid import UUID

from domain.enums import ResourceStatus
from domain.errors import BadUserInput

_VERSION: Final = 1
_MAX_LENGTH: Final = 20_000
_MAX_NUMBER: Final = 2**63
HISTORY: Final = "HISTORY"
CHANGES: Final = "CHANGES"


def encode(order: str, *position: str | float | None) -> str:
    """Return the cursor of a position in an order."""
    text = json.dumps([_VERSION, order, *position], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_sequence(cursor: object, order: str) -> int:
    """Return the sequence number in a cursor of a history or of the feed of changes. Raises BadUserInput."""
    position = _decode(cursor, order)
    if len(position) != 1 or not _is_natural_number(position[0]):
        raise _invalid_cursor()
    return int(str(position[0]))


def decode_keyset(cursor: object, field: str, direction: str) -> tuple[str | float | None, str]:
    """Return the sort value and the resource id in a cursor of a list in this order. Raises BadUserInput."""
    position = _decode(cursor, f"{field}:{direction}")
    if len(position) != 2 or not isinstance(position[1], str):  # noqa: PLR2004 - sort value and id
        raise _invalid_cursor()
    try:
        resource_id = str(UUID(position[1]))
    except ValueError:
        raise _invalid_cursor() from None
    return _check_sort_value(position[0], field), resource_id


def _check_sort_value(value: object, field: str) -> str | float | None:
    if value is None and field in {"NAME", "PRICING_TOTAL_HOURLY"}:
        return None
    if field == "STATUS" and isinstance(value, int) and _is_natural_number(value) and value < len(ResourceStatus):
        return value
    if field == "PRICING_TOTAL_HOURLY" and isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
        raise _invalid_cursor()
    if field in {"NAME", "CREATED_AT"} and isinstance(value, str) and _is_storable(value):
        return value
    raise _invalid_cursor()


def _is_natural_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_NUMBER


def _is_storable(text: str) -> bool:
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)


def _decode(cursor: object, order: str) -> list[object]:
    if not isinstance(cursor, str) or len(cursor) > _MAX_LENGTH:
        raise _invalid_cursor()
    try:
        # Without `validate`, characters outside the alphabet are skipped, and a text that contains a cursor would pass for one.
        decoded = json.loads(b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True))
    except (ValueError, RecursionError):
        raise _invalid_cursor() from None
    if not isinstance(decoded, list) or decoded[:2] != [_VERSION, order]:
        raise _invalid_cursor()
    return decoded[2:]


def _invalid_cursor() -> BadUserInput:
    return BadUserInput(
        "after", "'after' is not a cursor of this list in this order. Take one from its pageInfo or edges."
    )
