"""Text that people read: comments, docstrings, string literals of several words, and whole files in other languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from tools.style.sources import Comment, Source

_MIN_WORDS: Final = 3
_WORD: Final = re.compile(r"[A-Za-z]{2,}")
_FENCE: Final = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.DOTALL | re.MULTILINE)
_CODE_SPAN: Final = re.compile(r"(`+)(?:(?!\1).)+?\1", re.DOTALL)
_ADDRESS: Final = re.compile(r"https?://\S+|\]\([^)]*\)")
_ESCAPE: Final = re.compile(r"\bstyle: *[\w-]+ +[\w-]+(, [\w-]+)*")


@dataclass(frozen=True)
class Passage:
    """A piece of text without its code spans, addresses and the heads of escape comments.

    `line` is where it begins. `has_lines` is false if its line breaks are not those of the file.
    """

    line: int
    text: str
    is_docstring: bool = False
    has_lines: bool = True

    def line_of(self, position: int) -> int:
        """Return the line of the file in which a position of the text lies."""
        return self.line + (self.text.count("\n", 0, position) if self.has_lines else 0)


@cache
def read_passages(source: Source) -> tuple[Passage, ...]:
    """Return everything in a file that people read."""
    return tuple(_passages(source))


def _passages(source: Source) -> Iterator[Passage]:
    if source.is_python:
        yield from _comments(source)
        yield from _strings(source)
        yield from _test_names(source)
    elif source.path.suffix == ".md":
        yield Passage(1, _without_code(_FENCE.sub(_blank, source.text)))
    else:
        yield Passage(1, _without_code(source.text))


def _comments(source: Source) -> Iterator[Passage]:
    """Comments; those on consecutive lines of their own are one text."""
    block: list[Comment] = []
    for comment in source.comments:
        if block and not (comment.stands_alone and block[-1].stands_alone and comment.line == block[-1].line + 1):
            yield _joined(block)
            block = []
        block.append(comment)
    if block:
        yield _joined(block)


def _joined(block: list[Comment]) -> Passage:
    return Passage(block[0].line, _without_code("\n".join(comment.text for comment in block)))


def _strings(source: Source) -> Iterator[Passage]:
    docstrings = {id(node.value) for node in source.nodes if isinstance(node, ast.Expr)}
    parts = {id(part) for node in source.nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in source.nodes:
        if isinstance(node, ast.JoinedStr):
            yield from _string(node, _shown(node), is_docstring=False)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in docstrings:
                yield from _string(node, node.value, is_docstring=True)
            elif id(node) not in parts:
                yield from _string(node, node.value, is_docstring=False)


def _shown(node: ast.JoinedStr) -> str:
    """Return the text of an f-string with a word in place of each value."""
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)


def _string(node: ast.expr, text: str, *, is_docstring: bool) -> Iterator[Passage]:
    if is_docstring or len(_WORD.findall(text)) >= _MIN_WORDS:
        has_lines = (node.end_lineno or node.lineno) - node.lineno == text.count("\n")
        yield Passage(node.lineno, _without_code(text), is_docstring, has_lines)


def _test_names(source: Source) -> Iterator[Passage]:
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield Passage(node.lineno, node.name.removeprefix("test_").replace("_", " "))


def _without_code(text: str) -> str:
    for pattern, replacement in ((_CODE_SPAN, _span), (_ADDRESS, _blank), (_ESCAPE, _blank)):
        text = pattern.sub(replacement, text)
    return text


def _span(match: re.Match[str]) -> str:
    """Put a word in place of a code span, with as many line breaks."""
    return "X" + "\n" * match[0].count("\n")


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")
