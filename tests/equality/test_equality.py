"""All renderings give equal answers, and a difference is noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.databases import DatabaseBackend
from tests.equality.comparison import compare_renderings, compare_with_oracle
from tests.equality.generation.requests import VIEWERS
from tests.equality.oracle.oracle import Oracle, OracleAnswer, OracleRequest
from tests.equality.renderings import RenderedAnswer, Renderings
from tests.equality.slices import DATABASES, Slice, run_slice
from tests.equality.world_builder import build_world

_OPERATIONS = 40
_LIST = "{ resources(first: 1000) { nodes { resourceId name freshness { state } } totalCount } }"


@pytest.mark.parametrize("number", [0, 1], ids=["calm", "rough"])
@pytest.mark.parametrize("database", DATABASES)
def test_all_renderings_answer_as_the_oracle_does(database: str, number: int) -> None:
    """Generated operations over a generated world have equal data, errors and ages."""
    outcome = run_slice(Slice(database, 7, number, _OPERATIONS))
    assert [] == outcome.failures
    assert _OPERATIONS == outcome.tally.operations
    assert outcome.tally.valid > _OPERATIONS // 2


async def test_a_different_world_is_noticed() -> None:
    """The oracle's answer differs if one name or one missing mark differs from the database."""
    world = build_world(7, rough=False)
    request = OracleRequest(_LIST, viewer=VIEWERS[9])
    async with DatabaseBackend.SQLITE.engine() as engine:
        await world.insert(engine)
        async with Renderings.over(world, engine) as renderings:
            (answer, *_) = [await call(request) for call in renderings.calls.values()]
    assert compare_with_oracle(Oracle(world).answer(request), answer) is None
    first = next(each for each in world.resources if not each.deleted and each.missing_since is None)
    place = world.resources.index(first)
    for other in (
        replace(first, live=replace(first.live, name="another")),
        replace(first, missing_since=first.seen_at),
    ):
        changed = replace(world, resources=[*world.resources[:place], other, *world.resources[place + 1 :]])
        assert compare_with_oracle(Oracle(changed).answer(request), answer) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"data": 1}, {"data": True}),
        ({"data": None}, {}),
        ({"data": [1]}, {"data": [1, 2]}),
        ({"data": {"a": 1, "b": 2}}, {"data": {"b": 2, "a": 1}}),
        ({"data": 0.1}, {"data": 0.10000000000000002}),
    ],
)
def test_similar_answers_are_not_equal(one: object, other: object) -> None:
    """Types, lengths, the order of keys and the last digits count."""
    assert compare_renderings(RenderedAnswer(200, one), RenderedAnswer(200, other)) is not None
    assert compare_renderings(RenderedAnswer(200, one), RenderedAnswer(200, one)) is None


def test_errors_compare_without_their_texts() -> None:
    """The oracle has no messages; code, argument, location and path must be equal."""
    place = {"locations": [{"line": 1, "column": 3}], "path": ["a"]}
    extensions = {"code": "BAD_USER_INPUT", "argument": "first"}
    expected = OracleAnswer(200, {"data": None, "errors": [{"extensions": extensions, **place}]})
    answer = {"data": None, "errors": [{"message": "any", "extensions": extensions, **place}]}
    assert compare_with_oracle(expected, RenderedAnswer(200, answer)) is None
    odd = {"data": None, "errors": [{"message": "any", "extensions": extensions | {"argument": "after"}, **place}]}
    assert compare_with_oracle(expected, RenderedAnswer(200, odd)) is not None
