"""What is judged after many requests."""

from __future__ import annotations

import json

import pytest
from graphql import parse, validate

from benchmarks.flood import Flooded, templates
from benchmarks.growth import Growth, Sample
from schema.build import build

MB = 1_000_000


def test_growth_compares_the_first_quarter_with_the_last() -> None:
    """By medians; what lies between counts for the most only."""
    told = Growth.of([Sample(10 * n, (150 if n == 5 else 100 + n) * MB) for n in range(1, 9)])
    assert Growth(101.5 * MB, 107.5 * MB, 150 * MB) == told
    assert "+5.9 %" in told.told()
    assert not told.holds


@pytest.mark.parametrize(
    ("first", "last", "most", "holds"),
    [(100, 105, 199, True), (100, 106, 199, False), (100, 100, 200, False), (100, 50, 150, True)],
)
def test_growth_is_bounded(first: int, last: int, most: int, holds: bool) -> None:
    """By 5 %, and by 200 MB at any time."""
    assert holds is Growth(first * MB, last * MB, most * MB).holds


@pytest.mark.parametrize("samples", [[], [Sample(10, MB)], [Sample(10, MB), Sample(20, MB)]])
def test_growth_needs_a_sample_in_each_quarter(samples: list[Sample]) -> None:
    """One run tells none."""
    with pytest.raises(ValueError, match="too few"):
        Growth.of(samples)


@pytest.mark.parametrize(
    ("during", "after", "memory", "fill", "holds"),
    [
        (2.0, 2.0, 249, 1.0, True),
        (2.1, 1.0, 249, 1.0, False),
        (1.0, 2.1, 249, 1.0, False),
        (1.0, 1.0, 250, 1.0, False),
        (1.0, 1.0, 1, 1.01, False),
    ],
)
def test_a_flood_costs_neither_memory_nor_time(
    during: float, after: float, memory: int, fill: float, holds: bool
) -> None:
    """Others are held up by it at most twice as long, during it and afterwards."""
    assert holds is Flooded(1, 1.0, during, after, memory * MB, fill).holds


def test_a_floods_texts_are_distinct_and_three_quarters_of_them_valid() -> None:
    """The last kind asks for a field that does not exist."""
    bodies = [(each.body or b"").decode().replace("@", str(n)) for n in (1, 2) for each in templates("0" * 8)]
    texts = [json.loads(body)["query"] for body in bodies]
    assert len(set(texts)) == len(texts)
    uuid = "123e4567-e89b-42d3-a456-426614174000"
    valid = [json.loads((each.body or b"").decode().replace("@", "1"))["query"] for each in templates(uuid)]
    assert [True, True, True, False] == [not validate(build().core, parse(text)) for text in valid]
