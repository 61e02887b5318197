"""Files for the tests of the rules, made from text."""

from __future__ import annotations

from pathlib import PurePosixPath
from textwrap import dedent

from tools.style.findings import Finding, Rule
from tools.style.sources import Source


def source(text: str, path: str = "domain/example.py") -> Source:
    """Return a file with this text, indented as the caller likes."""
    return Source(PurePosixPath(path), dedent(text))


def findings(rule: Rule, *sources: Source) -> list[Finding]:
    """Return the findings of one rule, in the order of their places."""
    return sorted(rule(sources))


def places(rule: Rule, *sources: Source) -> list[tuple[int, str]]:
    """Return the line and the subject of each finding of one rule."""
    return [(finding.line, finding.subject) for finding in findings(rule, *sources)]
