"""Shared by the matrix tests: run a third of the cells of one kind of flight and compare them with the committed table.

The third is chosen so that each vendor meets each fault in one kind of flight. `python -m tests.matrix` runs every cell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.matrix.cells.checks import CellOutcome
from tests.matrix.cells.runner import run_cells
from tests.matrix.faults import FAULTS
from tests.matrix.player import FlightKind
from tests.matrix.table import CellKey, load
from vendors import registry


def select_cells(flight: FlightKind) -> list[str]:
    """Return the names of the third of the cells that the tests run."""
    kinds = list(FlightKind)
    return [
        f"{vendor} {fault.name}"
        for row, vendor in enumerate(registry.names())
        for column, fault in enumerate(FAULTS)
        if (row + column) % len(kinds) == kinds.index(flight)
    ]


def run_selected(flight: FlightKind) -> Mapping[str, CellOutcome]:
    """Run the selected cells concurrently."""
    return asyncio.run(run_cells(flight, chosen=select_cells(flight)))


def compare(flight: FlightKind, cell: str, outcomes: Mapping[str, CellOutcome]) -> None:
    """Fail if the cell's result differs from its row, or if the cell broke a rule."""
    vendor, _, fault = cell.partition(" ")
    key = CellKey(vendor, flight, fault)
    expected = load().get(key)
    if expected is None:
        pytest.fail(
            f"expected.csv has no row for {' | '.join(key)}: run `python -m tests.matrix --write` and review the new row"
        )
    outcome = outcomes[cell]
    # The duration depends on the machine that runs the tests. `python -m tests.matrix` compares it too.
    if replace(expected, seconds="") != replace(outcome.row, seconds=""):
        pytest.fail(f"expected {expected.text}\n  actual {outcome.row.text}")
    if outcome.violations:
        pytest.fail("\n".join([outcome.row.text, *outcome.violations]))
