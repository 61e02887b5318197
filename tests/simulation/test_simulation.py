"""A small part of the simulation. `python -m tests.simulation` runs all of it."""

from __future__ import annotations

import pytest

from tests.simulation.counts import EventCounts
from tests.simulation.expectations import expected_events
from tests.simulation.runs import Job, play


@pytest.mark.parametrize("seed", range(1, 9))
def test_the_invariants_hold(seed: int) -> None:
    """For the readers, faults, changes, restarts and clock steps of this seed."""
    result = play(Job(seed, 1_500))
    assert result.failure is None, result.failure
    assert result.counts.steps >= 1_500


@pytest.mark.parametrize("seed", [1, 2])
def test_sqlite_and_memory_hold_the_same_rows(seed: int) -> None:
    """Compared after every flight."""
    result = play(Job(seed, 400, on_sqlite=True))
    assert result.failure is None, result.failure


def test_a_seed_can_be_replayed() -> None:
    """The same seed gives the same run, so that a failure can be examined."""
    first, second = (play(Job(11, 500)) for _ in range(2))
    assert first.counts.counts == second.counts.counts


def test_events_that_never_occurred_are_reported() -> None:
    """Not only rare ones: each fault, outcome and overlap has a name that is expected."""
    counts = play(Job(12, 1_500)).counts.counts
    groups = {group for group, _ in expected_events()}
    assert set() == {event for event in counts if event[0] in groups} - expected_events()
    few = EventCounts()
    few.count("outcome", "probe gone")
    rare = few.rare(2, expected_events())
    assert len(expected_events()) == len(rare)
    assert {"outcome: probe gone (1)", "probe: generic 404 (0)"} <= set(rare)
