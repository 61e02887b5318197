"""The proofs in the documentation are those that `make prove` runs, and each can be run."""

from __future__ import annotations

import pytest

from tests.docs.pages import section
from tests.docs.sections import proofs
from tests.prove import PROOFS, ROOT, Proof, ProofResult


def test_the_table_is_up_to_date() -> None:
    """The table has the proofs in their order, with their commands."""
    assert proofs.lines() == section(proofs.PAGE, proofs.NAME).splitlines(), "run `python -m tests.docs`"


@pytest.mark.parametrize(
    "proof", [proof for proof in PROOFS if proof.name != "properties"], ids=lambda proof: proof.name
)
def test_each_is_a_command(proof: Proof) -> None:
    """The module of a proof is ours and can be run."""
    path = ROOT.joinpath(*proof.command[0].split("."))
    assert (path / "__main__.py").is_file() or "__main__" in path.with_suffix(".py").read_text(encoding="utf-8")


def test_a_row_shows_the_result() -> None:
    """The verdict is the exit code's, the figure is the proof's last line."""
    assert "| matrix | FAILS | 3 wrong | 1,200 s |" == ProofResult(PROOFS[0], False, "3 wrong", 1200).row
