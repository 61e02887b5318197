"""Slices: so many operations over one world on one database, each answered by every rendering and compared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Final

from tests.databases import DatabaseBackend
from tests.equality.asking.author import Author
from tests.equality.asking.drawn import drawn
from tests.equality.asking.operations import Operations
from tests.equality.building import build
from tests.equality.comparing import between, differences
from tests.equality.oracle.contract import SDL, contract
from tests.equality.oracle.oracle import Answer, Oracle, Request
from tests.equality.renderings import Renderings, Told
from tests.equality.tally import Tally

HTTP_EVERY: Final = 8
"""Of so many operations one is sent by an HTTP client as well, every other time by GET."""
_SKELETONS_A_SLICE: Final = 12
_MOST_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """What to run. Every other slice has a rough world. `only` runs one operation of it."""

    database: str
    seed: int
    number: int
    operations: int
    only: int | None = None

    @property
    def again(self) -> str:
        """The command that runs it again."""
        return (
            f"python -m tests.equality --database {self.database} --seed {self.seed} --slice {self.number}"
            f" --slice-operations {self.operations}"
        )


@dataclass(slots=True)
class Outcome:
    """What was counted, and what differed."""

    tally: Tally = field(default_factory=Tally)
    failures: list[str] = field(default_factory=list)


DATABASES: Final = tuple(kept.value for kept in DatabaseBackend)


def play(each: Slice) -> Outcome:
    """Run one slice."""
    return asyncio.run(_played(each))


async def _played(each: Slice) -> Outcome:
    world = build(hash_of(each), rough=each.number % 2 == 1, size=random_of(each).choice((0, 12, 30, 30, 30, 40)))
    skeletons = drawn(contract(), SDL.read_text(), _SKELETONS_A_SLICE, hash_of(each))
    random = random_of(each)
    requests = islice(Operations(random, world, skeletons, Author(contract(), random)), each.operations)
    outcome = Outcome()
    async with DatabaseBackend(each.database).engine() as engine:
        await world.record(engine)
        oracle = Oracle(world)
        async with Renderings.over(world, engine) as renderings:
            for place, request in enumerate(requests):
                if each.only in {None, place}:
                    await _compare(each, place, request, oracle, renderings, outcome)
                if len(outcome.failures) >= _MOST_TOLD:
                    break
    return outcome


def hash_of(each: Slice) -> int:
    """A number of the slice's own, the same on every database."""
    return each.seed * 100_003 + each.number


def random_of(each: Slice) -> Random:
    """Chance of the slice's own."""
    return Random(hash_of(each))


async def _compare(
    each: Slice, place: int, request: Request, oracle: Oracle, renderings: Renderings, outcome: Outcome
) -> None:
    expected = oracle.answer(request)
    renderings.plans.reset()
    told = {name: await call(request) for name, call in renderings.calls.items()}
    outcome.tally.ran += renderings.plans.last is not None
    outcome.tally.planned += renderings.plans.last is True
    if place % HTTP_EVERY == 0:
        outcome.tally.over_http += 1
        told["over HTTP"] = await renderings.over_http(request, get=place % (2 * HTTP_EVERY) == 0)
    found = _differences(expected, told)
    if found:
        outcome.failures.append(_report(each, place, request, expected, told, found))
    outcome.tally.add(expected)


def _differences(expected: Answer, told: dict[str, Told]) -> list[str]:
    names = list(told)
    found = [f"{names[0]} and the oracle: {told}" for told in [differences(expected, told[names[0]])] if told]
    for name in names[1:]:
        differing = between(told[names[0]], told[name])
        found += [f"{names[0]} and {name}: {differing}"] if differing else []
    return found


def _report(
    each: Slice, place: int, request: Request, expected: Answer, told: dict[str, Told], found: Sequence[str]
) -> str:
    viewer = request.viewer
    lines = [
        *found,
        request.query,
        f"variables: {json.dumps(dict(request.variables))}",
        f"operationName: {request.operation_name}; viewer: {viewer and (sorted(viewer.permissions), viewer.accounts)}",
        f"expected: {json.dumps(expected.body)[:2000]}",
        *(f"{name}: {json.dumps(answer.body)[:2000]}" for name, answer in told.items()),
        f"again: {each.again} --only {place}",
    ]
    return "\n".join(lines)
