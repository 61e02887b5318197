"""The patches: what each breaks, which invariant that is, and who has to notice."""

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
"""The invariants of the simulation, from no unmarked value that is too old (a) to the history that tells the present (g)."""
PACKAGES: Final = ("domain", "db", "vendors", "reconcile", "resolvers", "schema", "sandbox", "supplygraph", "tests")
_HEADER: Final = re.compile(r"\A(?P<says>.+)\n\ninvariant: (?P<letter>[a-g])\ncaught by: (?P<by>.+)\n\n", re.DOTALL)
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "node_modules", "assets", "*.pyc")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule broken. `by` is `simulation`, or the module and arguments of a command that must fail."""

    name: str
    says: str
    letter: str
    by: str
    patch: Path


def read(patch: Path) -> Mutant:
    """What the head of a patch tells. Raises ValueError where it is not in the form that the others have."""
    found = _HEADER.match(patch.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{patch.name}: begins with a text, `invariant:` and `caught by:`, then the difference")
    return Mutant(patch.stem, " ".join(found["says"].split()), found["letter"], found["by"], patch)


def mutants() -> list[Mutant]:
    """All of them, by invariant and name."""
    return sorted(map(read, FOLDER.glob("*.patch")), key=lambda one: (one.letter, one.name))


def copy(into: Path) -> Path:
    """A copy of the packages and the tests, to be patched."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, into / package, ignore=_LEFT_OUT)
    shutil.copyfile(ROOT / "pyproject.toml", into / "pyproject.toml")
    return into


def apply(mutant: Mutant, tree: Path, *, undo: bool = False) -> None:
    """Break the rule in the tree, or mend it again. Raises RuntimeError where the patch fits no more."""
    # `git apply` needs no repository, but takes one around the tree for its own: the ceiling hides it.
    ended = subprocess.run(  # noqa: S603 - our own files
        ["git", "apply", *(["--reverse"] if undo else []), str(mutant.patch)],  # noqa: S607 - whichever git there is
        cwd=tree,
        env={"PATH": _path(), "GIT_CEILING_DIRECTORIES": str(tree.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"{mutant.patch.name} does not fit any more: {ended.stderr.strip()}")


def _path() -> str:
    git = shutil.which("git")
    if git is None:
        raise RuntimeError("git is needed to apply patches")
    return str(Path(git).parent)
