"""The text files of the repository, read and parsed once for all rules."""

from __future__ import annotations

import ast
import io
import os
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PRODUCT: Final = ("domain", "db", "vendors", "reconcile", "resolvers", "schema", "sandbox", "supplygraph")
"""The packages that are installed."""

_SUFFIXES: Final = frozenset({".css", ".graphql", ".js", ".jsx", ".lua", ".md", ".mjs", ".py", ".sh", ".sql", ".toml"})
_FILES: Final = frozenset({"Makefile", ".ci/run"})
_SKIPPED_FOLDERS: Final = frozenset({"__pycache__", "build", "dist", "node_modules"})
_SKIPPED_PATHS: Final = frozenset({"supplygraph/web/assets"})
_HIDDEN_BUT_READ: Final = ".ci"


@dataclass(frozen=True)
class Comment:
    """One Python comment, without the leading `#`."""

    line: int
    text: str
    stands_alone: bool


@dataclass(frozen=True)
class Source:
    """One text file; `path` is relative to the root of the repository."""

    path: PurePosixPath
    text: str

    @property
    def is_python(self) -> bool:
        """Whether the file is a Python module."""
        return self.path.suffix == ".py"

    @property
    def is_product(self) -> bool:
        """Whether the file is a module of an installed package."""
        return self.is_python and self.path.parts[0] in PRODUCT

    @property
    def is_test(self) -> bool:
        """Whether the file belongs to the tests."""
        return self.path.parts[0] == "tests"

    @property
    def is_migration(self) -> bool:
        """Whether the file is a database migration, which no rule about names or sizes covers."""
        return "migrations" in self.path.parts

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their line ends."""
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree. Raises SyntaxError."""
        return ast.parse(self.text, str(self.path))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the syntax tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def comments(self) -> list[Comment]:
        """The comments of a Python module, in order. Raises SyntaxError."""
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO(self.text).readline))
        except tokenize.TokenError as error:
            raise SyntaxError(f"{self.path}: {error}") from error
        return [
            Comment(token.start[0], token.string.lstrip("#:"), not token.line[: token.start[1]].strip())
            for token in tokens
            if token.type == tokenize.COMMENT
        ]


def read_repository(root: Path = ROOT) -> list[Source]:
    """Read every text file that the rules cover, in the order of their paths.

    The list depends on the files alone, not on Git, so that new files are checked before they are added.
    """
    return [
        Source(path, (root / path).read_text(encoding="utf-8"))
        for path in sorted(_walk(root))
        if path.suffix in _SUFFIXES or str(path) in _FILES
    ]


def _walk(root: Path) -> Iterator[PurePosixPath]:
    for folder, subfolders, files in os.walk(root):
        here = PurePosixPath(Path(folder).relative_to(root).as_posix())
        subfolders[:] = [name for name in subfolders if _is_read(here / name)]
        yield from (here / name for name in files)


def _is_read(folder: PurePosixPath) -> bool:
    if folder.name.startswith("."):
        return folder.name == _HIDDEN_BUT_READ
    return (
        folder.name not in _SKIPPED_FOLDERS
        and not folder.name.endswith(".egg-info")
        and str(folder) not in _SKIPPED_PATHS
    )
