"""Common misspellings, from the word list of codespell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from tools.style.findings import Finding
from tools.style.prose import read_passages
from tools.style.sources import Source

_WORD: Final = re.compile(r"(?<!\w)[A-Za-z][a-z']+(?!\w)")


class DictionaryMissingError(Exception):
    """The word list is not installed."""


@cache
def corrections() -> Mapping[str, str]:
    """Return the correct spelling of each misspelled word. Raises DictionaryMissingError.

    Each line of codespell's list is `misspelled->correct` or `misspelled->first, second,` with a comma at the end.
    """
    try:
        text = files("codespell_lib").joinpath("data", "dictionary.txt").read_text(encoding="utf-8")
    except ModuleNotFoundError:
        raise DictionaryMissingError("codespell is not installed; `make setup` installs it") from None
    pairs = (line.partition("->") for line in text.splitlines())
    return {wrong.strip().lower(): right.strip().rstrip(",") for wrong, _, right in pairs if right}


def check_spelling(sources: Sequence[Source]) -> Iterator[Finding]:
    """Report each misspelled word in text that people read."""
    for source in sources:
        for passage in read_passages(source):
            for match in _WORD.finditer(passage.text):
                right = corrections().get(match[0].lower())
                if right is not None:
                    line = passage.line_of(match.start())
                    yield Finding(source.path, line, "spelling", f'"{match[0]}" is misspelled; write "{right}"')
