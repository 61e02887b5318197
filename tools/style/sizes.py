"""Upper bounds of modules, functions and folders."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from tools.style.findings import Finding
from tools.style.sources import Source

MODULE_LINES: Final = 400
TEST_LINES: Final = 500
FUNCTION_LINES: Final = 40
FOLDER_MODULES: Final = 12

_UNCOUNTED: Final = frozenset({"__init__.py", "conftest.py"})


def check_module_sizes(sources: Sequence[Source]) -> Iterator[Finding]:
    """Report each module with more lines than the bound; tests have a bound of their own."""
    for source in _measured(sources):
        bound = TEST_LINES if source.is_test else MODULE_LINES
        lines = len(source.lines)
        if lines > bound:
            yield Finding(source.path, 1, "module-size", f"the module has {lines} lines, {bound} are allowed; split it")


def check_function_sizes(sources: Sequence[Source]) -> Iterator[Finding]:
    """Report each function with more lines than the bound, from `def` to its last line, docstring included."""
    for source in _measured(sources):
        for node in source.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    message = f"`{node.name}` has {lines} lines, {FUNCTION_LINES} are allowed; split it"
                    yield Finding(source.path, node.lineno, "function-size", message)


def check_folder_sizes(sources: Sequence[Source]) -> Iterator[Finding]:
    """Report each folder with more modules than the bound."""
    for folder, modules in sorted(count_modules(sources).items()):
        if modules > FOLDER_MODULES:
            message = f"the folder has {modules} modules, {FOLDER_MODULES} are allowed; divide it into packages"
            yield Finding(folder / "__init__.py", 1, "folder-size", message)


def count_modules(sources: Sequence[Source]) -> Counter[PurePosixPath]:
    """Count the modules of each folder. `__init__.py` and `conftest.py` are not counted."""
    return Counter(source.path.parent for source in _measured(sources) if source.path.name not in _UNCOUNTED)


def _measured(sources: Sequence[Source]) -> list[Source]:
    return [source for source in sources if source.is_python and not source.is_migration]
