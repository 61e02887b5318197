"""Line numbers of the keys and tables of a TOML text, for error messages. `tomllib` does not report positions."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]


class TomlLines:
    """Maps every key and table of a valid TOML text to its line, counted from 1."""

    def __init__(self, text: str) -> None:
        self._lines: Final[dict[Path, int]] = {}
        self._counts: Final[Counter[Path]] = Counter()
        table: Path = ()
        statement, first_line = "", 0
        for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
            statement, first_line = (f"{statement}\n{line}", first_line) if statement else (line, number)
            parsed = _parse(statement)
            if parsed is None:
                continue  # the value continues on the next line
            if statement.lstrip().startswith("["):
                table = self._enter(_keys(parsed), statement.lstrip().startswith("[["))
                self._record(table, first_line)
            else:
                for keys in _branches(parsed):
                    self._record(table + keys, first_line)
            statement = ""

    def of(self, path: Path) -> int | None:
        """Return the line of a path, or of its nearest parent in the text; `None` if neither is in the text."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return None

    def _enter(self, keys: tuple[str, ...], repeated: bool) -> Path:
        """Return the path of a table header. `repeated` is true for `[[name]]`, which adds an element to a list."""
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

    def _record(self, path: Path, line: int) -> None:
        for depth in range(1, len(path) + 1):
            self._lines.setdefault(path[:depth], line)


def _parse(statement: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return None


def _keys(header: object) -> tuple[str, ...]:
    """Return the dotted keys of a parsed table header, which is a chain of single keys down to an empty table."""
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
    """Return every path of a parsed statement, including those in inline tables and lists."""
    if isinstance(value, dict):
        pairs: list[tuple[str | int, object]] = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    else:
        return []
    return [path for key, inner in pairs for path in ((key,), *((key, *rest) for rest in _branches(inner)))]
