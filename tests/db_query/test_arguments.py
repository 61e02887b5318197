"""Arguments that cannot be honoured, whatever is selected."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.query import cursors
from db.query.shape import build_shapes
from domain.enums import ResourceStatus
from domain.errors import BadUserInput
from domain.selection import Selected
from tests.db_query.queries import f, root
from tests.db_query.rows import uuid_of


def _refused(asked: Selected) -> str:
    with pytest.raises(BadUserInput) as caught:
        build_shapes([asked])
    return caught.value.argument


def _cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


class TestRefused:
    """Each names its argument."""

    @pytest.mark.parametrize("first", [0, -1, 1001, 2**40, True, 1.5, "3", None])
    @pytest.mark.parametrize("name", ["resources", "changes"])
    def test_page_sizes(self, name: str, first: object) -> None:
        """`first` is 1 to 1000, also where no row is selected."""
        assert _refused(root(name, f("pageInfo", "hasNextPage"), first=first)) == "first"

    def test_nested_page_size(self) -> None:
        """A history's page too."""
        history = f("history", f("nodes", "field"), first=0)
        assert _refused(root("resources", f("nodes", history))) == "first"

    @pytest.mark.parametrize(
        ("argument", "value"),
        [
            ("resourceId", ["x"]),
            ("offerId", "nothing"),
            ("linkedTo", 7),
            ("nameContains", "a\0b"),
            ("nameContains", "\ud800"),
            ("account", ["\udfff"]),
            ("vendor", "aws"),
        ],
    )
    def test_filters(self, argument: str, value: object) -> None:
        """Values that no record can hold."""
        assert _refused(root("resources", "totalCount", filter={argument: value})) == argument

    @pytest.mark.parametrize("since", ["yesterday", "2026-01-31T12:00:00", datetime(2026, 1, 31), 5])  # noqa: DTZ001 (what is refused)
    def test_instants(self, since: object) -> None:
        """An instant needs its offset."""
        assert _refused(root("resource", f("history", "nodes", since=since), resourceId=uuid_of(1))) == "since"

    @pytest.mark.parametrize(
        "after",
        [
            "",
            "é",
            "!!!!",
            "AAAA",
            5,
            "W" * 30_000,
            base64.urlsafe_b64encode(b"[" * 10_000).decode(),
            _cursor(),
            _cursor(2, "CREATED_AT:DESC", "x", str(uuid_of(1))),
            _cursor(1, "CREATED_AT:ASC", "x", str(uuid_of(1))),
            _cursor(1, "NAME:DESC", "x", str(uuid_of(1))),
            _cursor(1, "CREATED_AT:DESC", 5, str(uuid_of(1))),
            _cursor(1, "CREATED_AT:DESC", None, str(uuid_of(1))),
            _cursor(1, "CREATED_AT:DESC", "\ud800", str(uuid_of(1))),
            _cursor(1, "CREATED_AT:DESC", "x", "y"),
            _cursor(1, "CREATED_AT:DESC", "x"),
            _cursor(1, "CREATED_AT:DESC", "x", str(uuid_of(1)), 3),
        ],
    )
    def test_cursors(self, after: object) -> None:
        """What is no cursor, of another version or of another order."""
        assert _refused(root("resources", "totalCount", after=after)) == "after"

    @pytest.mark.parametrize("odd", [" {}", "{}!", "{}\n", "{}&"])
    def test_cursors_with_something_around(self, odd: str) -> None:
        """A cursor is itself and nothing beside."""
        after = odd.format(cursors.encode("CREATED_AT:DESC", "x", str(uuid_of(1))))
        assert _refused(root("resources", "totalCount", after=after)) == "after"

    @pytest.mark.parametrize("place", [-1, 2**63, 1.5, "1", None, True, [1]])
    def test_sequence_cursors(self, place: object) -> None:
        """What no history counts."""
        assert _refused(root("changes", f("nodes", "field"), after=_cursor(1, "CHANGES", place))) == "after"

    @pytest.mark.parametrize(("field", "value"), [("STATUS", 2**70), ("STATUS", True), ("PRICING_TOTAL_HOURLY", "1")])
    def test_places_in_other_orders(self, field: str, value: object) -> None:
        """A value that the order does not have."""
        after = _cursor(1, f"{field}:ASC", value, str(uuid_of(1)))
        assert (
            _refused(root("resources", "totalCount", after=after, orderBy={"field": field, "direction": "ASC"}))
            == "after"
        )

    def test_endless_price(self) -> None:
        """Python's JSON knows infinity; an order does not."""
        raw = base64.urlsafe_b64encode(f'[1,"PRICING_TOTAL_HOURLY:ASC",Infinity,"{uuid_of(1)}"]'.encode()).decode()
        order = {"field": "PRICING_TOTAL_HOURLY", "direction": "ASC"}
        assert _refused(root("resources", "totalCount", after=raw, orderBy=order)) == "after"


class TestOneKindOfValue:
    """Two ways to give a value are one."""

    def test_texts_and_values(self) -> None:
        """A UUID and its text, an instant and its text, in any spelling, bind alike."""
        given_id, other_id = uuid_of(1), str(uuid_of(1)).upper()
        instant = datetime(2026, 1, 31, 12, tzinfo=UTC)
        bound = [
            build_shapes([root("resource", f("history", "nodes", since=since), resourceId=resource_id)])[1]
            for resource_id, since in ((given_id, instant), (other_id, "2026-01-31T13:00:00+01:00"))
        ]
        assert bound[0] == bound[1]
        assert {"p0_0": str(given_id), "p1_0": 50, "p1_1": "2026-01-31T12:00:00.000000Z"} == bound[0]

    @given(st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9), st.uuids())
    def test_cursors_come_back(self, name: str | None, resource_id: UUID) -> None:
        """What a cursor was made from is what it says."""
        made = cursors.encode("NAME:ASC", name, str(resource_id))
        assert (name, str(resource_id)) == cursors.decode_keyset(made, "NAME", "ASC")

    @pytest.mark.parametrize(
        ("order", "value"),
        [("NAME:ASC", "a\0"), ("NAME:ASC", "\ud800"), ("STATUS:ASC", 2**31), ("STATUS:ASC", len(ResourceStatus))],
    )
    def test_a_place_where_nothing_can_stand_is_refused(self, order: str, value: str | int) -> None:
        """What no column holds, a database would refuse in its own words."""
        with pytest.raises(BadUserInput, match="'after' is not a cursor"):
            cursors.decode_keyset(cursors.encode(order, value, str(uuid_of(1))), *order.split(":"))

    def test_values_are_no_part_of_the_shape(self) -> None:
        """Selections that differ in bound values alone have one shape; presence, order and flags tell apart."""

        def shape(**arguments: object) -> object:
            return build_shapes([root("resources", "totalCount", **arguments)])[0]  # type: ignore[arg-type]  # none of them is the key

        assert shape(filter={"status": ["RUNNING"]}, first=5) == shape(filter={"status": ["ERROR", "PENDING"]}, first=9)
        assert shape(filter={"account": None}) == shape(filter={})
        assert shape(filter={"status": ["RUNNING"]}) != shape(filter={"status": ["DELETED"]})
        assert shape(filter={"status": []}) != shape(filter={})
        assert shape(orderBy={"field": "NAME"}) != shape(orderBy={"field": "NAME", "direction": "ASC"})
