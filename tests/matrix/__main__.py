"""`python -m tests.matrix`: run every cell, print the table and where it differs; `--write` commits to what came."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from tests.matrix.judging import Outcome
from tests.matrix.player import When
from tests.matrix.run import run
from tests.matrix.table import load, save


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """The exit code: 0 where everything is as expected."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table anew")
    options = parser.parse_args()
    began = time.monotonic()
    outcomes: list[Outcome] = []
    for when in When:
        outcomes += asyncio.run(run(when)).values()
    expected = {} if options.write else load()
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
    gone = set(expected) - {outcome.row.key for outcome in outcomes}
    for key in sorted(gone):
        _say(f"   NO SUCH CELL ANY MORE: {' | '.join(key)}")
    if options.write:
        save(outcome.row for outcome in sorted(outcomes, key=lambda one: one.row.vendor))
    _say(f"{len(outcomes)} cells, {differing + len(gone)} differ, {amiss} amiss, {time.monotonic() - began:.0f} s")
    return 1 if differing or gone or amiss else 0


sys.exit(main())
