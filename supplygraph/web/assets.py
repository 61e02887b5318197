"""The built files of the browser pages: which scripts and stylesheets a page needs, and where each file is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

FOLDER: Final = Path(__file__).parent / "assets"
"""The output folder of the build; it does not exist before the first build."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


class _Chunk(TypedDict, total=False):
    """One entry of Vite's manifest."""

    file: str
    css: list[str]
    imports: list[str]


@dataclass(frozen=True, slots=True)
class PageFiles:
    """The files that one page loads, as names in `static/`."""

    script: str
    stylesheets: tuple[str, ...]


def page_files(entry: str, folder: Path) -> PageFiles | None:
    """Return the files of the page built from `entry` (such as `src/docs.jsx`), `None` if it was not built."""
    try:
        text = (folder / "manifest.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    manifest: dict[str, _Chunk] = json.loads(text)
    if entry not in manifest:
        return None
    return PageFiles(_name(manifest[entry]["file"]), tuple(map(_name, _stylesheets(manifest, entry))))


def asset_path(name: str, folder: Path) -> Path | None:
    """Return the path of a built file, `None` if there is no such file. A name that could leave the folder matches no file."""
    if not _NAME.fullmatch(name):
        return None
    path = folder / "static" / name
    return path if path.is_file() else None


def _stylesheets(manifest: dict[str, _Chunk], entry: str) -> list[str]:
    """Return the stylesheets of an entry and its imports in import order, each once."""
    stylesheets: dict[str, None] = {}
    visited: set[str] = set()

    def visit(key: str) -> None:
        if key in visited:
            return
        visited.add(key)
        for imported in manifest[key].get("imports", []):
            visit(imported)
        stylesheets.update(dict.fromkeys(manifest[key].get("css", [])))

    visit(entry)
    return list(stylesheets)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
