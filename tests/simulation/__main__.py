"""`python -m tests.simulation`: many seeds over the processors, and a table of what occurred."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.simulation.expected import expected
from tests.simulation.run import Job, Told, play, play_all
from tests.simulation.tally import Tally

_LEAST = 100


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--steps", type=int, default=1_000_000, help="steps over all seeds")
    parser.add_argument(
        "--sqlite-steps", type=int, default=0, help="as many more on SQLite beside the record in memory"
    )
    parser.add_argument("--seed", type=int, help="this one alone, with as many steps as it would have among the others")
    parser.add_argument("--sqlite", action="store_true", help="with --seed: on SQLite")
    parser.add_argument("--verbose", action="store_true", help="with --seed: the whole traceback and table")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failing seed")
    return parser.parse_args()


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _failed(told: Told, *, whole: bool) -> None:
    text = told.failure or ""
    where = " --sqlite" if told.job.on_sqlite else ""
    _tell(f"seed {told.job.seed} FAILED after {told.tally.steps} steps: {text if whole else text.splitlines()[0]}")
    _tell(
        f"  again: python -m tests.simulation --seeds 1 --seed {told.job.seed} --steps {told.job.steps}{where} --verbose"
    )


def _jobs(arguments: argparse.Namespace) -> list[Job]:
    each = -(-arguments.steps // arguments.seeds)
    if arguments.seed is not None:
        return [Job(arguments.seed, each, arguments.sqlite)]
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    jobs = [Job(seed, each) for seed in seeds]
    on_sqlite = -(-arguments.sqlite_steps // 1000)
    return [*(Job(seed, 1000, on_sqlite=True) for seed in list(seeds)[:on_sqlite]), *jobs]


def main() -> int:
    """Run, and tell; the exit status is 1 where an invariant broke or something was never tried."""
    arguments = _arguments()
    began, total, on_sqlite, failures = time.monotonic(), Tally(), 0, 0
    jobs = _jobs(arguments)
    for told in map(play, jobs) if len(jobs) == 1 else play_all(jobs, arguments.processes):
        total.add(told.tally)
        on_sqlite += told.tally.steps if told.job.on_sqlite else 0
        if told.failure is not None:
            failures += 1
            _failed(told, whole=arguments.verbose)
            if not arguments.keep_going:
                break
    seconds = time.monotonic() - began
    if len(jobs) > 1 or arguments.verbose:
        _tell("\n".join(total.table()))
    rare = total.rare(_LEAST, expected()) if arguments.steps >= 1_000_000 and not failures else []
    for line in rare:
        _tell(f"occurred less than {_LEAST} times: {line}")
    _tell(
        f"{len(jobs)} runs, {total.steps:,} steps ({on_sqlite:,} of them on SQLite beside memory) in {seconds:.0f} s, "
        f"{total.steps / seconds:,.0f} a second; {failures} failed"
    )
    return 1 if failures or rare else 0


if __name__ == "__main__":
    sys.exit(main())
