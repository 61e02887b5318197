"""The verdicts of the scenarios."""

from __future__ import annotations

import json

import pytest
from graphql import parse, validate

from benchmarks.scenarios.memory_growth import MemoryGrowth, MemorySample
from benchmarks.scenarios.operation_flood import FloodResult, flood_templates
from schema.build import build

MB = 1_000_000


def test_growth_compares_the_first_quarter_with_the_last() -> None:
    """It compares medians; the greatest value is of all samples."""
    growth = MemoryGrowth.of([MemorySample(10 * n, (150 if n == 5 else 100 + n) * MB) for n in range(1, 9)])
    assert MemoryGrowth(101.5 * MB, 107.5 * MB, 150 * MB) == growth
    assert "+5.9 %" in growth.line
    assert not growth.is_bounded


@pytest.mark.parametrize(
    ("first", "last", "most", "is_bounded"),
    [(100, 105, 199, True), (100, 106, 199, False), (100, 100, 200, False), (100, 50, 150, True)],
)
def test_growth_is_bounded(first: int, last: int, most: int, is_bounded: bool) -> None:
    """The bounds are 5 %, and 200 MB at any time."""
    assert is_bounded is MemoryGrowth(first * MB, last * MB, most * MB).is_bounded


@pytest.mark.parametrize("samples", [[], [MemorySample(10, MB)], [MemorySample(10, MB), MemorySample(20, MB)]], ids=len)
def test_growth_needs_a_sample_in_the_first_and_in_the_last_quarter(samples: list[MemorySample]) -> None:
    """One run shows no growth."""
    with pytest.raises(ValueError, match="too few"):
        MemoryGrowth.of(samples)


@pytest.mark.parametrize(
    ("during", "after", "memory", "fill", "is_bounded"),
    [
        (2.0, 2.0, 249, 1.0, True),
        (2.1, 1.0, 249, 1.0, False),
        (1.0, 2.1, 249, 1.0, False),
        (1.0, 1.0, 250, 1.0, False),
        (1.0, 1.0, 1, 1.01, False),
    ],
)
def test_a_flood_is_bounded_in_memory_and_time(
    during: float, after: float, memory: int, fill: float, is_bounded: bool
) -> None:
    """Other operations take at most twice as long, during the flood and after it."""
    assert is_bounded is FloodResult(1, 1.0, during, after, memory * MB, fill).is_bounded


def test_the_texts_of_a_flood_are_distinct_and_three_quarters_of_them_valid() -> None:
    """The last kind selects a field that does not exist."""
    bodies = [(each.body or b"").decode().replace("@", str(n)) for n in (1, 2) for each in flood_templates("0" * 8)]
    texts = [json.loads(body)["query"] for body in bodies]
    assert len(set(texts)) == len(texts)
    uuid = "123e4567-e89b-42d3-a456-426614174000"
    valid = [json.loads((each.body or b"").decode().replace("@", "1"))["query"] for each in flood_templates(uuid)]
    assert [True, True, True, False] == [not validate(build().core, parse(text)) for text in valid]
