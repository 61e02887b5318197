"""Rules that are broken on purpose are noticed; a few of them here, all of them by `python -m tests.mutants`."""

from __future__ import annotations

from collections import Counter
from difflib import unified_diff
from pathlib import Path

import pytest

from tests.mutants.hunting import hunt
from tests.mutants.patches import LETTERS, ROOT, Mutant, apply, copy, mutants, read

QUICK = ("old-is-fresh-enough", "a-closed-link-leaves-no-trace", "error-not-held")
"""Noticed within a second or two."""


def test_each_invariant_has_two_at_least() -> None:
    """None is guarded by something that was never seen to fail."""
    counts = Counter(one.letter for one in mutants())
    assert set(LETTERS) == {letter for letter, times in counts.items() if times >= 2}


def test_every_patch_fits(tmp_path: Path) -> None:
    """Each breaks the code as it is now, and leaves Python behind."""
    tree = copy(tmp_path / "tree")
    for mutant in mutants():
        apply(mutant, tree)
        for file in (line.removeprefix("+++ b/") for line in _lines(mutant) if line.startswith("+++ b/")):
            compile((tree / file).read_text(encoding="utf-8"), file, "exec")
        apply(mutant, tree, undo=True)


def _lines(mutant: Mutant) -> list[str]:
    return mutant.patch.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", QUICK)
def test_a_broken_rule_is_noticed(name: str, tmp_path: Path) -> None:
    """The simulation fails under the letter of the invariant that the patch breaks."""
    (mutant,) = [one for one in mutants() if one.name == name]
    caught = hunt(mutant, tmp_path)
    assert caught.noticed, caught.told


def test_what_breaks_nothing_goes_unnoticed(tmp_path: Path) -> None:
    """The hunt does not cry for nothing: one more comment is not caught."""
    source = (ROOT / "reconcile" / "deciding.py").read_text(encoding="utf-8").splitlines(keepends=True)
    difference = unified_diff(
        source, [*source, "# The end.\n"], "a/reconcile/rules/decision.py", "b/reconcile/rules/decision.py"
    )
    head = "Nothing is broken.\n\ninvariant: b\ncaught by: pytest -q -p no:cacheprovider tests/domain\n\n"
    patch = tmp_path / "nothing.patch"
    patch.write_text(head + "".join(difference), encoding="utf-8")
    assert not hunt(read(patch), tmp_path).noticed


def test_a_patch_without_its_head_is_refused(tmp_path: Path) -> None:
    """Nobody knows what it would prove."""
    patch = tmp_path / "headless.patch"
    patch.write_text("--- a/x\n+++ b/x\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"headless\.patch"):
        read(patch)
