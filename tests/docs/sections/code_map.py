"""The code map of `docs/architecture.md`: one line a module."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from tests.docs.pages import DOCS, ROOT, section

PAGE = DOCS / "architecture.md"
NAME = "code-map"
_PRODUCT = ("supplygraph", "schema", "resolvers", "reconcile", "vendors", "db", "domain", "sandbox", "web")
_LINE = re.compile(r"^\| `([a-z0-9_/]+\.py)` \| (.+) \|$", re.MULTILINE)


def modules() -> list[str]:
    """Return the path of every module of the product. A package whose `__init__` has only a docstring is not listed."""
    paths = [
        path for name in _PRODUCT for path in sorted((ROOT / name).rglob("*.py")) if "node_modules" not in path.parts
    ]
    return [
        path.relative_to(ROOT).as_posix() for path in paths if path.name != "__init__.py" or _has_code(path.read_text())
    ]


def listed() -> dict[str, str]:
    """Return the description of each module on the page, by path."""
    return dict(_LINE.findall(section(PAGE, NAME)))


def lines(descriptions: Mapping[str, str]) -> list[str]:
    """Return the code map. A module without a description gets the first sentence of its docstring."""
    result: list[str] = []
    folder = ""
    for path in modules():
        top = path.partition("/")[0]
        if top != folder:
            folder = top
            result += ["", f"### `{top}/`", "", "| module | what it does |", "|---|---|"]
        result.append(f"| `{path}` | {descriptions.get(path) or first_sentence(path)} |")
    return result[1:]


def first_sentence(path: str) -> str:
    """Return the first sentence of a module's docstring."""
    text = ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or ""
    return " ".join(re.split(r"(?<=\.)\s", text, maxsplit=1)[0].split()).rstrip(".").replace("|", "\\|")


def _has_code(text: str) -> bool:
    return len(ast.parse(text).body) > 1
