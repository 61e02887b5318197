"""The built files: which scripts and stylesheets a page needs, and where a file is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

FOLDER: Final = Path(__file__).parent / "assets"
"""Where the build puts what it made; absent until it ran."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


class _Chunk(TypedDict, total=False):
    """What Vite's manifest says of a file."""

    file: str
    css: list[str]
    imports: list[str]


@dataclass(frozen=True, slots=True)
class PageFiles:
    """What one page loads: names of files in `static/`."""

    script: str
    stylesheets: tuple[str, ...]


def page_files(entry: str, folder: Path) -> PageFiles | None:
    """What the page built from `entry` (such as `src/docs.jsx`) loads; None where nothing was built."""
    try:
        text = (folder / "manifest.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    manifest: dict[str, _Chunk] = json.loads(text)
    if entry not in manifest:
        return None
    return PageFiles(_name(manifest[entry]["file"]), tuple(map(_name, _stylesheets(manifest, entry))))


def asset_path(name: str, folder: Path) -> Path | None:
    """The file of that name, None where there is none. A name that could leave the folder names nothing."""
    if not _NAME.fullmatch(name):
        return None
    path = folder / "static" / name
    return path if path.is_file() else None


def _stylesheets(manifest: dict[str, _Chunk], entry: str) -> list[str]:
    """Of the entry and of all that it imports, what is imported first comes first, each once."""
    found: dict[str, None] = {}
    seen: set[str] = set()

    def visit(key: str) -> None:
        if key in seen:
            return
        seen.add(key)
        for imported in manifest[key].get("imports", []):
            visit(imported)
        found.update(dict.fromkeys(manifest[key].get("css", [])))

    visit(entry)
    return list(found)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
