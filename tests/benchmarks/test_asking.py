"""When two servers' answers are the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from graphql import parse, validate
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.asking import (
    BY_HAND,
    GENERATED,
    ONE,
    OURS,
    PAGE,
    REST,
    Asked,
    NotEqual,
    Request,
    Words,
    ask,
    compare,
    difference,
    normalised,
)
from schema.build import build

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def page(cursor: str, *names: str) -> dict[str, Any]:
    """A page's data."""
    nodes = [{"name": name} for name in names]
    return {"resources": {"nodes": nodes, "pageInfo": {"hasNextPage": True, "endCursor": cursor}}}


@given(JSON)
def test_a_value_does_not_differ_from_itself_printed_and_read(value: Any) -> None:
    """Whatever JSON can hold."""
    assert difference(value, json.loads(json.dumps(value))) is None


@given(JSON, JSON)
def test_values_differ_where_python_says_so(left: Any, right: Any) -> None:
    """Numbers by value, whatever their type; but true is not 1."""
    assert (json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)) <= (difference(left, right) is None)
    if difference(left, right) is None:
        assert left == right


@pytest.mark.parametrize(
    ("left", "right", "place"),
    [
        ({"a": 1}, {"a": 2}, "data.a: 1 and 2"),
        ({"a": True}, {"a": 1}, "data.a: True and 1"),
        ({"a": None}, {}, "data: keys ['a']"),
        ({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "y"}]}, "data.a[1].b: 'x' and 'y'"),
        ({"a": [1]}, {"a": [1, 2]}, "data.a: 1 and 2 items"),
        ({"a": {}}, {"a": []}, "data.a: {} and []"),
    ],
)
def test_a_difference_is_told_with_its_place(left: Any, right: Any, place: str) -> None:
    """So that whoever maps a peer finds it."""
    assert place in (difference(left, right) or "")


def test_numbers_are_equal_as_numbers() -> None:
    """A server may print 3.0 as 3, and keys in another order."""
    assert difference({"a": 3.0, "b": 1}, {"b": 1, "a": 3}) is None


def test_a_cursor_is_each_servers_own() -> None:
    """What a cursor holds is not compared; that there is one is."""
    assert normalised(page("abc")) == normalised(page("xyz"))
    assert normalised(page("abc")) != normalised({"resources": {"nodes": [], "pageInfo": {"hasNextPage": True}}})
    none = {"resources": {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": None}}}
    assert normalised(page("abc")) != normalised(none)


def test_comparing_counts_what_both_were_asked() -> None:
    """A server that was not asked for pages is not compared by them."""
    one = Asked(one=({"a": 1}, {"a": 2}), pages=(page("x", "n"),))
    assert 2 == compare("one", one, "other", Asked(one=({"a": 1}, {"a": 2}), rest=({"b": 1},)))
    assert 3 == compare("one", one, "other", Asked(one=({"a": 1}, {"a": 2}), pages=(page("y", "n"),)))


@pytest.mark.parametrize(
    "other",
    [
        Asked(one=({"a": 1}, {"a": 3})),
        Asked(one=({"a": 1},)),
        Asked(pages=(page("x", "another"),)),
        Asked(rest=({"b": 2},)),
    ],
)
def test_answers_that_differ_are_refused(other: Asked) -> None:
    """By value, by number, by page, by the whole resource."""
    one = Asked(one=({"a": 1}, {"a": 2}), pages=(page("x", "n"),), rest=({"b": 1},))
    with pytest.raises(NotEqual, match=r"no\. \d|times"):
        compare("one", one, "other", other)


def test_pages_are_followed_by_the_servers_own_cursors() -> None:
    """The first page is asked without one."""
    asked: list[Any] = []

    def send(request: Request) -> Any:
        after = json.loads(request.body or b"")["variables"]["after"]
        asked.append(after)
        return {"data": page(f"after {len(asked)}", "n")}

    told = ask(Words(OURS), send, ["1"], 3, (PAGE,))
    assert [None, "after 1", "after 2"] == asked
    assert (None, "after 1", "after 2") == told.cursors
    assert 3 == len(told.pages)


@pytest.mark.parametrize(
    "answer", [{"errors": [{"message": "no"}], "data": None}, {"data": {"resource": None}}, {}, [], None]
)
def test_an_answer_that_is_none_is_refused(answer: Any) -> None:
    """An error is fast to send, and must not be measured."""
    with pytest.raises(NotEqual):
        ask(Words(OURS), lambda _request: answer, ["1"], 1, (ONE,))


def test_rest_is_asked_by_path() -> None:
    """A GET without a body; its answer is the whole resource."""
    told = ask(Words(None), lambda request: {"path": request.path, "body": request.body}, ["7"], 0, (REST,))
    assert ({"path": "/resources/7", "body": None},) == told.rest


def test_our_operations_are_valid_and_ask_what_the_peers_are_asked() -> None:
    """Against the schema that is served; the peers' select the same response keys."""
    core = build().core
    for ours, hand, generated in ((OURS.one, BY_HAND.one, GENERATED.one), (OURS.page, BY_HAND.page, GENERATED.page)):
        assert [] == validate(core, parse(ours))
        assert keys(ours) == keys(hand) == keys(generated)


def keys(operation: str) -> Any:
    """The response keys of an operation, nested as they are selected."""

    def selected(node: Any) -> Any:
        fields = node.selection_set.selections if node.selection_set else ()
        return {(field.alias or field.name).value: selected(field) for field in fields}

    return selected(parse(operation).definitions[0])
