"""A small part of the simulation; `python -m tests.simulation` runs all of it."""

from __future__ import annotations

import pytest

from tests.simulation.expected import expected
from tests.simulation.run import Job, play
from tests.simulation.tally import Tally


@pytest.mark.parametrize("seed", range(1, 9))
def test_the_invariants_hold(seed: int) -> None:
    """Whatever readers, faults, changes, restarts and clock steps this seed brings."""
    told = play(Job(seed, 1_500))
    assert told.failure is None, told.failure
    assert told.tally.steps >= 1_500


@pytest.mark.parametrize("seed", [1, 2])
def test_the_record_on_sqlite_is_the_one_in_memory(seed: int) -> None:
    """After every flight, row by row."""
    told = play(Job(seed, 400, on_sqlite=True))
    assert told.failure is None, told.failure


def test_a_seed_is_replayed() -> None:
    """The same seed does the same, which is how a failure is looked into."""
    first, second = (play(Job(11, 500)) for _ in range(2))
    assert first.tally.counts == second.tally.counts


def test_what_was_never_tried_is_told() -> None:
    """Not only what was tried seldom: each fault, outcome and overlap has a name that is looked for."""
    counts = play(Job(12, 1_500)).tally.counts
    groups = {group for group, _ in expected()}
    assert set() == {one for one in counts if one[0] in groups} - expected()
    seldom = Tally()
    seldom.count("outcome", "probe gone")
    told = seldom.rare(2, expected())
    assert len(expected()) == len(told)
    assert {"outcome: probe gone (1)", "probe told: generic 404 (0)"} <= set(told)
