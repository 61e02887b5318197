"""The pages of the documentation, and the parts of them that are generated from the code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = tuple(sorted([*ROOT.glob("*.md"), *DOCS.glob("**/*.md"), *ROOT.glob("examples/*.md")]))


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced code block: the page it is on, its language and its text."""

    page: Path
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.language}"


def blocks(language: str) -> list[Block]:
    """Return every fenced block of a language; there must be at least one."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```", re.DOTALL | re.MULTILINE)
    result = [Block(page, language, text) for page in PAGES for text in pattern.findall(read(page))]
    assert result, f"no page has a {language} block"
    return result


def read(page: Path) -> str:
    """Return the text of a page."""
    return page.read_text(encoding="utf-8")


def section(page: Path, name: str) -> str:
    """Return the text between `<!-- name -->` and `<!-- /name -->`."""
    match = _marked(name).search(read(page))
    assert match is not None, f"{page.name} lacks the marks <!-- {name} --> and <!-- /{name} -->"
    return match[2].strip()


def replace_section(page: Path, name: str, lines: Sequence[str]) -> None:
    """Replace the text between the marks of a section."""
    section(page, name)
    inner = "\n".join(lines)
    page.write_text(
        _marked(name).sub(lambda match: f"{match[1]}\n\n{inner}\n\n{match[3]}", read(page)), encoding="utf-8"
    )


def _marked(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name} -->)(.*?)(<!-- /{name} -->)", re.DOTALL)
