"""`python -m tests.equality`: many operations, answered by every rendering; what differs, and what was asked how often."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.equality.run import DATABASES, Outcome, Slice, play
from tests.equality.tally import Tally, every

_LEAST = 50
_WHOLE = 20_000
_PLANNED = 0.95


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.equality", description=__doc__)
    parser.add_argument("--operations", type=int, default=2_000, help="how many operations")
    parser.add_argument("--database", choices=[*DATABASES], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slice-operations", type=int, default=250, help="operations over one world")
    parser.add_argument("--slice", type=int, help="this slice alone")
    parser.add_argument("--only", type=int, help="with --slice: this operation alone")
    parser.add_argument("--minutes", type=float, help="begin no slice after so many minutes")
    parser.add_argument("--processes", type=int, default=1)
    return parser.parse_args()


def _slices(told: argparse.Namespace) -> list[Slice]:
    if told.slice is not None:
        return [Slice(told.database, told.seed, told.slice, told.slice_operations, told.only)]
    count = -(-told.operations // told.slice_operations)
    return [Slice(told.database, told.seed, number, told.slice_operations) for number in range(count)]


def _outcomes(slices: list[Slice], processes: int) -> Iterator[Outcome]:
    if processes == 1:
        yield from map(play, slices)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(play, slices)
        finally:
            pool.shutdown(cancel_futures=True)


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _summary(tally: Tally, seconds: float) -> None:
    _tell(f"{tally.operations} operations in {seconds:.0f} s, {tally.operations / seconds:.1f}/s")
    shares = [f"{tally.planned / max(1, whole):.2%}" for whole in (tally.valid, tally.ran)]
    _tell(
        f"  {tally.valid} valid, {tally.ran} of them ran; {tally.planned} as plans: "
        f"{shares[0]} of the valid, {shares[1]} of those that ran"
    )
    _tell(f"  {tally.over_http} by an HTTP client as well")
    _tell("  " + ", ".join(f"{name} {count}" for name, count in tally.outcomes.most_common()))
    rarest = sorted((tally.hits[name], name) for name in set(every()))[:12]
    _tell(
        f"  {len(set(every()))} names of the contract; rarest: "
        + ", ".join(f"{name} {count}" for count, name in rarest)
    )


def main() -> int:
    """Run, and tell. The exit status is 1 where answers differ or, of a whole run, something was asked too seldom."""
    told = _arguments()
    began, tally, failures = time.monotonic(), Tally(), 0
    for number, outcome in enumerate(_outcomes(_slices(told), told.processes)):
        tally.join(outcome.tally)
        failures += len(outcome.failures)
        late = told.minutes is not None and time.monotonic() - began > told.minutes * 60
        _tell(f"slice {number}: {outcome.tally.operations} operations, {time.monotonic() - began:.0f} s so far")
        for failure in outcome.failures:
            _tell(f"DIFFERENT\n{failure}\n")
        if late:
            break
    _summary(tally, time.monotonic() - began)
    seldom = tally.seldom(_LEAST) if tally.operations >= _WHOLE else {}
    if seldom:
        _tell(f"hit less than {_LEAST} times: {seldom}")
    rarest, share = min(tally.hits[name] for name in set(every())), tally.planned / max(1, tally.ran)
    _tell(
        f"{tally.operations:,} operations, {failures} differences, {share:.1%} as plans, each name hit {rarest} times or more"
    )
    return 1 if failures or seldom or share < _PLANNED else 0


if __name__ == "__main__":
    sys.exit(main())
