"""Kill the gateway's engine at every await of an apply, and at random. `python -m tests.kills --random 100`.

Exits with 1 if the records were not sound after a kill, or if the next start did not continue from them, and with 2 if no
database could be created to begin with.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.kills.killer import InitialDatabaseError, ProcessKiller


def main() -> int:
    """Kill processes, check their records, and print the results."""
    arguments = _parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        try:
            killer = ProcessKiller(Path(folder), arguments.seed, quick=arguments.quick)
        except InitialDatabaseError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        if arguments.every != "none":
            killer.kill_at_every_await(narrow=arguments.every == "sweep")
        kills_at_awaits = killer.findings.kills
        killer.kill_at_random(arguments.random)
        findings = killer.findings
    for problem in findings.problems:
        sys.stdout.write(f"{problem}\n")
    sys.stdout.write(
        f"killed {kills_at_awaits} times at an await of apply, {findings.kills - kills_at_awaits} times at random "
        f"(seed {arguments.seed}); they left {len(findings.states)} different databases behind; "
        f"{len(findings.problems)} rules broken\n"
    )
    return 1 if findings.problems else 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--random", type=int, default=0, metavar="N", help="kill N times at random")
    parser.add_argument(
        "--every",
        choices=("all", "sweep", "none"),
        default="all",
        help="kill at every await of all applies, of the machines' sweep only, or at none",
    )
    parser.add_argument(
        "--quick", action="store_true", help="kill once at each await; restart once from each different database"
    )
    parser.add_argument("--seed", type=int, default=7, help="chooses the cloud and the moments")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
