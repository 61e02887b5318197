"""Every proof with its whole budget, one after another, and a table of what each came to. `python -m tests.prove`.

What a proof prints goes to `.state/prove/NAME.log`; its last line is its figure. Exits with 1 where one of them failed. All of it
takes about an hour and a half on two processors; `--only NAME` runs some.
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
    """One proof: a module and its arguments. It fails by its exit code."""

    name: str
    command: tuple[str, ...]
    shows: str

    @property
    def text(self) -> str:
        """The command as one would type it."""
        return f"python -m {' '.join(self.command)}"


PROOFS: Final = (
    Proof("matrix", ("tests.matrix",), "every fault of every vendor, as committed"),
    Proof(
        "simulation",
        ("tests.simulation", "--seeds", "200", "--steps", "1000000", "--sqlite-steps", "20000"),
        "the engine whole, under every fault",
    ),
    Proof("mutants", ("tests.mutants",), "each rule broken is noticed"),
    Proof(
        "fuzz",
        ("tests.fuzz", "--answers", "500"),
        "random answers of every vendor, by its specification or its recordings",
    ),
    Proof(
        "equality-sqlite",
        ("tests.equality", "--database", "sqlite", "--operations", "20000", "--processes", "2"),
        "plans, graphql-core and an oracle without SQL answer alike",
    ),
    Proof(
        "equality-postgresql",
        ("tests.equality", "--database", "postgresql", "--operations", "20000", "--processes", "2"),
        "the same on PostgreSQL",
    ),
    Proof("kills", ("tests.kills", "--random", "100"), "a kill leaves a sound record"),
    Proof("sharing", ("benchmarks.sharing",), "readers share sweeps"),
    Proof("stalled", ("benchmarks.stalled",), "nobody waits for a cloud that stalls"),
    Proof("eight", ("benchmarks.eight",), "one sync of all eight clouds"),
    Proof("growth", ("benchmarks.growth",), "memory does not grow with what was asked"),
    Proof("depth", ("benchmarks.depth",), "a page costs the same at any depth of a million resources"),
    Proof("flood", ("benchmarks.flood",), "what is asked once costs nothing that is asked often"),
    Proof(
        "properties",
        ("pytest", "-q", "-n", "auto", "--dist", "loadfile", "--hypothesis-profile=prove"),
        "the suite, with ten times as many examples of each property",
    ),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a proof came to."""

    proof: Proof
    held: bool
    figure: str
    seconds: float

    @property
    def row(self) -> str:
        """A row of the table."""
        return f"| {self.proof.name} | {'holds' if self.held else 'FAILS'} | {self.figure} | {self.seconds:,.0f} s |"


def run(proof: Proof) -> Shown:
    """Run one proof to its end."""
    _LOGS.mkdir(parents=True, exist_ok=True)
    log, began = _LOGS / f"{proof.name}.log", time.monotonic()
    with log.open("w", encoding="utf-8") as told:
        ended = subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, "-m", *proof.command],
            cwd=ROOT,
            stdout=told,
            stderr=subprocess.STDOUT,
            check=False,
        )
    lines = [line.strip() for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    return Shown(proof, ended.returncode == 0, lines[-1] if lines else "it said nothing", time.monotonic() - began)


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[proof.name for proof in PROOFS], help="these alone")
    only = parser.parse_args(arguments).only
    shown: list[Shown] = []
    for proof in PROOFS:
        if only and proof.name not in only:
            continue
        _tell(f"{proof.name}: {proof.text}")
        shown.append(run(proof))
        _tell(f"  {shown[-1].figure} ({shown[-1].seconds:,.0f} s)")
    _tell("\n| proof | verdict | figure | took |\n|---|---|---|---|")
    for one in shown:
        _tell(one.row)
    return 0 if all(one.held for one in shown) else 1


if __name__ == "__main__":
    sys.exit(main())
