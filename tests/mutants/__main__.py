"""Break each rule in turn, and see that it is noticed. `python -m tests.mutants`; `--only NAME` for some.

Exits with 1 where a broken rule goes unnoticed, or a guard already complains of the rules unbroken.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.mutants.hunting import hunt, sound
from tests.mutants.patches import mutants


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Hunt them all."""
    asked = _arguments()
    chosen = [one for one in mutants() if not asked.only or one.name in asked.only]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(asked.processes) as workers:
        folder = Path(name)
        unsound = 0
        for number, by in enumerate(sorted({one.by for one in chosen})):
            if (words := sound(by, folder / f"sound-{number}")) is not None:
                unsound += 1
                _tell(f"UNSOUND: {by} complains of the rules unbroken:\n{words}")
        unnoticed = 0
        for caught in workers.map(partial(hunt, folder=folder), chosen):
            unnoticed += not caught.noticed
            word = "caught  " if caught.noticed else "SURVIVED"
            _tell(f"({caught.mutant.letter}) {caught.mutant.name:<34} {word} {caught.seconds:5.0f} s  {caught.told}")
    _tell(f"{len(chosen)} rules broken, {len(chosen) - unnoticed} noticed, {unsound} guards unsound")
    return 1 if unnoticed or unsound or not chosen else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these patches alone")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
