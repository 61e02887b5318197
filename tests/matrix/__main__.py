"""`python -m tests.matrix`: run every cell, print the table and where it differs; `--write` commits to what came.

`--vendor NAME`, once or more, plays these vendors alone and leaves the others' rows as they are.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from tests.matrix.judging import Outcome
from tests.matrix.player import When
from tests.matrix.run import run
from tests.matrix.table import load, save
from vendors import registry


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """The exit code: 0 where everything is as expected."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table anew")
    parser.add_argument(
        "--vendor", action="append", default=[], choices=registry.names(), help="play this vendor alone"
    )
    options = parser.parse_args()
    only = frozenset(options.vendor)
    began = time.monotonic()
    outcomes: list[Outcome] = []
    for when in When:
        outcomes += asyncio.run(run(when, only)).values()
    before = load()
    expected = {} if options.write else before
    kept = [row for row in before.values() if only and row.vendor not in only]
    differing = amiss = 0
    for outcome in sorted(outcomes, key=lambda one: one.row.vendor):
        _say(outcome.row.text)
        known = expected.get(outcome.row.key)
        if known != outcome.row and not options.write:
            differing += 1
            _say(f"   EXPECTED: {known.text if known else 'no row; judge it, then --write'}")
        for each in outcome.amiss:
            amiss += 1
            _say(f"   AMISS: {each}")
    gone = set(expected) - {outcome.row.key for outcome in outcomes} - {row.key for row in kept}
    for key in sorted(gone):
        _say(f"   NO SUCH CELL ANY MORE: {' | '.join(key)}")
    if options.write:
        # Sorting is stable: within a vendor the flights and faults stay in their order.
        save(sorted([*kept, *(outcome.row for outcome in outcomes)], key=lambda row: row.vendor))
    _say(f"{len(outcomes)} cells, {differing + len(gone)} differ, {amiss} amiss, {time.monotonic() - began:.0f} s")
    return 1 if differing or gone or amiss else 0


sys.exit(main())
