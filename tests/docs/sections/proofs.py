"""The table of proofs in `docs/proofs.md`."""

from __future__ import annotations

from tests.docs.pages import DOCS
from tests.prove import PROOFS

PAGE = DOCS / "proofs.md"
NAME = "proofs"


def lines() -> list[str]:
    """Return the table: each proof with its command and what it shows."""
    rows = [f"| {proof.name} | `{proof.text}` | {proof.shows} |" for proof in PROOFS]
    return ["| proof | command | what it shows |", "|---|---|---|", *rows]
