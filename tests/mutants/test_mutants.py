"""Broken rules are noticed: a few of them here, all of them by `python -m tests.mutants`."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from difflib import unified_diff
from pathlib import Path

import pytest

from tests.mutants.hunt import hunt
from tests.mutants.patches import LETTERS, ROOT, Mutant, all_mutants, apply_patch, copy_code, read_mutant

QUICK = ("every-age-is-fresh", "a-closed-link-leaves-no-history", "no-hold-after-a-failure")
"""Noticed within a second or two."""


def test_each_invariant_has_at_least_two_mutants() -> None:
    """No invariant has a guard that was never seen to fail."""
    counts = Counter(mutant.letter for mutant in all_mutants())
    assert set(LETTERS) == {letter for letter, times in counts.items() if times >= 2}


def test_every_patch_applies(tmp_path: Path) -> None:
    """Each patch changes the present code, and the result is valid Python with no undefined name.

    Otherwise its guard would fail because the code crashes, not because it notices the broken rule.
    """
    tree = copy_code(tmp_path / "tree")
    for mutant in all_mutants():
        apply_patch(mutant, tree)
        command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821"]
        ruff = subprocess.run(  # noqa: S603 - our own files
            [*command, *_patched_files(mutant)], cwd=tree, capture_output=True, text=True, check=False
        )
        assert ruff.returncode == 0, f"{mutant.name}: {ruff.stdout}{ruff.stderr}"
        apply_patch(mutant, tree, undo=True)


def _patched_files(mutant: Mutant) -> list[str]:
    lines = mutant.patch.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("+++ b/") for line in lines if line.startswith("+++ b/")]


@pytest.mark.parametrize("name", QUICK)
def test_a_broken_rule_is_noticed(name: str, tmp_path: Path) -> None:
    """The simulation fails with the letter of the invariant that the patch breaks."""
    (mutant,) = [mutant for mutant in all_mutants() if mutant.name == name]
    result = hunt(mutant, tmp_path)
    assert result.noticed, result.details


def test_a_harmless_patch_goes_unnoticed(tmp_path: Path) -> None:
    """A patch that only adds a comment does not make its guard fail."""
    module = "reconcile/rules/decision.py"
    source = (ROOT / module).read_text(encoding="utf-8").splitlines(keepends=True)
    diff = unified_diff(source, [*source, "# The end.\n"], f"a/{module}", f"b/{module}")
    header = "Nothing is broken.\n\ninvariant: b\ncaught by: pytest -q -p no:cacheprovider tests/domain\n\n"
    patch = tmp_path / "nothing.patch"
    patch.write_text(header + "".join(diff), encoding="utf-8")
    assert not hunt(read_mutant(patch), tmp_path).noticed


def test_a_patch_without_a_header_is_refused(tmp_path: Path) -> None:
    """Nobody could tell which rule it breaks."""
    patch = tmp_path / "headless.patch"
    patch.write_text("--- a/x\n+++ b/x\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"headless\.patch"):
        read_mutant(patch)
