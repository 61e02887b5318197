"""The findings of the rules, and the type of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias

from tools.style.sources import Source


@dataclass(frozen=True, order=True)
class Finding:
    """One violation of a rule.

    `subject` is the word by which an escape comment names the finding, such as `told` or `function-size`.
    """

    path: PurePosixPath
    line: int
    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message} [{self.subject}]"


Rule: TypeAlias = Callable[[Sequence[Source]], Iterator[Finding]]
"""A rule reads all files, since some rules compare files with each other."""
