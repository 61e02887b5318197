"""The fault matrix, flight `probe`: a third of the cells, over real HTTP."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.matrix.cells.checks import CellOutcome
from tests.matrix.comparison import compare, run_selected, select_cells
from tests.matrix.player import FlightKind


@pytest.fixture(scope="module")
def outcomes() -> Mapping[str, CellOutcome]:
    """The outcome of every selected cell."""
    return run_selected(FlightKind.PROBE)


@pytest.mark.parametrize("cell", select_cells(FlightKind.PROBE))
def test_cell_matches_the_table(outcomes: Mapping[str, CellOutcome], cell: str) -> None:
    """The result equals the committed row, and no resource is lost, wrongly deleted or late, and no secret leaks."""
    compare(FlightKind.PROBE, cell, outcomes)
