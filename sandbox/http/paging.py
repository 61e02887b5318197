"""Pages of the listings: opaque cursors, limits, and the order by id."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Final

from sandbox.errors import ApiError
from sandbox.http.bodies import Body

_DEFAULT_LIMIT: Final = 50
_MAX_LIMIT: Final = 100
_MAX_LIMIT_DIGITS: Final = 9


def cursor_after(item_id: str) -> str:
    """Return the cursor of the page that starts after an id."""
    return base64.urlsafe_b64encode(f"after:{item_id}".encode()).decode()


def make_page(query: Mapping[str, str], key: str, items: Sequence[Body]) -> Body:
    """Return the page of the items that the query asks for. Raises ApiError for an invalid cursor or limit."""
    start, limit = _parse_cursor(query), _parse_limit(query)
    rest = sorted((item for item in items if item["id"] > start), key=lambda item: str(item["id"]))
    page = rest[:limit]
    return {key: page, "next_cursor": cursor_after(page[-1]["id"]) if len(rest) > limit else None}


def _parse_cursor(query: Mapping[str, str]) -> str:
    cursor = query.get("cursor", "")
    if not cursor:
        return ""
    try:
        prefix, _, item_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
    except (binascii.Error, UnicodeError):
        prefix, item_id = "", ""
    if prefix != "after" or not item_id:
        raise ApiError(400, "bad_cursor", "The cursor is not valid.")
    return item_id


def _parse_limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(_DEFAULT_LIMIT))
    # The length is checked first, because int() takes quadratic time.
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_LIMIT_DIGITS
    limit = int(text) if is_number else 0
    if not 0 < limit <= _MAX_LIMIT:
        raise ApiError(400, "bad_limit", f"limit must be 1 to {_MAX_LIMIT}.")
    return limit
