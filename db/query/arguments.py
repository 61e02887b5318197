"""Arguments made one kind of value each before anything is built: two ways of coercing them must not give two answers."""

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


def page_size(arguments: Mapping[str, object], default: int) -> int:
    """`first`: 1 to 1000. Raises BadUserInput."""
    value = arguments.get("first", default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_PAGE:
        raise BadUserInput("first", f"'first' must be a whole number from 1 to {MAX_PAGE}.")
    return value


def a_text(value: object, argument: str) -> str:
    """A text that a record can hold. Raises BadUserInput for others: NUL and halves of characters are in no record."""
    if not isinstance(value, str):
        raise BadUserInput(argument, f"'{argument}' must be a text.")
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadUserInput(argument, f"'{argument}' holds half of a character (a lone surrogate).") from None
    if "\0" in text:
        raise BadUserInput(argument, f"'{argument}' holds a NUL character.")
    return text


def a_uuid(value: object, argument: str) -> str:
    """A UUID in its canonical text. Raises BadUserInput."""
    if isinstance(value, UUID):
        return str(value)
    try:
        return str(UUID(a_text(value, argument)))
    except ValueError:
        raise BadUserInput(argument, f"'{argument}' is no UUID.") from None


def an_instant(value: object, argument: str) -> str:
    """An instant in its canonical text. Raises BadUserInput, also where the offset from UTC is missing."""
    instant = value
    if isinstance(value, str):
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
    if not isinstance(instant, datetime) or instant.tzinfo is None:
        raise BadUserInput(argument, f"'{argument}' must be an instant with its offset, as 2026-01-31T12:00:00Z.")
    try:
        return to_text(instant)
    except OverflowError:
        raise BadUserInput(argument, f"'{argument}' is an instant that no calendar holds.") from None


def texts(value: object, argument: str) -> str:
    """A list of texts as the JSON array that is bound. Raises BadUserInput."""
    return _array(value, argument, a_text)


def uuids(value: object, argument: str) -> str:
    """A list of UUIDs as the JSON array that is bound. Raises BadUserInput."""
    return _array(value, argument, a_uuid)


def seconds(value: object, argument: str, most: float | None = None) -> float | None:
    """A duration, null kept. Raises BadUserInput for a negative or endless one, or one over `most`."""
    if value is None:
        return None
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or number < 0:
        raise BadUserInput(argument, f"'{argument}' must be a number of seconds, 0 or more.")
    if most is not None and number > most:
        raise BadUserInput(argument, f"'{argument}' is at most {most:g} seconds.")
    return number


def _array(value: object, argument: str, item: Callable[[object, str], str]) -> str:
    # Without repeats, so that its size can be compared with what is found.
    if not isinstance(value, list | tuple):
        raise BadUserInput(argument, f"'{argument}' must be a list.")
    return json.dumps(list(dict.fromkeys(item(each, argument) for each in value)), ensure_ascii=False)
