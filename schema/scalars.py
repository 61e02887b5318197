"""The custom scalars: UUID, DateTime and JSON.

Output values are already canonical text and are not converted. Input values are checked strictly: a UUID becomes a
`uuid.UUID`, a DateTime becomes an aware `datetime` in UTC.
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

_MAX_CHARACTERS: Final = 64
_YEARS: Final = range(2000, 2101)


def _unchanged(value: object) -> object:
    return value


def _checked_text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string.")
    if len(value) > _MAX_CHARACTERS:
        raise ValueError(f"{name} has at most {_MAX_CHARACTERS} characters.")
    return value


def parse_uuid(value: object) -> UUID:
    """Parse a UUID in hexadecimal, with or without hyphens. Raises ValueError, TypeError."""
    text = _checked_text(value, "A UUID")
    try:
        return UUID(text)
    except ValueError:
        raise ValueError(
            "Not a UUID: 32 hexadecimal digits are expected, as in 123e4567-e89b-12d3-a456-426614174000."
        ) from None


def parse_instant(value: object) -> datetime:
    """Parse an instant in RFC 3339 with an offset or Z, in the years 2000 to 2100, and convert it to UTC.

    Raises ValueError, TypeError.
    """
    text = _checked_text(value, "A DateTime")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("Not a DateTime: RFC 3339 is expected, as in 2026-01-31T12:00:00Z.") from None
    if instant.tzinfo is None:
        raise ValueError("A DateTime needs its offset from UTC: end it with Z, or with an offset such as +02:00.")
    if instant.year not in _YEARS:
        raise ValueError("A DateTime must be in the years 2000 to 2100.")
    return from_text(text).astimezone(UTC)


SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    UUID: strawberry.scalar(
        name="UUID",
        description="A UUID as canonical text: lower case, with hyphens.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
        serialize=_unchanged,
        parse_value=parse_uuid,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description=(
            "An instant in UTC with microseconds, as in 2026-01-31T12:00:00.000000Z. An input may have any offset."
        ),
        specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
        serialize=_unchanged,
        parse_value=parse_instant,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value.",
        serialize=_unchanged,
        parse_value=_unchanged,
    ),
}
"""The scalar of each Python type."""
