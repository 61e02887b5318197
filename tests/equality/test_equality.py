"""Every rendering answers alike, and what answers otherwise is noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.databases import DatabaseBackend
from tests.equality.asking.operations import VIEWERS
from tests.equality.building import build
from tests.equality.comparing import between, differences
from tests.equality.oracle.oracle import Answer, Oracle, Request
from tests.equality.renderings import Renderings, Told
from tests.equality.run import DATABASES, Slice, play

_OPERATIONS = 40
_LIST = "{ resources(first: 1000) { nodes { resourceId name freshness { state } } totalCount } }"


@pytest.mark.parametrize("number", [0, 1], ids=["calm", "rough"])
@pytest.mark.parametrize("database", DATABASES)
def test_all_renderings_answer_as_the_oracle_does(database: str, number: int) -> None:
    """Generated operations over a generated record: data, errors and ages."""
    outcome = play(Slice(database, 7, number, _OPERATIONS))
    assert [] == outcome.failures
    assert _OPERATIONS == outcome.tally.operations
    assert outcome.tally.valid > _OPERATIONS // 2


async def test_a_record_that_differs_is_noticed() -> None:
    """One name, or one instant of a sighting, that differs from what was recorded is told apart."""
    world = build(7, rough=False)
    request = Request(_LIST, viewer=VIEWERS[9])
    async with DatabaseBackend.SQLITE.engine() as engine:
        await world.record(engine)
        async with Renderings.over(world, engine) as renderings:
            (told, *_) = [await call(request) for call in renderings.calls.values()]
    assert differences(Oracle(world).answer(request), told) is None
    first = next(one for one in world.resources if not one.deleted and one.missing_since is None)
    place = world.resources.index(first)
    for other in (
        replace(first, live=replace(first.live, name="another")),
        replace(first, missing_since=first.seen_at),
    ):
        changed = replace(world, resources=[*world.resources[:place], other, *world.resources[place + 1 :]])
        assert differences(Oracle(changed).answer(request), told) is not None


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
def test_near_misses_are_no_equals(one: object, other: object) -> None:
    """Types, lengths, orders of keys and last digits count."""
    assert between(Told(200, one), Told(200, other)) is not None
    assert between(Told(200, one), Told(200, one)) is None


def test_errors_compare_without_their_texts() -> None:
    """The oracle words no message; code, argument, place and path must agree."""
    place = {"locations": [{"line": 1, "column": 3}], "path": ["a"]}
    extensions = {"code": "BAD_USER_INPUT", "argument": "first"}
    expected = Answer(200, {"data": None, "errors": [{"extensions": extensions, **place}]})
    told = {"data": None, "errors": [{"message": "any", "extensions": extensions, **place}]}
    assert differences(expected, Told(200, told)) is None
    odd = {"data": None, "errors": [{"message": "any", "extensions": extensions | {"argument": "after"}, **place}]}
    assert differences(expected, Told(200, odd)) is not None
