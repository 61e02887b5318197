"""Escape comments."""
# style: allow-file beside, told - quoted terms

from __future__ import annotations

import pytest

from tests.style.examples import source
from tools.style.check import run
from tools.style.identifiers import check_identifiers
from tools.style.sources import Source
from tools.style.vocabulary import check_words


def subjects(*sources: Source) -> list[tuple[int, str]]:
    """Return the line and subject of each remaining finding of two rules."""
    report = run(sources, (check_identifiers, check_words))
    return [(finding.line, finding.subject) for finding in report.findings]


@pytest.mark.parametrize(
    "text",
    [
        "told = 1  # style: allow told - the name is the vendor's",
        "# style: allow told - the name is the vendor's\ntold = 1",
        "# style: allow-file told - the name is the vendor's\n\n\ntold = 1\ntold = 2",
        "# style: allow made, told - the names are the vendor's\ntold = made = 1",
    ],
)
def test_an_escape_covers_its_line_the_next_or_its_file(text: str) -> None:
    """An escape alone on its line covers the next one."""
    assert subjects(source(text)) == []
    assert run([source(text)], (check_identifiers,)).escapes == text.count(",") + 1


def test_an_escape_in_markdown_is_an_html_comment() -> None:
    """It covers its own line or the next one."""
    text = "<!-- style: allow beside - a quotation -->\nbeside\nbeside <!-- style: allow beside - a quotation -->\n"
    assert subjects(source(text, "docs/example.md")) == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("told = 1  # style: allow told", [(1, "escape"), (1, "told")]),
        ("told = 1  # style: allow told -", [(1, "escape"), (1, "told")]),
        ("told = 1  # style: ignore told - the name is the vendor's", [(1, "escape"), (1, "told")]),
        ("told = 1  # style: allow kept - the name is the vendor's", [(1, "escape"), (1, "told")]),
        ("x = 1  # style: allow told - the name is the vendor's", [(1, "escape")]),
        ("# style: allow told - the name is the vendor's\n\ntold = 1", [(1, "escape"), (3, "told")]),
    ],
)
def test_an_escape_needs_a_reason_and_something_to_cover(text: str, left: list[tuple[int, str]]) -> None:
    """An escape without a reason, of another subject or too far away is a finding itself."""
    assert left == subjects(source(text))


def test_an_escape_covers_one_file() -> None:
    """The same finding in another file remains."""
    escaped = source("# style: allow-file told - the name is the vendor's\ntold = 1", "db/first.py")
    assert subjects(escaped, source("told = 1", "db/second.py")) == [(1, "told")]


def test_text_that_looks_like_an_escape_is_none() -> None:
    """A string of a Python module is not a comment."""
    assert subjects(source('text = "# style: allow told - never"')) == []
