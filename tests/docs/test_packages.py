"""Packages: ours are the ones imported, and nothing of a machine gets into the locks."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("supplygraph", "schema", "resolvers", "reconcile", "vendors", "db", "domain", "sandbox")
LOCKS = sorted((ROOT / "requirements").glob("[dr]*.txt"))


@pytest.mark.parametrize("name", OURS)
def test_ours_are_imported(name: str) -> None:
    """`schema` and `db` are also on the package index; the ones that are imported lie here."""
    file = importlib.import_module(name).__file__

    assert file is not None
    assert ROOT / name / "__init__.py" == Path(file)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_the_locks_hold_hashes_and_nothing_of_a_machine(lock: Path) -> None:
    """Every requirement has hashes; no registry's address, no path, no option is in the file."""
    text = lock.read_text(encoding="utf-8")
    pinned = re.findall(r"^([a-z0-9._-]+)(?:\[[a-z0-9,_-]+\])?==", text, re.MULTILINE)

    assert 40 < len(pinned)
    assert len(pinned) == len(re.findall(r"(?<!\\\n)^(?:[a-z].*) \\\n    --hash=sha256:", text, re.MULTILINE))
    assert not re.search(r"https?:|file:|^--|^/|^-", text, re.MULTILINE)
    assert {"schema", "db"}.isdisjoint(pinned)


def test_the_constraints_forbid_the_others() -> None:
    """Locking with them fails where a dependency asks for a package of the same name."""
    text = (ROOT / "requirements" / "forbidden.txt").read_text(encoding="utf-8")

    assert {"schema<0", "db<0"} <= set(text.splitlines())
    assert "-c requirements/forbidden.txt" in (ROOT / "Makefile").read_text(encoding="utf-8")
