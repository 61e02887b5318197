"""Slices of a run: operations over one world on one database, each answered by every rendering and compared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Final

from tests.databases import DatabaseBackend
from tests.equality.comparison import compare_renderings, compare_with_oracle
from tests.equality.generation.hypothesis_trees import draw_trees
from tests.equality.generation.requests import RequestGenerator
from tests.equality.generation.tree_author import TreeAuthor
from tests.equality.oracle.contract import SDL, contract
from tests.equality.oracle.oracle import Oracle, OracleAnswer, OracleRequest
from tests.equality.renderings import RenderedAnswer, Renderings
from tests.equality.tally import OperationTally
from tests.equality.world_builder import build_world

HTTP_EVERY: Final = 8
"""One of this many operations is also sent by an HTTP client, every second time by GET."""
_SKELETONS_A_SLICE: Final = 12
_MOST_FAILURES: Final = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """The parameters of a slice. Every second slice has a rough world. With `only`, one operation of it runs."""

    database: str
    seed: int
    number: int
    operations: int
    only: int | None = None

    @property
    def command(self) -> str:
        """The command that repeats it."""
        return (
            f"python -m tests.equality --database {self.database} --seed {self.seed} --slice {self.number}"
            f" --slice-operations {self.operations}"
        )


@dataclass(slots=True)
class SliceOutcome:
    """Counts, and a report for each operation whose answers differ."""

    tally: OperationTally = field(default_factory=OperationTally)
    failures: list[str] = field(default_factory=list)


DATABASES: Final = tuple(database.value for database in DatabaseBackend)


def run_slice(piece: Slice) -> SliceOutcome:
    """Run one slice."""
    return asyncio.run(_run(piece))


async def _run(piece: Slice) -> SliceOutcome:
    world = build_world(
        hash_of(piece), rough=piece.number % 2 == 1, size=random_of(piece).choice((0, 12, 30, 30, 30, 40))
    )
    skeletons = draw_trees(contract(), SDL.read_text(), _SKELETONS_A_SLICE, hash_of(piece))
    random = random_of(piece)
    requests = islice(RequestGenerator(random, world, skeletons, TreeAuthor(contract(), random)), piece.operations)
    outcome = SliceOutcome()
    async with DatabaseBackend(piece.database).engine() as engine:
        await world.insert(engine)
        oracle = Oracle(world)
        async with Renderings.over(world, engine) as renderings:
            for place, request in enumerate(requests):
                if piece.only in {None, place}:
                    await _compare(piece, place, request, oracle, renderings, outcome)
                if len(outcome.failures) >= _MOST_FAILURES:
                    break
    return outcome


def hash_of(piece: Slice) -> int:
    """Return a seed for the slice, the same on every database."""
    return piece.seed * 100_003 + piece.number


def random_of(piece: Slice) -> Random:
    """Return the random numbers of the slice."""
    return Random(hash_of(piece))


async def _compare(
    piece: Slice, place: int, request: OracleRequest, oracle: Oracle, renderings: Renderings, outcome: SliceOutcome
) -> None:
    expected = oracle.answer(request)
    renderings.plans.reset()
    answers = {name: await call(request) for name, call in renderings.calls.items()}
    outcome.tally.ran += renderings.plans.last is not None
    outcome.tally.planned += renderings.plans.last is True
    if place % HTTP_EVERY == 0:
        outcome.tally.over_http += 1
        answers["over HTTP"] = await renderings.over_http(request, get=place % (2 * HTTP_EVERY) == 0)
    differences = _find_differences(expected, answers)
    if differences:
        outcome.failures.append(_report(piece, place, request, expected, answers, differences))
    outcome.tally.add(expected)


def _find_differences(expected: OracleAnswer, answers: dict[str, RenderedAnswer]) -> list[str]:
    first, *others = answers
    differences = {"the oracle": compare_with_oracle(expected, answers[first])}
    differences |= {name: compare_renderings(answers[first], answers[name]) for name in others}
    return [f"{first} and {name}: {difference}" for name, difference in differences.items() if difference]


def _report(
    piece: Slice,
    place: int,
    request: OracleRequest,
    expected: OracleAnswer,
    answers: dict[str, RenderedAnswer],
    differences: Sequence[str],
) -> str:
    viewer = request.viewer
    lines = [
        *differences,
        request.query,
        f"variables: {json.dumps(dict(request.variables))}",
        f"operationName: {request.operation_name}; viewer: {viewer and (sorted(viewer.permissions), viewer.accounts)}",
        f"expected: {json.dumps(expected.body)[:2000]}",
        *(f"{name}: {json.dumps(answer.body)[:2000]}" for name, answer in answers.items()),
        f"to repeat: {piece.command} --only {place}",
    ]
    return "\n".join(lines)
