"""The rules are pure: they import values and other rules, and nothing that does I/O."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import reconcile.rules

FOLDER = Path(reconcile.rules.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))
PURE = {"__future__", "collections.abc", "dataclasses", "datetime", "enum", "typing", "uuid"}


def imported_modules(file: Path) -> Iterator[str]:
    """Yield the names of the modules that a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or "."
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)
def test_a_rule_imports_only_the_domain_and_other_rules(file: Path) -> None:
    """And value types of the standard library."""
    impure = {
        name
        for name in imported_modules(file)
        if name not in PURE and not name.startswith("domain.") and not name.startswith("reconcile.rules.")
    }
    assert set() == impure
