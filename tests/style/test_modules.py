"""Names of modules and packages."""

from __future__ import annotations

import pytest

from tests.style.examples import findings, source
from tools.style.modules import check_module_names, is_noun


@pytest.mark.parametrize(
    "name",
    ["keeping", "written", "held", "test_adding", "graphql_preparing", "declared", "kept", "stalled", "readings"],
)
def test_gerunds_and_participles(name: str) -> None:
    """The last word decides."""
    assert not is_noun(name)


@pytest.mark.parametrize(
    "name",
    ["cache", "settings", "pruning", "decoding", "polling", "feed", "bed", "test_failing_vendors", "__init__", "ring"],
)
def test_nouns(name: str) -> None:
    """Nouns that end like a gerund are on a list."""
    assert is_noun(name)


def test_modules_and_packages_are_reported_once() -> None:
    """A package is reported at its `__init__.py`."""
    files = [source("", path) for path in ("db/asking/__init__.py", "db/asking/rows.py", "db/writing.py")]
    assert [str(finding.path) for finding in findings(check_module_names, *files)] == [
        "db/asking/__init__.py",
        "db/writing.py",
    ]


def test_migrations_and_other_files_are_not_reported() -> None:
    """Documents and migrations have names of their own kind."""
    files = [source("", path) for path in ("docs/testing_and_failing.md", "db/migrations/versions/0001_added.py")]
    assert findings(check_module_names, *files) == []
