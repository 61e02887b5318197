"""Sizes of modules, functions and folders."""

from __future__ import annotations

import pytest

from tests.style.examples import findings, places, source
from tools.style.sizes import check_folder_sizes, check_function_sizes, check_module_sizes


@pytest.mark.parametrize(
    ("path", "lines", "count"),
    [
        ("domain/example.py", 400, 0),
        ("domain/example.py", 401, 1),
        ("tests/domain/test_example.py", 500, 0),
        ("tests/domain/test_example.py", 501, 1),
        ("db/migrations/versions/0001_initial.py", 900, 0),
        ("docs/vendors.md", 900, 0),
    ],
)
def test_module_size(path: str, lines: int, count: int) -> None:
    """Tests may be longer than other modules; migrations and documents have no bound."""
    assert count == len(findings(check_module_sizes, source("x = 1\n" * lines, path)))


@pytest.mark.parametrize("head", ["def run():", "async def run():"])
def test_function_size(head: str) -> None:
    """The line of `def` counts, decorators do not."""
    allowed = "@cache\n" + head + "\n" + "    x = 1\n" * 39
    assert places(check_function_sizes, source(allowed)) == []
    assert places(check_function_sizes, source(allowed + "    x = 2\n")) == [(2, "function-size")]


def test_function_size_of_migrations_is_not_checked() -> None:
    """A migration is one long list of statements."""
    text = "def upgrade():\n" + "    x = 1\n" * 90
    assert findings(check_function_sizes, source(text, "db/migrations/versions/0001_initial.py")) == []


def test_folder_size() -> None:
    """`__init__.py` and `conftest.py` are not counted, nor are sub-packages."""
    names = ["__init__.py", "conftest.py", "rules/absence.py", *(f"module{number}.py" for number in range(12))]
    files = [source("", f"domain/{name}") for name in names]
    assert findings(check_folder_sizes, *files) == []
    (finding,) = findings(check_folder_sizes, *files, source("", "domain/last.py"))
    assert str(finding).startswith("domain/__init__.py:1: the folder has 13 modules")
