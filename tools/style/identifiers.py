"""Names of variables, parameters, attributes, functions and classes."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from tools.style.findings import Finding
from tools.style.sources import Source

BANNED: Final = frozenset({"asked", "found", "kept", "known", "made", "told"})
"""Names of the act by which a value arrived, instead of the thing that it is."""
BANNED_ANYWHERE: Final = frozenset({"told"})
"""Banned also as one word of a longer name."""


def check_identifiers(sources: Sequence[Source]) -> Iterator[Finding]:
    """Report each definition of a banned name in Python code."""
    for source in sources:
        if not source.is_python:
            continue
        for line, name in sorted(defined_names(source)):
            word = banned_word(name)
            if word is not None:
                yield Finding(source.path, line, word, f"`{name}` names an act; name the thing that it holds or does")


def banned_word(name: str) -> str | None:
    """Return the banned word that the name is, or has in it; None if the name is acceptable."""
    plain = name.strip("_").lower()
    if plain in BANNED:
        return plain
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    return next((word.lower() for word in words if word.lower() in BANNED_ANYWHERE), None)


def defined_names(source: Source) -> set[tuple[int, str]]:
    """Return each name that the module defines, with the line of its definition."""
    names: set[tuple[int, str]] = set()
    for node in source.nodes:
        names.update((_line(node), name) for name in _names(node) if name)
    return names


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 1))


def _names(node: ast.AST) -> Iterator[str | None]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Name(ctx=ast.Store()):
            yield node.id
        case ast.Attribute(ctx=ast.Store()):
            yield node.attr
        case ast.arg():
            yield node.arg
        case ast.alias():
            yield node.asname
        case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar():
            yield node.name
        case ast.MatchMapping():
            yield node.rest


def check_class_names(sources: Sequence[Source]) -> Iterator[Finding]:
    """Report each class whose name another class of the repository has as well, migrations excluded."""
    for name, places in duplicate_classes(sources).items():
        for source, line in places:
            others = [f"{other.path}:{at}" for other, at in places if (other, at) != (source, line)]
            message = f"class `{name}` is also defined at {', '.join(others)}; give each class its own name"
            yield Finding(source.path, line, "class-name", message)


def duplicate_classes(sources: Sequence[Source]) -> dict[str, list[tuple[Source, int]]]:
    """Return the places of each class name that is defined more than once."""
    places = defaultdict(list)
    for source in sources:
        if source.is_python and not source.is_migration:
            for node in source.nodes:
                if isinstance(node, ast.ClassDef):
                    places[node.name].append((source, node.lineno))
    return {name: each for name, each in sorted(places.items()) if len(each) > 1}
