"""The scalars beyond GraphQL's own.

Answers hold canonical text already, so going out nothing is converted. Coming in they are strict: a UUID becomes a
`uuid.UUID`, an instant an aware `datetime` in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import strawberry
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from domain.timestamps import from_text

_LONGEST: Final = 64
_YEARS: Final = range(2000, 2101)


def _as_told(value: object) -> object:
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} is written as a string.")
    if len(value) > _LONGEST:
        raise ValueError(f"{what} has at most {_LONGEST} characters.")
    return value


def parse_uuid(value: object) -> UUID:
    """A UUID in hexadecimal, with hyphens or without. Raises ValueError or TypeError on anything else."""
    text = _text(value, "A UUID")
    try:
        return UUID(text)
    except ValueError:
        raise ValueError(
            "Not a UUID: 32 hexadecimal digits are expected, as in 123e4567-e89b-12d3-a456-426614174000."
        ) from None


def parse_instant(value: object) -> datetime:
    """An instant in RFC 3339 with an offset or Z, of the years 2000 to 2100, in UTC.

    Raises ValueError or TypeError on anything else.
    """
    text = _text(value, "A DateTime")
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("Not a DateTime: RFC 3339 is expected, as in 2026-01-31T12:00:00Z.") from None
    if told.tzinfo is None:
        raise ValueError("A DateTime needs its offset from UTC: end it with Z, or with one like +02:00.")
    if told.year not in _YEARS:
        raise ValueError("A DateTime lies in the years 2000 to 2100.")
    return from_text(text).astimezone(UTC)


SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    UUID: strawberry.scalar(
        name="UUID",
        description="A UUID in its canonical text: lower case, with hyphens.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
        serialize=_as_told,
        parse_value=parse_uuid,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant in UTC with microseconds: 2026-01-31T12:00:00.000000Z. As an input any offset will do.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
        serialize=_as_told,
        parse_value=parse_instant,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=_as_told,
        parse_value=_as_told,
    ),
}
"""Python types to the scalars that stand for them."""
