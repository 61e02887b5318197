"""Kill the gateway's engine at every await of apply, and at random. `python -m tests.kills --random 100`.

Exits with 1 where a record was not sound after a kill, or the next start did not go on from it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.kills.deaths import Deaths


def main() -> int:
    """Kill, look, and tell."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        deaths = Deaths(Path(folder), asked.seed, quick=asked.quick)
        if asked.every != "none":
            deaths.at_every_await(narrow=asked.every == "sweep")
        at_awaits = deaths.findings.kills
        deaths.at_random(asked.random)
        found = deaths.findings
    for word in found.broken:
        sys.stdout.write(f"{word}\n")
    sys.stdout.write(
        f"killed {at_awaits} times at an await of apply, {found.kills - at_awaits} times at random (seed {asked.seed}); "
        f"they left {len(found.states)} different records behind; {len(found.broken)} rules broken\n"
    )
    return 1 if found.broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--random", type=int, default=0, metavar="N", help="kill so many times at random")
    parser.add_argument(
        "--every",
        choices=("all", "sweep", "none"),
        default="all",
        help="kill at every await of all applies, of the machines' sweep alone, or at none",
    )
    parser.add_argument(
        "--quick", action="store_true", help="kill once an await; start again once from each record that differs"
    )
    parser.add_argument("--seed", type=int, default=7, help="chooses the cloud and the moments")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
