"""Bring the generated parts of the documentation up to date: settings, proofs, code map. `python -m tests.docs`."""

from __future__ import annotations

from tests.docs.pages import replace_section
from tests.docs.sections import code_map, proofs, settings


def main() -> None:
    """Rewrite each generated part. Descriptions in the code map stay; new modules get the first sentence of their docstring."""
    replace_section(settings.PAGE, settings.NAME, settings.lines())
    replace_section(proofs.PAGE, proofs.NAME, proofs.lines())
    replace_section(code_map.PAGE, code_map.NAME, code_map.lines(code_map.listed()))


if __name__ == "__main__":
    main()
