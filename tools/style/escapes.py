"""Escape comments, which allow one finding and say why.

`# style: allow SUBJECT - reason` covers its own line, or the next one if nothing else is on its line.
`# style: allow-file SUBJECT - reason` covers its file. SUBJECT is what a finding has between brackets at its end; a comma
separates several.
Markdown has `<!-- style: ... -->`, other files the comments of their language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from tools.style.findings import Finding
from tools.style.sources import Source

_MARK: Final = re.compile(r"^\s*style:\s*(?P<verb>\S*)\s*(?P<rest>.*)$")
_TERMS: Final = re.compile(r"(?P<subjects>[\w-]+(, [\w-]+)*) - (?P<reason>\S.*)")
_COMMENTS: Final = {".md": r"<!--(?P<text>.*?)-->", "": r"(?:#|//|--)(?P<text>.*)$"}
_VERBS: Final = frozenset({"allow", "allow-file"})


@dataclass(frozen=True)
class Escape:
    """One subject of a valid escape comment."""

    path: PurePosixPath
    line: int
    subject: str
    reason: str
    is_for_file: bool
    stands_alone: bool

    def covers(self, finding: Finding) -> bool:
        """Whether the escape allows a finding."""
        if (finding.path, finding.subject) != (self.path, self.subject):
            return False
        return self.is_for_file or finding.line == self.line + self.stands_alone


def read_escapes(sources: Iterable[Source]) -> tuple[list[Escape], list[Finding]]:
    """Return the escape comments of the files, and a finding for each that is not valid."""
    escapes: list[Escape] = []
    findings: list[Finding] = []
    for source in sources:
        for line, text, stands_alone in _comments(source):
            mark = _MARK.match(text)
            if mark is None:
                continue
            terms = _TERMS.fullmatch(mark["rest"].strip())
            if mark["verb"] in _VERBS and terms:
                is_for_file = mark["verb"] == "allow-file"
                escapes += [
                    Escape(source.path, line, subject, terms["reason"], is_for_file, stands_alone)
                    for subject in terms["subjects"].split(", ")
                ]
            else:
                message = "an escape is written `style: allow SUBJECT - reason`, or with `allow-file`"
                findings.append(Finding(source.path, line, "escape", message))
    return escapes, findings


def _comments(source: Source) -> Iterator[tuple[int, str, bool]]:
    if source.is_python:
        yield from ((comment.line, comment.text, comment.stands_alone) for comment in source.comments)
        return
    pattern = re.compile(_COMMENTS.get(source.path.suffix, _COMMENTS[""]))
    for number, line in enumerate(source.lines, 1):
        for match in pattern.finditer(line):
            yield number, match["text"], not line[: match.start()].strip()


def apply_escapes(findings: Iterable[Finding], escapes: Sequence[Escape]) -> list[Finding]:
    """Return the findings that no escape covers, and one for each escape that covers nothing."""
    used: set[Escape] = set()
    remaining = []
    for finding in findings:
        covering = [escape for escape in escapes if escape.covers(finding)]
        used.update(covering)
        if not covering:
            remaining.append(finding)
    unused = (escape for escape in escapes if escape not in used)
    return remaining + [
        Finding(escape.path, escape.line, "escape", f"the escape of `{escape.subject}` covers nothing; remove it")
        for escape in unused
    ]
