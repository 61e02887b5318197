"""Scalars: strict input, and output that is not converted."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from graphql import GraphQLScalarType

from schema.scalars import parse_instant, parse_uuid
from tests.graphql_http.gateway import graph

ID = UUID("5f0b1e5c-0c0a-5d3c-9b39-0a53f44d6f6a")


@pytest.mark.parametrize(
    "text",
    [str(ID), str(ID).upper(), ID.hex, "{" + str(ID) + "}", f"urn:uuid:{ID}"],
)
def test_uuid_is_accepted_in_every_common_form(text: str) -> None:
    """Each spelling of a UUID gives the same UUID."""
    assert ID == parse_uuid(text)


@pytest.mark.parametrize(
    "value", ["", "x", str(ID)[:-1], "g" * 32, "0" * 33, "1" * 1_000_000, 5, None, True, [str(ID)]]
)
def test_invalid_uuid_is_refused(value: object) -> None:
    """Any other value is refused with a short message."""
    with pytest.raises((ValueError, TypeError)) as error:
        parse_uuid(value)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00Z", "2026-01-31T14:00:00+02:00", "2026-01-31T12:00:00.000000Z", "2026-01-31T12:00Z"]
)
def test_instant_is_converted_to_utc(text: str) -> None:
    """An instant with any offset becomes the same instant in UTC."""
    instant = parse_instant(text)
    assert isinstance(instant, datetime)
    assert datetime(2026, 1, 31, 12, tzinfo=UTC) == instant
    assert UTC is instant.tzinfo


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2026-01-31T12:00:00", "offset"),
        ("2026-01-31", "offset"),
        ("yesterday", "RFC 3339"),
        ("", "RFC 3339"),
        ("1999-12-31T23:59:59Z", "2000 to 2100"),
        ("0001-01-01T00:00:00+14:00", "2000 to 2100"),
        ("9999-12-31T23:59:59-14:00", "2000 to 2100"),
        ("2026-01-31T12:00:00" + "0" * 100 + "Z", "64 characters"),
        (1_769_860_800, "string"),
        (None, "string"),
    ],
)
def test_invalid_instant_is_refused(value: object, message: str) -> None:
    """Any other value is refused with a message that says what is expected."""
    with pytest.raises((ValueError, TypeError), match=message):
        parse_instant(value)


@pytest.mark.parametrize("name", ["UUID", "DateTime", "JSON"])
def test_output_is_not_converted(name: str) -> None:
    """The text from the database is the text in the response."""
    scalar = graph().core.type_map[name]
    assert isinstance(scalar, GraphQLScalarType)
    assert "2026-01-31T12:00:00.000000Z" == scalar.coerce_output_value("2026-01-31T12:00:00.000000Z")
