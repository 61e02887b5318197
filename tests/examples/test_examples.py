"""The programs in `examples/` run against `supplygraph serve` on the sandbox."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
_START_SECONDS = 60
_RUN_SECONDS = 60
_NOW = "0"
"""The maximum age: each program asks the clouds."""


@dataclass(frozen=True, slots=True)
class SandboxGateway:
    """A gateway on the sandbox: its address, a token with all permissions, and the address of the simulated cloud's faults."""

    url: str
    token: str
    faults: str

    def run(self, *command: str) -> str:
        """Run a program with the gateway in its environment. Returns what it prints."""
        environment = {**os.environ, "SUPPLYGRAPH_URL": self.url, "SUPPLYGRAPH_TOKEN": self.token}
        result = subprocess.run(  # noqa: S603 - our own examples
            command, capture_output=True, text=True, env=environment, timeout=_RUN_SECONDS, check=False, cwd=ROOT
        )
        assert 0 == result.returncode, result.stdout + result.stderr
        return result.stdout


@contextmanager
def serve(folder: Path) -> Iterator[SandboxGateway]:
    """Run `supplygraph serve` in an empty folder, so that it uses the sandbox."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SUPPLYGRAPH_")}
    log = folder / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "supplygraph", "serve", "--port", "0"],
            cwd=folder,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield _gateway(process, log)
        finally:
            process.terminate()


def _gateway(process: subprocess.Popen[str], log: Path) -> SandboxGateway:
    lines: Queue[str] = Queue()

    def forward() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put("")

    threading.Thread(target=forward, daemon=True).start()
    printed = ""
    while "curl" not in printed:
        line = lines.get(timeout=_START_SECONDS)
        assert line, printed + log.read_text()
        printed += line
    patterns = (r"GraphQL +(\S+)/graphql", r"Token +(\S+)", r"Faults +(\S+)")
    url, token, faults = (match[1] for pattern in patterns if (match := re.search(pattern, printed)))
    return SandboxGateway(url, token, faults)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxGateway]:
    """A gateway on the sandbox, one of whose two accounts is down."""
    with serve(tmp_path_factory.mktemp("sandbox")) as running:
        # Wait for the first sweeps of both accounts.
        query = {"query": "{ resources(first: 1) { nodes { status linkedResources { status } } } }"}
        httpx.post(f"{running.url}/graphql", json=query, headers={"Authorization": f"Bearer {running.token}"})
        fault = {"kind": "unavailable", "tenant": "sandbox-research"}
        assert 201 == httpx.post(running.faults, json=fault).status_code
        yield running


def _assert_lists_machines(output: str) -> None:
    assert re.search(r"pretrain-1 +[A-Z]+ +FRESH, \d+ s old", output), output
    assert re.search(r"trainer-1 +[A-Z]+ +STALE \(VENDOR_DOWN\), \d+ s old", output), output
    assert "The list may be incomplete: sandbox-research, VENDOR_DOWN" in output
    assert re.search(r"^Now: \S+ +\w+ +(FRESH|STALE)", output, re.MULTILINE), output


def test_python(gateway: SandboxGateway) -> None:
    """The Python program prints each machine with its age and reason, and one machine after a forced refresh."""
    _assert_lists_machines(gateway.run(sys.executable, str(EXAMPLES / "machines.py"), _NOW))


def test_typescript(gateway: SandboxGateway) -> None:
    """The TypeScript program prints the same, on Node alone."""
    node = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if node is None:
        pytest.skip("this machine has no Node: make setup")
    _assert_lists_machines(gateway.run(node, str(EXAMPLES / "machines.ts"), _NOW))


def test_shell(gateway: SandboxGateway) -> None:
    """The shell script prints the answers and REST's headers."""
    if shutil.which("curl") is None:
        pytest.skip("this machine has no curl")

    output = gateway.run("sh", str(EXAMPLES / "machines.sh"), _NOW)

    assert re.search(r'"name":"pretrain-1","status":"[A-Z]+","freshness":{"state":"FRESH"', output), output
    assert re.search(r'"name":"trainer-1",.*"state":"STALE",.*"reason":"VENDOR_DOWN"', output), output
    assert re.search(r"^cache-status: supplygraph; ", output, re.MULTILINE | re.IGNORECASE), output
    assert re.search(r"^age: \d+", output, re.MULTILINE | re.IGNORECASE), output
    assert '{"resource_id":' in output
