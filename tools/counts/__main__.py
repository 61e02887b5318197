"""Print the figures: `python -m tools.counts`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tools.counts.application import assemble, count_caches, count_entries
from tools.counts.figures import (
    Figure,
    count_banned_names,
    count_duplicate_classes,
    count_folder_modules,
    count_lines,
)
from tools.style.sources import read_repository


def figures() -> Iterator[Figure]:
    """Return every figure of the repository as it is."""
    sources = read_repository()
    yield from count_lines(sources)
    yield count_folder_modules(sources)
    yield count_banned_names(sources)
    yield count_duplicate_classes(sources)
    try:
        assembled = assemble()
        yield count_entries(assembled.app.pages.routes, sources)
        yield count_caches(assembled, sources)
    except (AttributeError, ImportError, TypeError) as error:
        # The table is most useful during a restructuring, when the application may not assemble.
        yield Figure("figures of the application", None, (f"{type(error).__name__}: {error}",))


def main() -> int:
    """Print the table and return the exit code."""
    for figure in figures():
        print(f"{figure.name:32}{'-' if figure.value is None else format(figure.value, ','):>8}")
        for detail in figure.details:
            print(f"    {detail}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
