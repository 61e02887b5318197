"""Comparison of the answers of two servers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.answers import AnswersDiffer, compare, difference, normalise, request_answers
from benchmarks.operations import BROWSER, FULL, ONE, OURS, PAGE, REST, BenchRequest, RequestBuilder

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def page(cursor: str, *names: str) -> dict[str, Any]:
    """Return the data of a page."""
    nodes = [{"name": name} for name in names]
    return {"resources": {"nodes": nodes, "pageInfo": {"hasNextPage": True, "endCursor": cursor}}}


def encode(value: Any) -> bytes:
    """Return a body."""
    return json.dumps(value).encode()


@given(JSON)
def test_a_value_does_not_differ_from_itself_printed_and_parsed(value: Any) -> None:
    """This holds for every JSON value."""
    assert difference(value, json.loads(json.dumps(value))) is None


@given(JSON, JSON)
def test_values_differ_if_python_says_so(left: Any, right: Any) -> None:
    """Numbers are compared by value, whatever their type; but true is not 1."""
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
def test_a_difference_names_its_path(left: Any, right: Any, place: str) -> None:
    """The path helps to correct the views of a peer."""
    assert place in (difference(left, right) or "")


def test_numbers_are_equal_as_numbers() -> None:
    """A server may print 3.0 as 3, and keys in another order."""
    assert difference({"a": 3.0, "b": 1}, {"b": 1, "a": 3}) is None


def test_the_text_of_a_cursor_is_not_compared() -> None:
    """The comparison includes the presence of a cursor, not its text."""
    assert normalise(page("abc")) == normalise(page("xyz"))
    assert normalise(page("abc")) != normalise({"resources": {"nodes": [], "pageInfo": {"hasNextPage": True}}})
    none = {"resources": {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": None}}}
    assert normalise(page("abc")) != normalise(none)


def test_only_subjects_of_both_servers_are_compared() -> None:
    """A server that does not answer pages is not compared by them."""
    expected: dict[str, Any] = {ONE: [{"a": 1}, {"a": 2}], PAGE: [page("x", "n")]}
    assert 2 == compare("one", expected, "other", {ONE: [{"a": 1}, {"a": 2}], REST: [{"b": 1}]})
    assert 3 == compare("one", expected, "other", {ONE: [{"a": 1}, {"a": 2}], PAGE: [page("y", "n")]})


def test_the_same_question_in_another_form_has_the_same_answers() -> None:
    """A browser's headers change nothing, and the full selection answers what the REST route answers."""
    expected: dict[str, Any] = {ONE: [{"a": 1}], REST: [{"b": 1}]}
    assert 2 == compare("one", expected, "other", {BROWSER: [{"a": 1}], FULL: [{"b": 1}]})
    for answers in ({BROWSER: [{"a": 2}]}, {FULL: [{"b": 2}]}):
        with pytest.raises(AnswersDiffer):
            compare("one", expected, "other", answers)


@pytest.mark.parametrize(
    "answers", [{ONE: [{"a": 1}, {"a": 3}]}, {ONE: [{"a": 1}]}, {PAGE: [page("x", "another")]}, {REST: [{"b": 2}]}]
)
def test_different_answers_are_refused(answers: dict[str, Any]) -> None:
    """Values, the number of answers, pages and whole resources may differ."""
    expected: dict[str, Any] = {ONE: [{"a": 1}, {"a": 2}], PAGE: [page("x", "n")], REST: [{"b": 1}]}
    with pytest.raises(AnswersDiffer, match=r"no\. \d|times"):
        compare("one", expected, "other", answers)


def test_pages_follow_the_cursors_of_the_server() -> None:
    """The first page is requested without a cursor."""
    cursors: list[Any] = []

    def send(request: BenchRequest) -> bytes:
        cursors.append(json.loads(request.body or b"")["variables"]["after"])
        return encode({"data": page(f"after {len(cursors)}", "n")})

    answers = request_answers(RequestBuilder(OURS), send, ["1"], 3, (PAGE,))
    assert [None, "after 1", "after 2"] == cursors == answers.cursors
    assert 3 == len(answers.by_subject[PAGE])


def test_the_shortest_and_the_first_body_are_remembered() -> None:
    """The load is checked against the one, and the constant body is the other."""
    bodies = iter([b'{"a": 100}', b'{"a": 1}', b'{"a": 10}'])
    answers = request_answers(RequestBuilder(None), lambda _request: next(bodies), ["1", "2", "3"], 0, (REST,))
    assert ({REST: 8}, {REST: b'{"a": 100}'}) == (answers.shortest, answers.sample)


@pytest.mark.parametrize(
    "answer", [{"errors": [{"message": "no"}], "data": None}, {"data": {"resource": None}}, {}, [], None]
)
def test_an_answer_without_data_is_refused(answer: Any) -> None:
    """An error is fast to send, and must not be measured."""
    with pytest.raises(AnswersDiffer):
        request_answers(RequestBuilder(OURS), lambda _request: encode(answer), ["1"], 1, (ONE,))
