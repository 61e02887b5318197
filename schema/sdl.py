"""Print the SDL. `python -m schema.sdl > schema/schema.graphql` updates the committed file."""

from __future__ import annotations

import sys

from schema.build import build


def main() -> None:
    """Write the SDL to standard output."""
    sys.stdout.write(build().sdl)


if __name__ == "__main__":
    main()
