"""Checks of arguments: refusals, and the canonical form of accepted values."""

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
from tests.db_query.support.queries import f, root
from tests.db_query.support.rows import uuid_of


def _refused_argument(field: Selected) -> str:
    with pytest.raises(BadUserInput) as caught:
        build_shapes([field])
    return caught.value.argument


def _cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


class TestRefusedArguments:
    """The error names the argument."""

    @pytest.mark.parametrize("first", [0, -1, 1001, 2**40, True, 1.5, "3", None])
    @pytest.mark.parametrize("name", ["resources", "changes"])
    def test_page_sizes(self, name: str, first: object) -> None:
        """`first` must be 1 to 1000, even if no row is selected."""
        assert _refused_argument(root(name, f("pageInfo", "hasNextPage"), first=first)) == "first"

    def test_nested_page_size(self) -> None:
        """The page size of a history is checked too."""
        history = f("history", f("nodes", "field"), first=0)
        assert _refused_argument(root("resources", f("nodes", history))) == "first"

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
        """Values that no column can store are refused."""
        assert _refused_argument(root("resources", "totalCount", filter={argument: value})) == argument

    @pytest.mark.parametrize("since", ["yesterday", "2026-01-31T12:00:00", datetime(2026, 1, 31), 5])  # noqa: DTZ001 - the value that is refused
    def test_instants(self, since: object) -> None:
        """An instant needs its offset from UTC."""
        assert _refused_argument(root("resource", f("history", "nodes", since=since), resourceId=uuid_of(1))) == "since"

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
        """Texts that are not cursors, and cursors of another version or order, are refused."""
        assert _refused_argument(root("resources", "totalCount", after=after)) == "after"

    @pytest.mark.parametrize("template", [" {}", "{}!", "{}\n", "{}&"])
    def test_cursors_with_extra_characters(self, template: str) -> None:
        """A text that only contains a cursor is refused."""
        after = template.format(cursors.encode("CREATED_AT:DESC", "x", str(uuid_of(1))))
        assert _refused_argument(root("resources", "totalCount", after=after)) == "after"

    @pytest.mark.parametrize("position", [-1, 2**63, 1.5, "1", None, True, [1]])
    def test_sequence_cursors(self, position: object) -> None:
        """Values that are not sequence numbers of a history are refused."""
        assert _refused_argument(root("changes", f("nodes", "field"), after=_cursor(1, "CHANGES", position))) == "after"

    @pytest.mark.parametrize(("field", "value"), [("STATUS", 2**70), ("STATUS", True), ("PRICING_TOTAL_HOURLY", "1")])
    def test_sort_values_of_cursors(self, field: str, value: object) -> None:
        """A sort value that the order cannot have is refused."""
        after = _cursor(1, f"{field}:ASC", value, str(uuid_of(1)))
        assert (
            _refused_argument(
                root("resources", "totalCount", after=after, orderBy={"field": field, "direction": "ASC"})
            )
            == "after"
        )

    def test_infinite_price_in_a_cursor(self) -> None:
        """Python's JSON decoder accepts infinity, but it is not a price."""
        after = base64.urlsafe_b64encode(f'[1,"PRICING_TOTAL_HOURLY:ASC",Infinity,"{uuid_of(1)}"]'.encode()).decode()
        order = {"field": "PRICING_TOTAL_HOURLY", "direction": "ASC"}
        assert _refused_argument(root("resources", "totalCount", after=after, orderBy=order)) == "after"


class TestCanonicalValues:
    """Different spellings of a value become one."""

    def test_texts_and_values(self) -> None:
        """UUIDs and instants bind the same value as their texts in any spelling."""
        resource_id, upper_case_id = uuid_of(1), str(uuid_of(1)).upper()
        instant = datetime(2026, 1, 31, 12, tzinfo=UTC)
        texts = (upper_case_id, "2026-01-31T13:00:00+01:00")
        params = [
            build_shapes([root("resource", f("history", "nodes", since=since), resourceId=spelling)])[1]
            for spelling, since in ((resource_id, instant), texts)
        ]
        assert params[0] == params[1]
        assert {"p0_0": str(resource_id), "p1_0": 50, "p1_1": "2026-01-31T12:00:00.000000Z"} == params[0]

    @given(st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9), st.uuids())
    def test_cursors_round_trip(self, name: str | None, resource_id: UUID) -> None:
        """Decoding a cursor returns the position that was encoded."""
        cursor = cursors.encode("NAME:ASC", name, str(resource_id))
        assert (name, str(resource_id)) == cursors.decode_keyset(cursor, "NAME", "ASC")

    @pytest.mark.parametrize(
        ("order", "value"),
        [("NAME:ASC", "a\0"), ("NAME:ASC", "\ud800"), ("STATUS:ASC", 2**31), ("STATUS:ASC", len(ResourceStatus))],
    )
    def test_positions_that_no_row_can_have_are_refused(self, order: str, value: str | int) -> None:
        """The database would refuse such values with an error of its own."""
        with pytest.raises(BadUserInput, match="'after' is not a cursor"):
            cursors.decode_keyset(cursors.encode(order, value, str(uuid_of(1))), *order.split(":"))

    def test_shapes_do_not_contain_bound_values(self) -> None:
        """Selections that differ only in bound values share a shape. Presence, order and flags are part of it."""

        def shape(**arguments: object) -> object:
            return build_shapes([root("resources", "totalCount", **arguments)])[0]  # type: ignore[arg-type]  # none of them is the key

        assert shape(filter={"status": ["RUNNING"]}, first=5) == shape(filter={"status": ["ERROR", "PENDING"]}, first=9)
        assert shape(filter={"account": None}) == shape(filter={})
        assert shape(filter={"status": ["RUNNING"]}) != shape(filter={"status": ["DELETED"]})
        assert shape(filter={"status": []}) != shape(filter={})
        assert shape(orderBy={"field": "NAME"}) != shape(orderBy={"field": "NAME", "direction": "ASC"})
