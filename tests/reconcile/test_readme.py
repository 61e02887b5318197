"""The README of the folder names only modules, classes and functions that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import reconcile

FOLDER = Path(next(iter(reconcile.__path__)))
ROOT = FOLDER.parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
QUOTED = re.compile(r"`([^`\n]+)`")
DOTTED = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+)*")


def defined_names(tree: ast.AST) -> Iterator[str]:
    """Yield the names of classes, functions, arguments and attributes of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def all_names() -> set[str]:
    """Return the names defined in `reconcile` and `domain`, and the names of their modules and packages."""
    files = [file for package in ("reconcile", "domain") for file in (ROOT / package).rglob("*.py")]
    names = {name for file in files for name in defined_names(ast.parse(file.read_text(encoding="utf-8")))}
    parts = {part for file in files for part in file.relative_to(ROOT).with_suffix("").parts}
    return names | parts


def test_the_readme_names_what_exists() -> None:
    """Quoted files exist in the folder, and every part of a quoted dotted name is defined."""
    names, missing = all_names(), []
    for quoted in QUOTED.findall(README):
        if quoted.endswith((".py", "/")):
            if not (FOLDER / quoted).exists():
                missing.append(quoted)
        elif DOTTED.fullmatch(quoted) and any(part not in names for part in quoted.split(".")):
            missing.append(quoted)
    assert [] == missing


def test_the_readme_stays_short() -> None:
    """At most 120 lines."""
    assert len(README.splitlines()) <= 120
