"""Cursors in the format of the gateway: base64 of a version, an order and a place in it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any
from uuid import UUID


class InvalidCursor(Exception):
    """The text is not a cursor of this order."""


def encode_cursor(order: str, *place: object) -> str:
    """Return the cursor of a place."""
    text = json.dumps([1, order, *place], separators=(",", ":"), ensure_ascii=True)
    return b64encode(text.encode(), altchars=b"-_").decode().replace("=", "")


def parse_sequence(cursor: str, order: str) -> int:
    """Return the number in a cursor. Raises InvalidCursor."""
    match _decode_place(cursor, order):
        case [int(number)] if type(number) is int and 0 <= number < 2**63:
            return number
    raise InvalidCursor


def parse_keyset(cursor: str, field: str, direction: str) -> tuple[Any, UUID]:
    """Return the value and the resource id in a cursor. Raises InvalidCursor."""
    match _decode_place(cursor, f"{field}:{direction}"):
        case [value, str(text)] if _fits(value, field):
            try:
                return value, UUID(text)
            except ValueError:
                raise InvalidCursor from None
    raise InvalidCursor


def _fits(value: object, field: str) -> bool:
    match field, value:
        case (("NAME" | "PRICING_TOTAL_HOURLY"), None):
            return True
        case "STATUS", int():
            return type(value) is int and 0 <= value < 2**63
        case "PRICING_TOTAL_HOURLY", int() | float():
            return type(value) is not bool and abs(value) < float("inf")
        case (("NAME" | "CREATED_AT"), str()):
            return value.isprintable() or not any(0xD800 <= ord(each) < 0xE000 for each in value)
    return False


def _decode_place(cursor: str, order: str) -> list[object]:
    try:
        text = b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        decoded = json.loads(text)
    except ValueError:
        raise InvalidCursor from None
    match decoded:
        case [1, str(cursor_order), *place] if cursor_order == order:
            return place
    raise InvalidCursor
