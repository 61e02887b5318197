"""The patches: which rule each breaks, which invariant that violates, and which guard must notice it."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = Path(__file__).with_name("patches")
LETTERS: Final = "abcdefg"
"""The invariants of the simulation, from (a), the ages of answers, to (g), the history that replays to the present."""
PACKAGES: Final = ("domain", "db", "vendors", "reconcile", "resolvers", "schema", "sandbox", "supplygraph", "tests")
_HEADER: Final = re.compile(r"\A(?P<text>.+)\n\ninvariant: (?P<letter>[a-g])\ncaught by: (?P<guard>.+)\n\n", re.DOTALL)
_IGNORED: Final = shutil.ignore_patterns("__pycache__", "node_modules", "assets", "*.pyc")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken rule. `guard` is `simulation`, or the module and arguments of a command that must fail."""

    name: str
    description: str
    letter: str
    guard: str
    patch: Path


def read_mutant(patch: Path) -> Mutant:
    """Read the header of a patch. Raises ValueError if it has none."""
    header = _HEADER.match(patch.read_text(encoding="utf-8"))
    if header is None:
        raise ValueError(
            f"{patch.name}: must start with a description, a line `invariant:` and a line `caught by:`, then the diff"
        )
    return Mutant(patch.stem, " ".join(header["text"].split()), header["letter"], header["guard"], patch)


def all_mutants() -> list[Mutant]:
    """Return all mutants, ordered by invariant and name."""
    return sorted(map(read_mutant, FOLDER.glob("*.patch")), key=lambda mutant: (mutant.letter, mutant.name))


def copy_code(target: Path) -> Path:
    """Copy the packages and the tests to a folder. Return the folder."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, target / package, ignore=_IGNORED)
    shutil.copyfile(ROOT / "pyproject.toml", target / "pyproject.toml")
    return target


def apply_patch(mutant: Mutant, tree: Path, *, undo: bool = False) -> None:
    """Apply the patch to a copy of the code, or undo it. Raises RuntimeError if it does not apply."""
    # `git apply` needs no repository, but would use one that contains the tree. The ceiling hides it.
    process = subprocess.run(  # noqa: S603 - our own files
        ["git", "apply", *(["--reverse"] if undo else []), str(mutant.patch)],  # noqa: S607 - any git serves
        cwd=tree,
        env={"PATH": _git_folder(), "GIT_CEILING_DIRECTORIES": str(tree.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        raise RuntimeError(f"{mutant.patch.name} does not apply, refit it to the code: {process.stderr.strip()}")


def _git_folder() -> str:
    git = shutil.which("git")
    if git is None:
        raise RuntimeError("git is not on the PATH; install it, it applies the patches")
    return str(Path(git).parent)
