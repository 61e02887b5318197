"""Words and phrases that the project does not use, each with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tools.style.findings import Finding
from tools.style.prose import read_passages
from tools.style.sources import Source


@dataclass(frozen=True)
class Term:
    """A term to avoid; `subject` is its name in an escape comment."""

    subject: str
    pattern: re.Pattern[str]
    advice: str


def _term(subject: str, pattern: str, advice: str) -> Term:
    return Term(subject, re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE), advice)


_COMPARED: Final = (
    r"longer|more|less|fewer|later|earlier|older|newer|better|worse|bigger|larger|smaller|higher|lower|such"
)
_ARCHAIC: Final = ("aught", "hitherto", "lest", "naught", "nought", "thence", "thereof", "whence", "wherein")

TERMS: Final = (
    _term("told", r"\btold\b", "write `reported`, `returned`, `observed` or `configured`"),
    _term("tells", r"\btells\b(?! apart)", "write `reports`, `returns`, `shows` or `says`"),
    _term("kept", r"\bkept\b", "write `cached`, `stored`, `retained` or `unchanged`"),
    _term("anew", r"\banew\b", "write `again`"),
    _term("amiss", r"\bamiss\b", "write `wrong`"),
    _term("beside", r"\bbeside\b", "write `next to` or `together with`"),
    _term("besides", r"\bbesides\b", "write `also` or `in addition to`"),
    _term("whoever", r"\bwhoever\b", "name the person: `the operator`, `the client`"),
    _term("by-itself", r"\bby (itself|themselves)\b", "write `automatically` or `alone`"),
    _term("so-many", r"\bso (many|few)\b(?! (that|as)\b)", "write the number, or `at most N`"),
    _term("is-no", rf"(?<!there\s)\b(is|are|was|were) no (?!({_COMPARED})\b)[\w-]+(?=[.,;:!?)])", "write `is not a`"),
    _term("the-record", r"\bthe record\b(?! (of|for)\b)", "write `the database`, `recorded data` or `the row`"),
    _term("archaic", rf"\b({'|'.join(_ARCHAIC)})\b", "use a current word"),
)


def check_words(sources: Sequence[Source]) -> Iterator[Finding]:
    """Report each term to avoid in text that people read."""
    for source in sources:
        for passage in read_passages(source):
            for term in TERMS:
                for match in term.pattern.finditer(passage.text):
                    phrase = " ".join(match[0].split())
                    line = passage.line_of(match.start())
                    yield Finding(source.path, line, term.subject, f'avoid "{phrase}"; {term.advice}')


_CLAUSE: Final = re.compile(r"\s*(What|That|Whatever|Who)\s")


def check_docstring_starts(sources: Sequence[Source]) -> Iterator[Finding]:
    """Report each docstring that begins with a noun clause, such as "What the vendor returns"."""
    for source in sources:
        for passage in read_passages(source):
            clause = _CLAUSE.match(passage.text) if passage.is_docstring else None
            if clause is not None:
                message = f'a docstring begins with "{clause[1]}"; say what the function does or what the object is'
                yield Finding(source.path, passage.line, "docstring-start", message)
