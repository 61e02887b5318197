"""Whether a broken rule is noticed: by the simulation under the invariant's letter, or by a command that then fails."""

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

from tests.mutants.patches import Mutant, apply, copy

SEEDS, STEPS = 40, 2_500
"""How long the simulation looks for a broken rule before it counts as unnoticed."""
_FAILED: Final = re.compile(r"seed (\d+) FAILED after (\d+) steps: \w+: \(([a-g])\)")
_LONGEST_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Caught:
    """What came of a hunt. `letters` counts what the simulation's failing seeds broke, where it hunted."""

    mutant: Mutant
    noticed: bool
    told: str
    seconds: float


def hunt(mutant: Mutant, folder: Path) -> Caught:
    """Break the rule in a copy, and see who notices."""
    tree = copy(folder / mutant.name)
    apply(mutant, tree)
    began = time.monotonic()
    noticed, told = _simulated(tree, mutant.letter) if mutant.by == "simulation" else _commanded(tree, mutant.by)
    return Caught(mutant, noticed, told, time.monotonic() - began)


def sound(by: str, folder: Path) -> str | None:
    """What a guard says against the rules unbroken; None where it is content, as it must be for its noticing to mean anything."""
    tree = copy(folder / "unbroken")
    if by == "simulation":
        ended = _run(tree, f"tests.simulation --seeds {SEEDS} --steps {SEEDS * 250} --processes 1")
    else:
        ended = _run(tree, by)
    return None if ended.returncode == 0 else ended.stdout[-2000:] + ended.stderr[-2000:]


def _simulated(tree: Path, letter: str) -> tuple[bool, str]:
    broken: Counter[str] = Counter()
    for seed in range(1, SEEDS + 1):
        ended = _run(tree, f"tests.simulation --seeds 1 --seed {seed} --steps {STEPS}")
        found = _FAILED.search(ended.stdout)
        if found is None:
            continue
        broken[found[3]] += 1
        if found[3] == letter:
            also = ", ".join(f"({other}) by {times}" for other, times in sorted(broken.items()) if other != letter)
            return True, f"simulation, seed {seed}, step {found[2]}" + (f"; before it {also}" if also else "")
    return False, f"{SEEDS} seeds of {STEPS} steps broke {dict(broken) or 'nothing'}"


def _commanded(tree: Path, by: str) -> tuple[bool, str]:
    ended = _run(tree, by)
    # Tests that failed, or a command's own verdict; a command that could not be run has noticed nothing.
    return ended.returncode == 1, f"{by} ended with {ended.returncode}"


def _run(tree: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own commands
        [sys.executable, "-m", *shlex.split(command)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=_LONGEST_SECONDS,
        check=False,
    )
