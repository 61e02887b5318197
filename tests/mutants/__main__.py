"""Break each rule in turn, and check that it is noticed. `python -m tests.mutants`; `--only NAME` for some.

Exits with 1 if a broken rule goes unnoticed, or if a guard fails without any broken rule.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.mutants.hunt import check_guard, hunt
from tests.mutants.patches import all_mutants


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Hunt the mutants and print the results."""
    arguments = _parse_arguments()
    mutants = [mutant for mutant in all_mutants() if not arguments.only or mutant.name in arguments.only]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(arguments.processes) as workers:
        folder = Path(name)
        failing_guards = 0
        for number, guard in enumerate(sorted({mutant.guard for mutant in mutants})):
            if (output := check_guard(guard, folder / f"guard-{number}")) is not None:
                failing_guards += 1
                _print(f"UNSOUND: {guard} fails without a broken rule:\n{output}")
        survivors = 0
        for result in workers.map(partial(hunt, folder=folder), mutants):
            survivors += not result.noticed
            verdict = "caught  " if result.noticed else "SURVIVED"
            mutant = result.mutant
            _print(f"({mutant.letter}) {mutant.name:<42} {verdict} {result.seconds:5.0f} s  {result.details}")
    noticed = len(mutants) - survivors
    _print(f"{len(mutants)} rules broken, {noticed} noticed, {failing_guards} guards unsound")
    return 1 if survivors or failing_guards or not mutants else 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these patches")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="number of hunts at a time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
