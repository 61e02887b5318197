"""Scalars are strict coming in, and leave canonical text alone going out."""

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
def test_uuid_is_read_in_every_common_form(text: str) -> None:
    """The forms of one UUID are one UUID."""
    assert ID == parse_uuid(text)


@pytest.mark.parametrize(
    "value", ["", "x", str(ID)[:-1], "g" * 32, "0" * 33, "1" * 1_000_000, 5, None, True, [str(ID)]]
)
def test_what_is_no_uuid_is_refused(value: object) -> None:
    """Anything else is refused with a short text."""
    with pytest.raises((ValueError, TypeError)) as caught:
        parse_uuid(value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00Z", "2026-01-31T14:00:00+02:00", "2026-01-31T12:00:00.000000Z", "2026-01-31T12:00Z"]
)
def test_instant_is_read_in_utc(text: str) -> None:
    """An instant with any offset becomes the same instant in UTC."""
    instant = parse_instant(text)
    assert isinstance(instant, datetime)
    assert datetime(2026, 1, 31, 12, tzinfo=UTC) == instant
    assert UTC is instant.tzinfo


@pytest.mark.parametrize(
    ("value", "says"),
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
def test_what_is_no_instant_is_refused(value: object, says: str) -> None:
    """Anything else is refused with the cure."""
    with pytest.raises((ValueError, TypeError), match=says):
        parse_instant(value)


@pytest.mark.parametrize("name", ["UUID", "DateTime", "JSON"])
def test_canonical_text_goes_out_untouched(name: str) -> None:
    """What the record holds is what the reader gets."""
    scalar = graph().core.type_map[name]
    assert isinstance(scalar, GraphQLScalarType)
    assert "2026-01-31T12:00:00.000000Z" == scalar.coerce_output_value("2026-01-31T12:00:00.000000Z")
