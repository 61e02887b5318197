"""Tests of `supplygraph serve` as a separate process: start, banner, errors and shutdown."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from domain.timestamps import SystemClock
from sandbox.faults import FaultKind
from sandbox.http.server import SandboxServer, SandboxThread
from sandbox.world import World
from tests.app.harness import KEYS
from tests.app.test_cli import CONFIGURATION

START_SECONDS = 60
ROOT = Path(__file__).parents[2]


@dataclass
class ServeProcess:
    """A running `supplygraph serve`, with its output and the values that it printed."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        """Return its standard output."""
        return "".join(self.lines)

    @property
    def address(self) -> str:
        """Return the address that it printed."""
        match = re.search(r"(http://\S+)/graphql", self.output)
        assert match, self.output
        return match[1]

    @property
    def token(self) -> str:
        """Return the token that it printed."""
        match = re.search(r"Token +(sg_\S+)", self.output)
        assert match, self.output
        return match[1]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the process to exit and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(START_SECONDS)


def command(*arguments: str) -> list[str]:
    """Return the command line of `supplygraph` with these arguments."""
    return [sys.executable, "-m", "supplygraph", *arguments]


def environment(**more: str) -> dict[str, str]:
    """Return our environment without SUPPLYGRAPH_ variables, with the checkout on PYTHONPATH."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SUPPLYGRAPH_")}
    return {**inherited, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **more}


@contextmanager
def serving(
    folder: Path,
    *arguments: str,
    until: Callable[[str], bool] = lambda text: "/graphql" in text,
    variables: Mapping[str, str] | None = None,
) -> Iterator[ServeProcess]:
    """Run `serve` in a folder on a free port; yields as soon as its output satisfies `until`."""
    with (folder / "stderr").open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command("serve", "--port", "0", *arguments),
            cwd=folder,
            env=environment(PYTHONUNBUFFERED="1", **(variables or {})),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    serve = ServeProcess(process)
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            serve.lines.append(line)
            if until(serve.output):
                ready.set()
        ready.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert ready.wait(START_SECONDS), (folder / "stderr").read_text(encoding="utf-8")
        yield serve
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join()
        if process.stdout is not None:
            process.stdout.close()


def has_query(text: str) -> bool:
    """Return whether the whole sandbox banner was printed, including the example query."""
    return "application/json' -d" in text


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_printed_query_works_and_a_restart_keeps_the_data(tmp_path: Path) -> None:
    """The curl command works as printed. A second start has the same machines and token. Both exit with 0."""
    responses, tokens = [], []
    for number in (signal.SIGTERM, signal.SIGINT):
        with serving(tmp_path, until=has_query) as serve:
            assert "SANDBOX" in serve.output
            curl = serve.output[serve.output.index("curl") :].replace("\\\n", " ")
            process = subprocess.run(shlex.split(curl), capture_output=True, text=True, check=True)  # noqa: S603 - our own text
            responses.append(json.loads(process.stdout))
            tokens.append(serve.token)
            assert 0 == serve.end(number), (tmp_path / "stderr").read_text(encoding="utf-8")
        log = (tmp_path / "stderr").read_text(encoding="utf-8")
        assert "Traceback" not in log
        assert serve.token not in log

    assert 5 == len(responses[0]["data"]["resources"]["nodes"])
    assert {"FRESH"} == {node["freshness"]["state"] for node in responses[0]["data"]["resources"]["nodes"]}
    assert {node["name"] for node in responses[0]["data"]["resources"]["nodes"]} & {
        node["name"] for node in responses[1]["data"]["resources"]["nodes"]
    }
    assert tokens[0] == tokens[1]


def test_requests_and_flights_are_logged_as_json(tmp_path: Path) -> None:
    """If standard error is not a terminal, every line is JSON."""
    with serving(tmp_path, until=has_query) as serve:
        headers = {"Authorization": f"Bearer {serve.token}"}
        response = httpx.post(
            f"{serve.address}/graphql", json={"query": "{ resources { nodes { name } } }"}, headers=headers
        )
        assert 200 == response.status_code
        serve.end()

    lines = [json.loads(line) for line in (tmp_path / "stderr").read_text(encoding="utf-8").splitlines()]
    assert {"request", "flight"} <= {line["event"] for line in lines}


def test_token_can_be_created_while_serving(tmp_path: Path) -> None:
    """`token create` works on the database of a running gateway."""
    with serving(tmp_path, until=has_query) as serve:
        created = subprocess.run(  # noqa: S603 - our own command
            command("token", "create", "other"),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        headers = {"Authorization": f"Bearer {created.stdout.strip().splitlines()[-1]}"}
        response = httpx.post(f"{serve.address}/graphql", json={"query": "{ __typename }"}, headers=headers)
        assert 200 == response.status_code
        assert 0 == serve.end()


def run_and_fail(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a `serve` that cannot start; return exit code and standard error."""
    process = subprocess.run(  # noqa: S603 - our own command
        command("serve", *arguments), cwd=folder, env=environment(), capture_output=True, text=True,
        check=False, timeout=START_SECONDS,
    )  # fmt: skip
    assert "" == process.stdout
    return process.returncode, process.stderr.strip()


def test_second_gateway_on_the_same_database_fails(tmp_path: Path) -> None:
    """Two gateways would call the clouds twice. The second one prints a one-line error."""
    with serving(tmp_path, until=has_query) as serve:
        code, message = run_and_fail(tmp_path, "--port", "0")
        assert 0 == serve.end()

    assert (2, 1) == (code, len(message.splitlines()))
    assert message.startswith("database.url: another gateway is using sandbox.db; ")


def test_port_in_use_is_reported(tmp_path: Path) -> None:
    """The one-line error suggests another port."""
    with serving(tmp_path, until=has_query) as serve:
        port = serve.address.rpartition(":")[2]
        (tmp_path / "other").mkdir()
        code, message = run_and_fail(tmp_path / "other", "--port", port)

    assert 2 == code
    assert f"server.port: {port} is in use on 127.0.0.1; choose another port, such as --port {int(port) ^ 1}" == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--host", "not a host"), "server.host: 'not a host' is not an address of this machine; try --host 127.0.0.1"),
        (("--config", "gone.toml"), "--config: the file gone.toml does not exist; check the path"),
    ],
)
def test_invalid_options_are_reported(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """The error is one line on standard error, and the exit code is 2."""
    assert (2, message) == run_and_fail(tmp_path, *arguments)


@pytest.mark.parametrize(
    ("url", "start"),
    [
        ("sqlite+aiosqlite:///gone/record.db", "database.url: "),
        ("mysql://root:s3cret@localhost/x", "database.url names the driver 'mysql'"),
    ],
)
def test_unusable_database_is_reported(tmp_path: Path, url: str, start: str) -> None:
    """The message names the setting and never contains the password of the URL."""
    (tmp_path / "supplygraph.toml").write_text(f'[database]\nurl = "{url}"\n', encoding="utf-8")

    code, message = run_and_fail(tmp_path, "--port", "0")

    assert 2 == code
    assert message.startswith(start)
    assert 1 == len(message.splitlines())
    assert "s3cret" not in message


def test_request_in_flight_finishes_after_the_signal(tmp_path: Path) -> None:
    """A request that waits for a cloud when the signal arrives gets the result of the cloud."""
    cloud = SandboxServer(World.default(SystemClock(), 7, KEYS, lively=False))
    with SandboxThread(cloud), ThreadPoolExecutor() as pool:
        (tmp_path / "supplygraph.toml").write_text(CONFIGURATION.format(endpoint=cloud.url), encoding="utf-8")
        with serving(tmp_path, variables={f"{name.upper()}_KEY": key for name, key in KEYS.items()}) as serve:
            created = subprocess.run(  # noqa: S603 - our own command
                command("token", "create", "t"), cwd=tmp_path, capture_output=True, text=True, check=True,
                env=environment(EAST_KEY="-", WEST_KEY="-"),
            )  # fmt: skip
            headers = {"Authorization": f"Bearer {created.stdout.strip().splitlines()[-1]}"}

            def query(freshness: str) -> httpx.Response:
                text = f"{{ resources(freshness: {freshness}) {{ coverage {{ complete }} nodes {{ status }} }} }}"
                return httpx.post(
                    f"{serve.address}/graphql", json={"query": text}, headers=headers, timeout=START_SECONDS
                )

            query("{}")  # returns after the first sweeps
            cloud.journal.forget()
            hold = cloud.faults.switch_on(FaultKind.HOLD)
            future = pool.submit(query, "{forceRefresh: true}")
            asyncio.run(cloud.journal.until(lambda journal: journal.sweeps() == 4))

            serve.process.send_signal(signal.SIGTERM)
            cloud.faults.switch_off(hold.fault_id)

            assert future.result().json()["data"]["resources"]["coverage"]["complete"]
            assert 0 == serve.process.wait(START_SECONDS)
    assert "Traceback" not in (tmp_path / "stderr").read_text(encoding="utf-8")
