"""Cursors as the gateway gives them: base64 of a version, an order and a place in it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any
from uuid import UUID


class NoCursor(Exception):
    """It was not given for this order."""


def cursor(order: str, *place: object) -> str:
    """The cursor of a place."""
    text = json.dumps([1, order, *place], separators=(",", ":"), ensure_ascii=True)
    return b64encode(text.encode(), altchars=b"-_").decode().replace("=", "")


def sequence(given: str, order: str) -> int:
    """The number in it. Raises NoCursor."""
    match _place(given, order):
        case [int(number)] if type(number) is int and 0 <= number < 2**63:
            return number
    raise NoCursor


def keyset(given: str, field: str, direction: str) -> tuple[Any, UUID]:
    """Value and resource id. Raises NoCursor."""
    match _place(given, f"{field}:{direction}"):
        case [value, str(text)] if _fits(value, field):
            try:
                return value, UUID(text)
            except ValueError:
                raise NoCursor from None
    raise NoCursor


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


def _place(given: str, order: str) -> list[object]:
    try:
        text = b64decode(given.encode("ascii") + b"=" * (-len(given) % 4), altchars=b"-_", validate=True)
        decoded = json.loads(text)
    except ValueError:
        raise NoCursor from None
    match decoded:
        case [1, str(told), *place] if told == order:
            return place
    raise NoCursor
