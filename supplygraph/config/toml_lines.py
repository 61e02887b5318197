"""On which line of a TOML text a key or table stands, for errors that say so; `tomllib` keeps no positions."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]


class TomlLines:
    """The line (from 1) of every key and table. The text must be TOML that parses."""

    def __init__(self, text: str) -> None:
        self._lines: Final[dict[Path, int]] = {}
        self._counts: Final[Counter[Path]] = Counter()
        table: Path = ()
        statement, begun = "", 0
        for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
            statement, begun = (f"{statement}\n{line}", begun) if statement else (line, number)
            parsed = _parse(statement)
            if parsed is None:
                continue  # a value that goes on over the next line
            if statement.lstrip().startswith("["):
                table = self._enter(_keys(parsed), statement.lstrip().startswith("[["))
                self._note(table, begun)
            else:
                for keys in _branches(parsed):
                    self._note(table + keys, begun)
            statement = ""

    def of(self, path: Path) -> int | None:
        """The line of the path, else of the nearest thing around it; None where nothing of it was written."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return None

    def _enter(self, keys: tuple[str, ...], repeated: bool) -> Path:
        path: Path = ()
        for key in keys[:-1]:
            path += (key,)
            if self._counts[path]:
                path += (self._counts[path] - 1,)
        path += (keys[-1],)
        if repeated:
            self._counts[path] += 1
            path += (self._counts[path] - 1,)
        return path

    def _note(self, path: Path, line: int) -> None:
        for depth in range(1, len(path) + 1):
            self._lines.setdefault(path[:depth], line)


def _parse(statement: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return None


def _keys(header: object) -> tuple[str, ...]:
    """The dotted keys of a parsed table header: a chain of single keys down to an empty table."""
    keys: list[str] = []
    while header:
        if isinstance(header, list):
            header = header[0]
            continue
        if not isinstance(header, dict):
            break
        ((key, header),) = header.items()
        keys.append(key)
    return tuple(keys)


def _branches(value: object) -> list[Path]:
    """Every path of a parsed statement, inline tables and lists of them included."""
    if isinstance(value, dict):
        pairs: list[tuple[str | int, object]] = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    else:
        return []
    return [path for key, inner in pairs for path in ((key,), *((key, *rest) for rest in _branches(inner)))]
