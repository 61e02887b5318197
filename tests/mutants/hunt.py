"""Whether a broken rule is noticed: by the simulation under the invariant's letter, or by a command that fails."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutants.patches import Mutant, apply_patch, copy_code

SEEDS, STEPS = 40, 2_500
"""How many seeds of how many steps the simulation runs before a broken rule counts as unnoticed."""
_FAILED: Final = re.compile(r"seed (\d+) FAILED after (\d+) steps: \w+: \(([a-g])\)")
_TIMEOUT_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class HuntResult:
    """Whether a mutant was noticed, with the details and the seconds that it took."""

    mutant: Mutant
    noticed: bool
    details: str
    seconds: float


def hunt(mutant: Mutant, folder: Path) -> HuntResult:
    """Break the rule in a copy of the code, and run its guard."""
    tree = copy_code(folder / mutant.name)
    apply_patch(mutant, tree)
    start = time.monotonic()
    if mutant.guard == "simulation":
        noticed, details = _run_simulation(tree, mutant.letter)
    else:
        noticed, details = _run_guard(tree, mutant.guard)
    return HuntResult(mutant, noticed, details, time.monotonic() - start)


def check_guard(guard: str, folder: Path) -> str | None:
    """Return the output of a guard that fails without any mutant, None if it passes as it must."""
    tree = copy_code(folder / "unbroken")
    if guard == "simulation":
        guard = f"tests.simulation --seeds {SEEDS} --steps {SEEDS * 250} --processes 1"
    process = _run_module(tree, guard)
    return None if process.returncode == 0 else process.stdout[-2000:] + process.stderr[-2000:]


def _run_simulation(tree: Path, letter: str) -> tuple[bool, str]:
    failures: Counter[str] = Counter()
    for seed in range(1, SEEDS + 1):
        process = _run_module(tree, f"tests.simulation --seeds 1 --seed {seed} --steps {STEPS}")
        failure = _FAILED.search(process.stdout)
        if failure is None:
            continue
        failures[failure[3]] += 1
        if failure[3] == letter:
            others = ", ".join(f"({other}) by {times}" for other, times in sorted(failures.items()) if other != letter)
            return True, f"simulation, seed {seed}, step {failure[2]}" + (f"; before it {others}" if others else "")
    return False, f"{SEEDS} seeds of {STEPS} steps violated {dict(failures) or 'nothing'}"


def _run_guard(tree: Path, guard: str) -> tuple[bool, str]:
    process = _run_module(tree, guard)
    # Exit code 1 means failed tests or a failed proof. Any other code means that the command could not be run.
    return process.returncode == 1, f"{guard} ended with {process.returncode}"


def _run_module(tree: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-m", *shlex.split(command)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
