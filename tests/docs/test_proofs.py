"""The proofs that the documents name are those that `make prove` runs, and can be run."""

from __future__ import annotations

import pytest

from tests.prove import PROOFS, ROOT, Proof, ProofResult

_PAGE = (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")


def test_the_table_is_of_the_proofs_that_are_run() -> None:
    """In their order, with their commands."""
    rows = [line for line in _PAGE.splitlines() if line.startswith("|")][2:]
    assert [f"| {proof.name} | `{proof.text}` | {proof.shows} |" for proof in PROOFS] == rows


@pytest.mark.parametrize("proof", [proof for proof in PROOFS if proof.name != "properties"], ids=lambda one: one.name)
def test_each_is_a_command(proof: Proof) -> None:
    """Its module is ours and can be run."""
    place = ROOT.joinpath(*proof.command[0].split("."))
    assert (place / "__main__.py").is_file() or "__main__" in place.with_suffix(".py").read_text(encoding="utf-8")


def test_a_row_tells_what_came_of_it() -> None:
    """The verdict is the exit code's, the figure the proof's own last line."""
    assert "| matrix | FAILS | 3 amiss | 1,200 s |" == ProofResult(PROOFS[0], False, "3 amiss", 1200).row
