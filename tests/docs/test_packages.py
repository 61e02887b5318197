"""Packages: ours are the ones imported, and the lock files contain nothing of the machine that wrote them."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("supplygraph", "schema", "resolvers", "reconcile", "vendors", "db", "domain", "sandbox")
LOCKS = sorted(path for path in (ROOT / "requirements").glob("*.txt") if path.name != "forbidden.txt")


@pytest.mark.parametrize("name", OURS)
def test_ours_are_imported(name: str) -> None:
    """`schema` and `db` are also packages on the index; the ones that are imported are in this repository."""
    file = importlib.import_module(name).__file__

    assert file is not None
    assert ROOT / name / "__init__.py" == Path(file)


def test_every_lock_file_is_known() -> None:
    """One lock file for what the gateway needs, one for its tests, one for the documentation site."""
    assert ["dev.txt", "docs.txt", "runtime.txt"] == [lock.name for lock in LOCKS]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_have_hashes_and_no_addresses(lock: Path) -> None:
    """Every requirement has hashes; the file has no registry's address, no path and no option."""
    text = lock.read_text(encoding="utf-8")
    pinned = re.findall(r"^([a-z0-9._-]+)(?:\[[a-z0-9,_-]+\])?==", text, re.MULTILINE)

    assert 20 < len(pinned)
    assert len(pinned) == len(re.findall(r"(?<!\\\n)^(?:[a-z].*) \\\n    --hash=sha256:", text, re.MULTILINE))
    assert not re.search(r"https?:|file:|^--|^/|^-", text, re.MULTILINE)
    assert {"schema", "db"}.isdisjoint(pinned)


def test_foreign_packages_of_our_names_are_forbidden() -> None:
    """Locking fails if a dependency needs a package with the name of one of ours."""
    text = (ROOT / "requirements" / "forbidden.txt").read_text(encoding="utf-8")

    assert {"schema<0", "db<0"} <= set(text.splitlines())
    assert "-c requirements/forbidden.txt" in (ROOT / "Makefile").read_text(encoding="utf-8")
