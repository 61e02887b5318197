"""Medians, spreads and ratios of several runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.figures import BenchSummary, Run, Spread, cpu_ratio, fastest, rate_ratio

RUN = Run(1000.0, 2.0, 5.0, 300.0, 200.0, 80_000_000, 900.0)


def test_a_spread_is_the_median_with_the_least_and_the_greatest_value() -> None:
    """The median of an even number of values lies between the two in the middle."""
    assert Spread(2.5, 1.0, 9.0) == Spread.of([9.0, 1.0, 3.0, 2.0])


def test_the_tail_is_computed_per_run() -> None:
    """The 99th percentile over the median is taken before the median over the runs."""
    runs = [RUN, replace(RUN, p50_ms=1.0, p99_ms=1.5), replace(RUN, p50_ms=10.0, p99_ms=20.0)]
    assert Spread(2.0, 1.5, 2.5) == BenchSummary.of(runs).tail


def test_each_figure_has_a_median_of_its_own() -> None:
    """A run that is slow need not be the one that takes most memory."""
    runs = [RUN, replace(RUN, per_second=500.0), replace(RUN, per_second=1500.0, memory_bytes=90_000_000)]
    summary = BenchSummary.of(runs)
    assert (3, 1000.0, 80_000_000) == (summary.runs, summary.per_second.median, summary.memory_bytes.median)


def test_a_summary_needs_a_run() -> None:
    """There is no figure without a measurement."""
    with pytest.raises(ValueError, match=r"no median|empty"):
        BenchSummary.of([])


def test_the_fastest_server_is_one_of_those_that_were_run() -> None:
    """A name that was not run is ignored; the result is None if none was."""
    table = {"one": {"a": BenchSummary.of([RUN]), "b": BenchSummary.of([replace(RUN, per_second=1500.0)])}}
    assert "b" == fastest(table, "one", ("a", "b", "c"))
    assert fastest(table, "one", ("c",)) is None
    assert fastest(table, "two", ("a",)) is None


def test_a_ratio_is_of_medians() -> None:
    """It is None if either server was not run; the servers may be compared on two subjects."""
    table = {
        "one": {"a": BenchSummary.of([RUN]), "b": BenchSummary.of([replace(RUN, per_second=2500.0)])},
        "two": {"a": BenchSummary.of([replace(RUN, per_second=500.0)])},
    }
    assert 2.5 == rate_ratio(table, "one", "b", "a")
    assert 2.0 == rate_ratio(table, "one", "a", "a", "two")
    assert rate_ratio(table, "one", "b", "c") is None
    assert rate_ratio(table, "one", "b", "b", "two") is None


def test_a_cpu_ratio_is_of_the_servers_processes() -> None:
    """The database's CPU does not count."""
    cheap = replace(RUN, server_cpu_us=100.0, database_cpu_us=0.0)
    table = {"one": {"a": BenchSummary.of([RUN]), "b": BenchSummary.of([cheap])}}
    assert 3.0 == cpu_ratio(table, "one", "a", "b")
    assert cpu_ratio(table, "one", "a", "c") is None
    assert cpu_ratio(table, "two", "a", "b") is None
