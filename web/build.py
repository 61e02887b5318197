"""Build the browser pages from the sources in this folder: `python -m web.build [--best-effort] [--force] [--output FOLDER]`.

Pages that are up to date are not built again. If they cannot be built, for example because the npm registry is
unreachable, the command prints the reason in one line, and the gateway serves a plain page instead.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from supplygraph.web.assets import FOLDER
from web.node_runtime import NodeRuntime, NodeUnavailable, find_node

SOURCES: Final = Path(__file__).parent
INSTALL_SECONDS: Final = 300.0
BUNDLE_SECONDS: Final = 180.0
# npm retries for minutes by default, which would block the setup of a machine without a network.
_INSTALL: Final = (
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
)
_COMPRESSED: Final = frozenset({".js", ".css", ".ttf"})
_NOT_SOURCES: Final = ("node_modules", "__pycache__", "*.py")


class BuildFailed(Exception):
    """The pages could not be built; the text gives the reason in one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 1 if the build failed, unless `--best-effort` was given."""
    parser = argparse.ArgumentParser(prog="python -m web.build", description="Build the GraphiQL page and /docs.")
    parser.add_argument("--best-effort", action="store_true", help="exit with status 0 even if the build fails")
    parser.add_argument("--force", action="store_true", help="build even if the pages are up to date")
    parser.add_argument(
        "--output", type=Path, default=FOLDER, metavar="FOLDER", help="where to write the pages (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        was_built = build(assets=options.output, force=options.force)
    except BuildFailed as error:
        sys.stderr.write(f"The GraphiQL page and /docs were not built; everything else works. Reason: {error}\n")
        return 0 if options.best_effort else 1
    sys.stdout.write("The GraphiQL page and /docs are " + ("built\n" if was_built else "up to date\n"))
    return 0


def build(
    sources: Path = SOURCES, assets: Path = FOLDER, node: NodeRuntime | None = None, *, force: bool = False
) -> bool:
    """Bring the assets up to date and return whether anything was built.

    Raises BuildFailed and leaves the existing assets unchanged if the build fails.
    """
    if not (sources / "package-lock.json").is_file():
        raise BuildFailed("the page sources are missing; run this command in a checkout, which has them in web/")
    if not force and is_up_to_date(sources, assets):
        return False
    try:
        with tempfile.TemporaryDirectory(prefix="supplygraph-web-") as scratch:
            output = _bundle(sources, Path(scratch) / "web", node or find_node())
            _compress(output / "static")
            (output / "stamp").write_text(fingerprint(sources), encoding="ascii")
            _replace(assets, output)
    except (NodeUnavailable, OSError) as error:
        raise BuildFailed(str(error)) from error
    return True


def is_up_to_date(sources: Path = SOURCES, assets: Path = FOLDER) -> bool:
    """Return whether the assets were built from exactly these sources."""
    return _read_stamp(assets) == fingerprint(sources)


def fingerprint(sources: Path) -> str:
    """Return a hash of the path and content of every source file, the lock file included.

    Installed packages and Python files, such as this one, do not count as sources.
    """
    digest = hashlib.sha256()
    for path in sorted(sources.rglob("*")):
        relative = path.relative_to(sources)
        if path.is_file() and path.suffix != ".py" and not {"node_modules", "__pycache__"} & set(relative.parts):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{relative.as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _bundle(sources: Path, work: Path, node: NodeRuntime) -> Path:
    """Install and bundle in a copy: concurrent builds share no files and the checkout stays clean."""
    shutil.copytree(sources, work, ignore=shutil.ignore_patterns(*_NOT_SOURCES))
    node.run_npm(_INSTALL, work, INSTALL_SECONDS)
    node.run_npm(("run", "build"), work, BUNDLE_SECONDS)
    return work / "dist"


def _compress(folder: Path) -> None:
    """Write a gzipped copy next to each text file."""
    for path in sorted(folder.iterdir()):
        if path.suffix in _COMPRESSED:
            Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def _replace(assets: Path, output: Path) -> None:
    """Replace the old folder by the new one. A running gateway misses it only between two renames."""
    fresh, old = assets.with_name("assets.new"), assets.with_name("assets.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(output, fresh)
    if assets.exists():
        assets.rename(old)
    fresh.rename(assets)
    shutil.rmtree(old, ignore_errors=True)


def _read_stamp(assets: Path) -> str | None:
    """Return the fingerprint of the sources that the assets were built from, `None` if there are no assets."""
    try:
        return (assets / "stamp").read_text(encoding="ascii")
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    raise SystemExit(main())
