"""Figures that come from the text of the modules alone."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from tools.style.identifiers import BANNED_ANYWHERE, banned_word, defined_names, duplicate_classes
from tools.style.sizes import FOLDER_MODULES, count_modules
from tools.style.sources import PRODUCT, Source

READ_PATH: Final = ("db/query", "resolvers", "supplygraph/http", "supplygraph/auth")

_CACHE_DECORATORS: Final = frozenset({"cache", "lru_cache"})


@dataclass(frozen=True)
class Figure:
    """One row of the table, with details to print below it. `value` is `None` if it could not be counted."""

    name: str
    value: int | None
    details: tuple[str, ...] = ()


def count_lines(sources: Sequence[Source]) -> Iterator[Figure]:
    """Count the lines of product code, blank lines and comments included, for each folder and in total."""
    lines = Counter(dict.fromkeys(PRODUCT, 0))
    for source in _product(sources):
        lines[source.path.parts[0]] += len(source.lines)
    yield from (Figure(f"lines in {folder}", lines[folder]) for folder in PRODUCT)
    yield Figure("lines of product code", lines.total())


def count_folder_modules(sources: Sequence[Source]) -> Figure:
    """Count the modules of the product's largest folder; the details are the folders above the bound of the style check."""
    modules = count_modules(list(_product(sources)))
    crowded = ((count, folder) for folder, count in modules.items() if count > FOLDER_MODULES)
    details = tuple(f"{count} in {folder}" for count, folder in sorted(crowded, reverse=True))
    return Figure("modules in the largest folder", max(modules.values(), default=0), details)


def count_banned_names(sources: Sequence[Source]) -> Figure:
    """Count the definitions of names with the word that no name may have, tests and benchmarks included."""
    count = sum(
        banned_word(name) in BANNED_ANYWHERE
        for source in sources
        if source.is_python
        for _, name in defined_names(source)
    )
    return Figure(f"names with {' or '.join(f'`{word}`' for word in sorted(BANNED_ANYWHERE))}", count)


def count_duplicate_classes(sources: Sequence[Source]) -> Figure:
    """Count the class names that more than one class has, tests and benchmarks included."""
    duplicates = duplicate_classes(sources)
    return Figure(
        "duplicate class names", len(duplicates), tuple(f"{name} x{len(duplicates[name])}" for name in duplicates)
    )


def is_on_read_path(module: str) -> bool:
    """Return whether a module belongs to a package that a read passes through."""
    return any(f"{module}.".startswith(f"{folder.replace('/', '.')}.") for folder in READ_PATH)


def cached_functions(sources: Iterable[Source]) -> list[str]:
    """Return the functions on the read path whose results `functools` caches for all requests, as `module.function`."""
    return [
        f"{_module(source.path)}.{name}: functools"
        for source in _product(sources)
        if is_on_read_path(_module(source.path))
        for name in _cached_names(source)
    ]


def _cached_names(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(_is_cache, node.decorator_list)):
            yield node.name
    for statement in source.tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call) if _is_cache(call):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call() as call) if _is_cache(call):
                yield name


def _is_cache(node: ast.expr) -> bool:
    return _name(node) in _CACHE_DECORATORS


def _name(decorator: ast.expr) -> str | None:
    match decorator:
        case ast.Call(func=func):
            return _name(func)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return None


def _product(sources: Iterable[Source]) -> Iterator[Source]:
    return (source for source in sources if source.is_product)


def _module(path: PurePosixPath) -> str:
    return ".".join(path.with_suffix("").parts)
