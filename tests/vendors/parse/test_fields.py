"""Reading fields by name: every value that is read is possible, and impossible values are counted."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import MalformedAnswer
from vendors.parse.fields import (
    MAX_TEXT_BYTES,
    DropCounter,
    FieldReader,
    is_identifier,
    read_object,
    read_xml,
    ssh_command,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.sampled_from(
        ["70000", "1e999", "192.0.2.1", "::1%x", "2026-01-31T12:00:00Z", "9" * 5000, "x" * 4097, "\ud800"]
    )
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def reader_of(value: object, *, textual: bool = False) -> tuple[FieldReader, DropCounter]:
    """Return a reader of one field, `it`."""
    drops = DropCounter()
    return FieldReader({"it": value}, drops, textual=textual), drops


@given(ANYTHING, st.booleans())
def test_read_values_are_possible(value: object, textual: bool) -> None:
    """No value breaks a reader, and no impossible value is returned."""
    reader, _ = reader_of(value, textual=textual)
    text, port, price = reader.text("it"), reader.port("it"), reader.price("it")
    address, timestamp, reference = reader.address("it"), reader.timestamp("it"), reader.reference("it")

    assert text is None or (len(text.encode()) <= MAX_TEXT_BYTES and "\0" not in text)
    assert port is None or 1 <= port <= 65535
    assert price is None or (math.isfinite(price) and price >= 0)
    assert address is None or str(ip_address(address)) == address
    assert timestamp is None or (timestamp.tzinfo is UTC and 2000 <= timestamp.year < 2100)
    assert reference is None or is_identifier(reference)
    assert isinstance(reader.flag("it"), bool | None)
    assert isinstance(reader.child("it").text("any"), str | None)


@given(ANYTHING, st.sampled_from(["text", "port", "price", "address", "timestamp", "reference", "flag", "children"]))
def test_values_are_read_or_counted(value: object, method: str) -> None:
    """Null and empty texts count nothing; any other value is either returned or counted."""
    reader, drops = reader_of(value)

    result = getattr(reader, method)("it")

    is_reported = value is not None and value != ""
    drops_single_items = method == "children" and isinstance(value, list)
    assert drops_single_items or (1 if is_reported and result is None else 0) == drops.count


@given(st.integers(1, 65535))
def test_every_port_is_read(port: int) -> None:
    """A port is also read from text, in XML."""
    assert port == reader_of(port)[0].port("it") == reader_of(str(port), textual=True)[0].port("it")


@given(st.ip_addresses())
def test_every_address_is_read(address: Any) -> None:
    """IPv4 and IPv6 addresses are read, also with surrounding space."""
    assert str(address) == reader_of(f" {address}\n")[0].address("it")


@given(st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=st.timezones()))  # noqa: DTZ001 - hypothesis takes naive bounds
def test_every_time_of_the_century_is_read(timestamp: datetime) -> None:
    """Times are read in any time zone."""
    assert timestamp.astimezone(UTC) == reader_of(timestamp.isoformat())[0].timestamp("it")


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("port", 70000),
        ("port", 0),
        ("port", 22.5),
        ("port", "22"),
        ("port", True),
        ("price", math.inf),
        ("price", math.nan),
        ("price", -0.01),
        ("price", 10**400),
        ("address", "300.0.0.1"),
        ("address", "fe80::1%$(reboot)"),
        ("timestamp", "1999-12-31T23:59:59Z"),
        ("timestamp", "2100-01-01T00:00:00Z"),
        ("timestamp", "yesterday"),
        ("timestamp", 1e300),
        ("text", "x" * 4097),
        ("text", "a\0b"),
        ("text", "\ud800"),
        ("text", 5),
        ("reference", ".."),
        ("reference", "a b"),
        ("reference", ""),
        ("flag", "true"),
        ("child", []),
        ("children", {}),
    ],
)
def test_impossible_values(method: str, value: object) -> None:
    """Each is left out, and counted unless it is empty."""
    reader, drops = reader_of(value)
    result = getattr(reader, method)("it")

    assert (1 if value != "" else 0) == drops.count
    assert result is None or (method == "child" and result.text("any") is None)


@pytest.mark.parametrize("value", [None, "", ".", "..", "a b", "a\n", "ü", "x" * 256, True, 1.5, {}, []])
def test_an_item_without_an_id_is_malformed(value: object) -> None:
    """It cannot be left out, because it would read as absent."""
    with pytest.raises(MalformedAnswer, match="'it'"):
        reader_of(value)[0].identifier("it")


@pytest.mark.parametrize(("value", "expected"), [("i-1", "i-1"), (42, "42"), ("a/b", "a/b")])
def test_ids(value: object, expected: str) -> None:
    """Texts and integers are ids."""
    assert expected == reader_of(value)[0].identifier("it")


@pytest.mark.parametrize("value", [None, {}, "x", [1], [{}, None]])
def test_a_page_without_its_list_is_malformed(value: object) -> None:
    """A missing list is not an empty list."""
    with pytest.raises(MalformedAnswer, match="'it'"):
        reader_of(value)[0].items("it")


@pytest.mark.parametrize("value", [5, ["x"], "a\0b", "x" * 70_000])
def test_an_unusable_cursor_is_malformed(value: object) -> None:
    """Without it, the listing would seem to end."""
    with pytest.raises(MalformedAnswer, match="'it'"):
        reader_of(value)[0].cursor("it")


@given(ANYTHING.filter(lambda value: not isinstance(value, dict)))
def test_only_an_object_is_an_object(value: object) -> None:
    """Any other response is malformed."""
    with pytest.raises(MalformedAnswer):
        read_object(value)


def xml(text: str) -> FieldReader:
    """Return a reader of XML."""
    element: Element = fromstring(text)  # noqa: S314 - the test's own text
    return read_xml(element)


def test_xml_by_local_names() -> None:
    """Namespaces are ignored; items make a list; an empty set is an empty list, and a missing one is not reported."""
    reader = xml(
        '<r xmlns="urn:a"><set><item><id>i-1</id><on>true</on></item><item><id>i-2</id></item></set><none> </none><n>4</n></r>'
    )

    assert ["i-1", "i-2"] == [item.identifier("id") for item in reader.items("set")]
    assert [True, None] == [item.flag("on") for item in reader.items("set")]
    assert ((), None, 4) == (reader.children("none"), reader.children("missing"), reader.integer("n"))


@pytest.mark.parametrize(
    ("user", "host", "port", "command"),
    [
        ("ubuntu", "192.0.2.7", 22, "ssh ubuntu@192.0.2.7"),
        ("root", "192.0.2.7", 34446, "ssh root@192.0.2.7 -p 34446"),
        ("7h9k2m4n6p-64411eb2", "ssh.vendor.test", 22, "ssh 7h9k2m4n6p-64411eb2@ssh.vendor.test"),
        (None, "SSH5.Vendor.test.", None, "ssh ssh5.vendor.test"),
        ("root", "2001:db8::1", 22, "ssh root@2001:db8::1"),
        ("root", None, 22, None),
        ("root", "", 22, None),
        ("-oProxyCommand=reboot", "192.0.2.7", 22, None),
        ("root;reboot", "192.0.2.7", 22, None),
        ("a b", "192.0.2.7", 22, None),
        ("root", "-oProxyCommand=reboot", 22, None),
        ("root", "$(reboot).test", 22, None),
        ("root", "300.0.2.7", 22, None),
        ("root", "fe80::1%$(reboot)", 22, None),
    ],
)
def test_ssh_command(user: str | None, host: str | None, port: int | None, command: str | None) -> None:
    """User, host and port make a command; values that a shell or ssh could misinterpret make none."""
    assert command == ssh_command(user, host, port)
