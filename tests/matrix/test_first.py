"""The fault matrix, column `first sweep`: through real HTTP, a third of the cells."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.matrix.comparing import cells, compare, ran
from tests.matrix.judging import Outcome
from tests.matrix.player import When


@pytest.fixture(scope="module")
def outcomes() -> Mapping[str, Outcome]:
    """What every cell came to."""
    return ran(When.FIRST)


@pytest.mark.parametrize("cell", cells(When.FIRST))
def test_it_comes_to_what_the_table_says(outcomes: Mapping[str, Outcome], cell: str) -> None:
    """Verdict, reason, rows and calls are those of the table; nothing is lost, deleted, late, broken or given away."""
    compare(When.FIRST, cell, outcomes)
