"""The code map of `docs/architecture.md` lists every module of the product."""

from __future__ import annotations

from tests.docs.sections import code_map


def test_every_module_is_listed() -> None:
    """Each module has its line. The failure prints the lines that are missing."""
    missing = [path for path in code_map.modules() if path not in code_map.listed()]
    suggestions = "\n".join(f"| `{path}` | {code_map.first_sentence(path)} |" for path in missing)

    assert not missing, f"docs/architecture.md lacks these modules (`python -m tests.docs` adds them):\n{suggestions}"


def test_every_listed_module_exists() -> None:
    """No line names a module that is gone."""
    existing = set(code_map.modules())
    gone = [path for path in code_map.listed() if path not in existing]

    assert not gone, f"docs/architecture.md lists modules that do not exist: {', '.join(gone)}"
