"""What several runs come to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.figures import Run, Spread, Summary, fastest, ratio

RUN = Run(1000.0, 2.0, 5.0, 300.0, 200.0, 80_000_000, 900.0)


def test_a_spread_is_the_median_with_the_least_and_the_most() -> None:
    """The median of an even number is between the two in the middle."""
    assert Spread(2.5, 1.0, 9.0) == Spread.of([9.0, 1.0, 3.0, 2.0])


def test_the_tail_is_each_runs_own() -> None:
    """The 99th percentile over the median is taken before the median over the runs."""
    runs = [RUN, replace(RUN, p50_ms=1.0, p99_ms=1.5), replace(RUN, p50_ms=10.0, p99_ms=20.0)]
    assert Spread(2.0, 1.5, 2.5) == Summary.of(runs).tail


def test_each_figure_has_its_own_median() -> None:
    """A run that is slow need not be the one that takes most memory."""
    runs = [RUN, replace(RUN, per_second=500.0), replace(RUN, per_second=1500.0, memory_bytes=90_000_000)]
    told = Summary.of(runs)
    assert (3, 1000.0, 80_000_000) == (told.runs, told.per_second.median, told.memory_bytes.median)


def test_a_summary_needs_a_run() -> None:
    """Nothing is made up where nothing was measured."""
    with pytest.raises(ValueError, match=r"no median|empty"):
        Summary.of([])


def test_the_fastest_is_of_those_that_were_run() -> None:
    """A name that was not run is passed over; where none was, there is none."""
    table = {"one": {"a": Summary.of([RUN]), "b": Summary.of([replace(RUN, per_second=1500.0)])}}
    assert "b" == fastest(table, "one", ("a", "b", "c"))
    assert fastest(table, "one", ("c",)) is None
    assert fastest(table, "two", ("a",)) is None


def test_a_ratio_is_of_medians() -> None:
    """None where either was not run."""
    table = {"one": {"a": Summary.of([RUN]), "b": Summary.of([replace(RUN, per_second=2500.0)])}}
    assert 2.5 == ratio(table, "one", "b", "a")
    assert ratio(table, "one", "b", "c") is None
