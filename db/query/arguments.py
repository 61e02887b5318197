"""Checks of argument values. Each returns the value in one canonical form, however the client wrote it.

Two spellings of a value, such as a UUID in upper and in lower case, must not give two answers or two cache entries.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from domain.errors import BadUserInput
from domain.timestamps import to_text

MAX_PAGE: Final = 1000


def check_page_size(arguments: Mapping[str, object], default: int) -> int:
    """Return the argument `first`, from 1 to 1000. Raises BadUserInput."""
    value = arguments.get("first", default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_PAGE:
        raise BadUserInput("first", f"'first' must be an integer from 1 to {MAX_PAGE}.")
    return value


def check_text(value: object, argument: str) -> str:
    """Return a text that a database can store. Raises BadUserInput if it contains NUL or a lone surrogate."""
    if not isinstance(value, str):
        raise BadUserInput(argument, f"'{argument}' must be a string.")
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadUserInput(
            argument, f"'{argument}' contains a lone surrogate, which is half of a character. Send valid Unicode."
        ) from None
    if "\0" in text:
        raise BadUserInput(argument, f"'{argument}' contains a NUL character. Remove it.")
    return text


def check_uuid(value: object, argument: str) -> str:
    """Return the canonical text of a UUID. Raises BadUserInput."""
    if isinstance(value, UUID):
        return str(value)
    try:
        return str(UUID(check_text(value, argument)))
    except ValueError:
        raise BadUserInput(argument, f"'{argument}' is not a valid UUID.") from None


def check_instant(value: object, argument: str) -> str:
    """Return the canonical text of an instant. Raises BadUserInput, also if the offset from UTC is missing."""
    instant = value
    if isinstance(value, str):
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
    if not isinstance(instant, datetime) or instant.tzinfo is None:
        raise BadUserInput(
            argument, f"'{argument}' must be a date and time with its offset from UTC, such as 2026-01-31T12:00:00Z."
        )
    try:
        return to_text(instant)
    except OverflowError:
        raise BadUserInput(argument, f"'{argument}' is outside the years 1 to 9999 in UTC.") from None


def check_texts(value: object, argument: str) -> str:
    """Return a list of texts as the JSON array that is bound. Raises BadUserInput."""
    return _check_array(value, argument, check_text)


def check_uuids(value: object, argument: str) -> str:
    """Return a list of UUIDs as the JSON array that is bound. Raises BadUserInput."""
    return _check_array(value, argument, check_uuid)


def check_seconds(value: object, argument: str, maximum: float | None = None) -> float | None:
    """Return a duration in seconds; None stays None. Raises BadUserInput if it is negative, infinite or over the maximum."""
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or number < 0:
        raise BadUserInput(argument, f"'{argument}' must be a number of seconds, 0 or more.")
    if maximum is not None and number > maximum:
        raise BadUserInput(argument, f"'{argument}' must be at most {maximum:g} seconds.")
    return number


def _check_array(value: object, argument: str, check_item: Callable[[object, str], str]) -> str:
    if not isinstance(value, list | tuple):
        raise BadUserInput(argument, f"'{argument}' must be a list.")
    # Without repeats: the filter by vendor id compares the length of the array with the number of ids that are recorded.
    return json.dumps(list(dict.fromkeys(check_item(item, argument) for item in value)), ensure_ascii=False)
