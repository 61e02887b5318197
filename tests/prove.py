"""Run every proof with its whole budget, one after another, and print a table of the results: `python -m tests.prove`.

The output of a proof is written to `.state/prove/NAME.log`; its last line is the figure of the table. Exits with 1 if a proof
failed. All proofs take about an hour and a half on two processors; `--only NAME` runs some of them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_LOGS: Final = ROOT / ".state" / "prove"


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof: a module and its arguments. It fails if its exit code is not 0."""

    name: str
    command: tuple[str, ...]
    shows: str

    @property
    def text(self) -> str:
        """The command as it is typed."""
        return f"python -m {' '.join(self.command)}"


PROOFS: Final = (
    Proof("matrix", ("tests.matrix",), "every fault of every vendor has the committed outcome"),
    Proof(
        "simulation",
        ("tests.simulation", "--seeds", "200", "--steps", "1000000", "--sqlite-steps", "20000"),
        "the rules of truth hold in the whole engine under every fault",
    ),
    Proof("mutants", ("tests.mutants",), "a test fails for each rule that is broken"),
    Proof(
        "fuzz",
        ("tests.fuzz", "--answers", "500"),
        "random answers of every vendor, from its specification or its recordings, are handled",
    ),
    Proof(
        "equality-sqlite",
        ("tests.equality", "--database", "sqlite", "--operations", "20000", "--processes", "2"),
        "plans, graphql-core and an oracle without SQL give equal answers",
    ),
    Proof(
        "equality-postgresql",
        ("tests.equality", "--database", "postgresql", "--operations", "20000", "--processes", "2"),
        "the same on PostgreSQL",
    ),
    Proof("kills", ("tests.kills", "--random", "100"), "a kill leaves a consistent database"),
    Proof("sweep-sharing", ("benchmarks.scenarios.sweep_sharing",), "readers share sweeps"),
    Proof("vendor-stall", ("benchmarks.scenarios.vendor_stall",), "no reader waits for a vendor that stalls"),
    Proof("full-sync", ("benchmarks.scenarios.full_sync",), "one sync of all eight clouds"),
    Proof("memory-growth", ("benchmarks.scenarios.memory_growth",), "memory does not grow with the number of requests"),
    Proof(
        "page-depth",
        ("benchmarks.scenarios.page_depth",),
        "a page costs the same at any depth of a million resources",
    ),
    Proof(
        "operation-flood",
        ("benchmarks.scenarios.operation_flood",),
        "operations that come once do not slow down those that come often",
    ),
    Proof(
        "properties",
        ("pytest", "-q", "-n", "auto", "--dist", "loadfile", "--hypothesis-profile=prove"),
        "the suite passes with ten times as many examples of each property",
    ),
)


@dataclass(frozen=True, slots=True)
class ProofResult:
    """The result of a proof: its verdict, the last line of its output, and how long it took."""

    proof: Proof
    holds: bool
    figure: str
    seconds: float

    @property
    def row(self) -> str:
        """A row of the table."""
        return f"| {self.proof.name} | {'holds' if self.holds else 'FAILS'} | {self.figure} | {self.seconds:,.0f} s |"


def run_proof(proof: Proof) -> ProofResult:
    """Run one proof to its end."""
    _LOGS.mkdir(parents=True, exist_ok=True)
    log, began = _LOGS / f"{proof.name}.log", time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        completed = subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, "-m", *proof.command],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    lines = [line.strip() for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    seconds = time.monotonic() - began
    return ProofResult(proof, completed.returncode == 0, lines[-1] if lines else "no output", seconds)


def _write_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proofs that the command line asks for, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[proof.name for proof in PROOFS], help="run only these proofs")
    only = parser.parse_args(arguments).only
    results: list[ProofResult] = []
    for proof in PROOFS:
        if only and proof.name not in only:
            continue
        _write_line(f"{proof.name}: {proof.text}")
        results.append(run_proof(proof))
        _write_line(f"  {results[-1].figure} ({results[-1].seconds:,.0f} s)")
    _write_line("\n| proof | verdict | figure | took |\n|---|---|---|---|")
    for result in results:
        _write_line(result.row)
    return 0 if all(result.holds for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
