"""`python -m tests.equality`: many operations, answered by every rendering; prints differences and counts."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.equality.slices import DATABASES, Slice, SliceOutcome, run_slice
from tests.equality.tally import OperationTally, contract_names

_LEAST_HITS = 50
_FULL_RUN = 20_000
_LEAST_PLANNED = 0.95


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.equality", description=__doc__)
    parser.add_argument("--operations", type=int, default=2_000, help="number of operations")
    parser.add_argument("--database", choices=[*DATABASES], default="sqlite", help="the database that is read")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other operations")
    parser.add_argument("--slice-operations", type=int, default=250, help="operations over one world")
    parser.add_argument("--slice", type=int, help="run only this slice")
    parser.add_argument("--only", type=int, help="with --slice: run only this operation")
    parser.add_argument("--minutes", type=float, help="start no slice after this time")
    parser.add_argument("--processes", type=int, default=1, help="slices that run at the same time")
    return parser.parse_args()


def _slices(options: argparse.Namespace) -> list[Slice]:
    if options.slice is not None:
        return [Slice(options.database, options.seed, options.slice, options.slice_operations, options.only)]
    count = -(-options.operations // options.slice_operations)
    return [Slice(options.database, options.seed, number, options.slice_operations) for number in range(count)]


def _run_slices(slices: list[Slice], processes: int) -> Iterator[SliceOutcome]:
    if processes == 1:
        yield from map(run_slice, slices)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(run_slice, slices)
        finally:
            pool.shutdown(cancel_futures=True)


def _write_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _write_summary(tally: OperationTally, seconds: float) -> None:
    _write_line(f"{tally.operations} operations in {seconds:.0f} s, {tally.operations / seconds:.1f}/s")
    shares = [f"{tally.planned / max(1, whole):.2%}" for whole in (tally.valid, tally.ran)]
    _write_line(
        f"  {tally.valid} valid, {tally.ran} of them ran; {tally.planned} as plans: "
        f"{shares[0]} of the valid, {shares[1]} of those that ran"
    )
    _write_line(f"  {tally.over_http} by an HTTP client also")
    _write_line("  " + ", ".join(f"{name} {count}" for name, count in tally.outcomes.most_common()))
    rarest = sorted((tally.hits[name], name) for name in set(contract_names()))[:12]
    _write_line(
        f"  {len(set(contract_names()))} names of the contract; rarest: "
        + ", ".join(f"{name} {count}" for count, name in rarest)
    )


def main() -> int:
    """Run the slices and print the result.

    The exit code is 1 if answers differ, if too few operations ran as plans, or if a full run hit a name too rarely.
    """
    options = _parse_options()
    began, tally, failures = time.monotonic(), OperationTally(), 0
    for number, outcome in enumerate(_run_slices(_slices(options), options.processes)):
        tally.join(outcome.tally)
        failures += len(outcome.failures)
        late = options.minutes is not None and time.monotonic() - began > options.minutes * 60
        _write_line(f"slice {number}: {outcome.tally.operations} operations, {time.monotonic() - began:.0f} s so far")
        for failure in outcome.failures:
            _write_line(f"DIFFERENT\n{failure}\n")
        if late:
            break
    _write_summary(tally, time.monotonic() - began)
    rare = tally.rare_names(_LEAST_HITS) if tally.operations >= _FULL_RUN else {}
    if rare:
        _write_line(f"hit fewer than {_LEAST_HITS} times: {rare}")
    rarest, share = min(tally.hits[name] for name in set(contract_names())), tally.planned / max(1, tally.ran)
    _write_line(
        f"{tally.operations:,} operations, {failures} differences, {share:.1%} as plans, each name hit {rarest} times or more"
    )
    return 1 if failures or rare or share < _LEAST_PLANNED else 0


if __name__ == "__main__":
    sys.exit(main())
