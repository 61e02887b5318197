"""Builds the browser pages from `web/`: `python -m supplygraph.web.build [--best-effort] [--force]`.

What is up to date is left alone. What cannot be built, because npm is out of reach, is said in one line; the gateway
then serves a plain page in its place.
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
from supplygraph.web.node import NodeRuntime, NodeUnavailable, find_node

SOURCES: Final = Path(__file__).parents[2] / "web"
INSTALL_SECONDS: Final = 300.0
BUNDLE_SECONDS: Final = 180.0
# npm's own patience, minutes of it, would hold a machine without a network up.
_INSTALL: Final = (
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
)
_COMPRESSED: Final = frozenset({".js", ".css", ".ttf"})


class NotBuilt(Exception):
    """Why there is no page; one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Its exit status is 1 where the pages could not be built, unless that was said to be no failure."""
    parser = argparse.ArgumentParser(
        prog="python -m supplygraph.web.build", description="Builds GraphiQL's page and /docs."
    )
    parser.add_argument("--best-effort", action="store_true", help="exit 0 also where the pages cannot be built")
    parser.add_argument("--force", action="store_true", help="build even what is up to date")
    options = parser.parse_args(arguments)
    try:
        built = build(force=options.force)
    except NotBuilt as reason:
        sys.stderr.write(f"GraphiQL's page and /docs were not built, all else works: {reason}\n")
        return 0 if options.best_effort else 1
    sys.stdout.write("GraphiQL's page and /docs: " + ("built\n" if built else "up to date\n"))
    return 0


def build(
    sources: Path = SOURCES, assets: Path = FOLDER, node: NodeRuntime | None = None, *, force: bool = False
) -> bool:
    """Bring the assets up to date; whether anything was built. Raises NotBuilt and leaves the earlier assets alone."""
    if not (sources / "package-lock.json").is_file():
        raise NotBuilt("their sources are not here; they are in the folder web/ of a checkout")
    stamp = fingerprint(sources)
    if not force and _built_stamp(assets) == stamp:
        return False
    try:
        with tempfile.TemporaryDirectory(prefix="supplygraph-web-") as scratch:
            made = _bundle(sources, Path(scratch) / "web", node or find_node())
            _compress(made / "static")
            (made / "stamp").write_text(stamp, encoding="ascii")
            _replace(assets, made)
    except (NodeUnavailable, OSError) as reason:
        raise NotBuilt(str(reason)) from reason
    return True


def fingerprint(sources: Path) -> str:
    """A hash of every source file's path and content, the lock file's included."""
    digest = hashlib.sha256()
    for path in sorted(sources.rglob("*")):
        relative = path.relative_to(sources)
        if path.is_file() and "node_modules" not in relative.parts:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{relative.as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def _bundle(sources: Path, work: Path, node: NodeRuntime) -> Path:
    """Install and bundle in a copy, so that builds beside each other share nothing and a checkout stays clean."""
    shutil.copytree(sources, work, ignore=shutil.ignore_patterns("node_modules"))
    node.run_npm(_INSTALL, work, INSTALL_SECONDS)
    node.run_npm(("run", "build"), work, BUNDLE_SECONDS)
    return work / "dist"


def _compress(folder: Path) -> None:
    """A gzipped copy beside each text file."""
    for path in sorted(folder.iterdir()):
        if path.suffix in _COMPRESSED:
            Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def _replace(assets: Path, made: Path) -> None:
    """Put the new folder in the old one's place; a running gateway misses it for no longer than two renames."""
    fresh, old = assets.with_name("assets.new"), assets.with_name("assets.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(made, fresh)
    if assets.exists():
        assets.rename(old)
    fresh.rename(assets)
    shutil.rmtree(old, ignore_errors=True)


def _built_stamp(assets: Path) -> str | None:
    try:
        return (assets / "stamp").read_text(encoding="ascii")
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    raise SystemExit(main())
