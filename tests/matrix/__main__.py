"""Run every cell of the fault matrix, print the table and every difference from the committed one.

`--write` replaces the committed table with the results. `--vendor NAME`, which may be repeated, runs these vendors only and
leaves the rows of the others unchanged.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence

from tests.matrix.cells.checks import CellOutcome
from tests.matrix.cells.runner import run_cells
from tests.matrix.player import FlightKind
from tests.matrix.table import CellKey, Row, load, save
from vendors import registry


def _print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the committed table with the results")
    parser.add_argument("--vendor", action="append", default=[], choices=registry.names(), help="run this vendor only")
    return parser.parse_args()


def _report(outcomes: Sequence[CellOutcome], expected: dict[CellKey, Row], *, writing: bool) -> tuple[int, int]:
    """Print each row with its differences. Return the number of differing rows and of broken rules."""
    differing = violations = 0
    for outcome in sorted(outcomes, key=lambda outcome: outcome.row.vendor):
        _print_line(outcome.row.text)
        expected_row = expected.get(outcome.row.key)
        if expected_row != outcome.row and not writing:
            differing += 1
            _print_line(
                f"   EXPECTED: {expected_row.text if expected_row else 'no row; run with --write and review the new row'}"
            )
        for violation in outcome.violations:
            violations += 1
            _print_line(f"   VIOLATION: {violation}")
    return differing, violations


def main() -> int:
    """Run the command. Return its exit code, which is 0 if every result is as expected."""
    options = _parse_options()
    only = frozenset(options.vendor)
    started = time.monotonic()
    outcomes: list[CellOutcome] = []
    for flight in FlightKind:
        outcomes += asyncio.run(run_cells(flight, only)).values()
    committed = load()
    expected = {} if options.write else committed
    unchanged = [row for row in committed.values() if only and row.vendor not in only]
    differing, violations = _report(outcomes, expected, writing=options.write)
    obsolete = set(expected) - {outcome.row.key for outcome in outcomes} - {row.key for row in unchanged}
    for key in sorted(obsolete):
        _print_line(f"   NO LONGER A CELL: {' | '.join(key)}")
    if options.write:
        # The sort is stable: within a vendor, flights and faults stay in their order.
        save(sorted([*unchanged, *(outcome.row for outcome in outcomes)], key=lambda row: row.vendor))
    differing += len(obsolete)
    seconds = time.monotonic() - started
    _print_line(f"{len(outcomes)} cells, {differing} differ, {violations} violations, {seconds:.0f} s")
    return 1 if differing or violations else 0


sys.exit(main())
