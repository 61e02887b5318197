"""Names of modules and packages: nouns, neither gerunds nor participles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from tools.style.findings import Finding
from tools.style.sources import Source

NOUNS: Final = frozenset(
    {
        "billing",
        "caching",
        "coalescing",
        "decoding",
        "embed",
        "encoding",
        "feed",
        "findings",
        "forwarding",
        "hashing",
        "listing",
        "locking",
        "logging",
        "mapping",
        "networking",
        "ordering",
        "paging",
        "parsing",
        "polling",
        "pricing",
        "pruning",
        "recording",
        "recordings",
        "rendering",
        "renderings",
        "rounding",
        "routing",
        "sampling",
        "scheduling",
        "seed",
        "setting",
        "sharing",
        "settings",
        "speed",
        "spelling",
        "string",
        "strings",
        "testing",
        "thing",
        "throttling",
        "timing",
        "tracing",
        "warning",
        "warnings",
    }
)
"""Nouns that end like a gerund or a participle."""
PARTICIPLES: Final = frozenset(
    {
        "bound",
        "broken",
        "built",
        "chosen",
        "drawn",
        "driven",
        "found",
        "given",
        "gone",
        "grown",
        "heard",
        "held",
        "hidden",
        "kept",
        "known",
        "left",
        "lost",
        "made",
        "met",
        "read",
        "said",
        "seen",
        "sent",
        "shown",
        "spent",
        "taken",
        "thrown",
        "told",
        "understood",
        "won",
        "written",
    }
)
"""Participles that no ending gives away."""


def check_module_names(sources: Sequence[Source]) -> Iterator[Finding]:
    """Report each module and each package that is not named by a noun, once."""
    packages: set[PurePosixPath] = set()
    for source in sources:
        if not source.is_python or source.is_migration:
            continue
        if not is_noun(source.path.stem):
            yield _finding(source.path, source.path.stem)
        if source.path.name == "__init__.py" and source.path.parent not in packages:
            packages.add(source.path.parent)
            if not is_noun(source.path.parent.name):
                yield _finding(source.path, source.path.parent.name)


def _finding(path: PurePosixPath, name: str) -> Finding:
    return Finding(path, 1, "module-name", f"`{name}` is a gerund or a participle; name the module by a noun")


def is_noun(name: str) -> bool:
    """Whether the last word of a module's name passes for a noun; `test_` in front of it does not count."""
    word = name.removeprefix("test_").rstrip("_").rpartition("_")[2]
    if word in NOUNS:
        return True
    return word not in PARTICIPLES and re.fullmatch(r"[a-z]{2,}(ing|ings|ed)", word) is None
