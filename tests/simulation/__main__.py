"""`python -m tests.simulation`: run many seeds over the processors, and print a table of what occurred."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.simulation.counts import EventCounts
from tests.simulation.expectations import expected_events
from tests.simulation.runs import Job, RunResult, play, play_all

_LEAST = 100


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="number of seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--steps", type=int, default=1_000_000, help="number of steps over all seeds")
    parser.add_argument(
        "--sqlite-steps", type=int, default=0, help="number of further steps on SQLite, compared with memory"
    )
    parser.add_argument(
        "--seed", type=int, help="run only this seed, with the steps that it would have among the others"
    )
    parser.add_argument("--sqlite", action="store_true", help="with --seed: run on SQLite")
    parser.add_argument("--verbose", action="store_true", help="with --seed: print the whole traceback and the table")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="number of worker processes")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failing seed")
    return parser.parse_args()


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _print_failure(result: RunResult, *, whole: bool) -> None:
    text, job = result.failure or "", result.job
    option = " --sqlite" if job.on_sqlite else ""
    _print(f"seed {job.seed} FAILED after {result.counts.steps} steps: {text if whole else text.splitlines()[0]}")
    _print(f"  repeat: python -m tests.simulation --seeds 1 --seed {job.seed} --steps {job.steps}{option} --verbose")


def _jobs(arguments: argparse.Namespace) -> list[Job]:
    steps = -(-arguments.steps // arguments.seeds)
    if arguments.seed is not None:
        return [Job(arguments.seed, steps, arguments.sqlite)]
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    jobs = [Job(seed, steps) for seed in seeds]
    sqlite_runs = -(-arguments.sqlite_steps // 1000)
    return [*(Job(seed, 1000, on_sqlite=True) for seed in list(seeds)[:sqlite_runs]), *jobs]


def main() -> int:
    """Run the jobs and print the results. Return 1 if an invariant was broken or an expected event is too rare."""
    arguments = _parse_arguments()
    start, total, sqlite_steps, failures = time.monotonic(), EventCounts(), 0, 0
    jobs = _jobs(arguments)
    for result in map(play, jobs) if len(jobs) == 1 else play_all(jobs, arguments.processes):
        total.add(result.counts)
        sqlite_steps += result.counts.steps if result.job.on_sqlite else 0
        if result.failure is not None:
            failures += 1
            _print_failure(result, whole=arguments.verbose)
            if not arguments.keep_going:
                break
    seconds = time.monotonic() - start
    if len(jobs) > 1 or arguments.verbose:
        _print("\n".join(total.table()))
    rare = total.rare(_LEAST, expected_events()) if arguments.steps >= 1_000_000 and not failures else []
    for line in rare:
        _print(f"occurred fewer than {_LEAST} times: {line}")
    _print(
        f"{len(jobs)} runs, {total.steps:,} steps ({sqlite_steps:,} of them on SQLite, compared with memory) "
        f"in {seconds:.0f} s, {total.steps / seconds:,.0f} a second; {failures} failed"
    )
    return 1 if failures or rare else 0


if __name__ == "__main__":
    sys.exit(main())
