"""`supplygraph serve` as its own process: the first minute of a newcomer, and its end."""

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
from tests.app.running import KEYS
from tests.app.test_cli import CONFIGURATION

START_SECONDS = 60
ROOT = Path(__file__).parents[2]


@dataclass
class Serve:
    """A serving process: its output so far, and what it printed of itself."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        """Standard output so far."""
        return "".join(self.lines)

    @property
    def address(self) -> str:
        """Where it answers."""
        found = re.search(r"(http://\S+)/graphql", self.output)
        assert found, self.output
        return found[1]

    @property
    def token(self) -> str:
        """The token that it printed."""
        found = re.search(r"Token +(sg_\S+)", self.output)
        assert found, self.output
        return found[1]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(START_SECONDS)


def command(*arguments: str) -> list[str]:
    """`supplygraph` with these arguments."""
    return [sys.executable, "-m", "supplygraph", *arguments]


def environment(**more: str) -> dict[str, str]:
    """Ours without its settings, and with the checkout to import from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SUPPLYGRAPH_")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **more}


@contextmanager
def serving(
    folder: Path,
    *arguments: str,
    until: Callable[[str], bool] = lambda text: "/graphql" in text,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Serve]:
    """Serve in a folder on a free port, from the moment when it says that it answers."""
    with (folder / "stderr").open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command("serve", "--port", "0", *arguments),
            cwd=folder,
            env=environment(PYTHONUNBUFFERED="1", **(variables or {})),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    serve = Serve(process)
    answers = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            serve.lines.append(line)
            if until(serve.output):
                answers.set()
        answers.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert answers.wait(START_SECONDS), (folder / "stderr").read_text(encoding="utf-8")
        yield serve
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join()
        if process.stdout is not None:
            process.stdout.close()


def first_question(text: str) -> bool:
    """Whether everything was printed, the question included."""
    return "application/json' -d" in text


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl to run the printed question with")
def test_the_printed_question_is_answered_and_a_second_start_goes_on(tmp_path: Path) -> None:
    """The curl runs as printed; the second start has the same machines and another token; both end well."""
    answers, tokens = [], []
    for number in (signal.SIGTERM, signal.SIGINT):
        with serving(tmp_path, until=first_question) as serve:
            assert "SANDBOX" in serve.output
            question = serve.output[serve.output.index("curl") :].replace("\\\n", " ")
            answer = subprocess.run(shlex.split(question), capture_output=True, text=True, check=True)  # noqa: S603 - what we printed
            answers.append(json.loads(answer.stdout))
            tokens.append(serve.token)
            assert 0 == serve.end(number), (tmp_path / "stderr").read_text(encoding="utf-8")
        log = (tmp_path / "stderr").read_text(encoding="utf-8")
        assert "Traceback" not in log
        assert serve.token not in log

    assert 5 == len(answers[0]["data"]["resources"]["nodes"])
    assert {"FRESH"} == {node["freshness"]["state"] for node in answers[0]["data"]["resources"]["nodes"]}
    assert {node["name"] for node in answers[0]["data"]["resources"]["nodes"]} & {
        node["name"] for node in answers[1]["data"]["resources"]["nodes"]
    }
    assert tokens[0] != tokens[1]


def test_it_logs_json_lines_for_requests_and_flights(tmp_path: Path) -> None:
    """Where no person reads along, every line is JSON."""
    with serving(tmp_path, until=first_question) as serve:
        headers = {"Authorization": f"Bearer {serve.token}"}
        told = httpx.post(
            f"{serve.address}/graphql", json={"query": "{ resources { nodes { name } } }"}, headers=headers
        )
        assert 200 == told.status_code
        serve.end()

    lines = [json.loads(line) for line in (tmp_path / "stderr").read_text(encoding="utf-8").splitlines()]
    assert {"request", "flight"} <= {line["event"] for line in lines}


def test_tokens_are_made_and_revoked_beside_it(tmp_path: Path) -> None:
    """`token` works on the record of a running gateway."""
    with serving(tmp_path, until=first_question) as serve:
        made = subprocess.run(  # noqa: S603 - our own command
            command("token", "create", "other"),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        headers = {"Authorization": f"Bearer {made.stdout.strip().splitlines()[-1]}"}
        told = httpx.post(f"{serve.address}/graphql", json={"query": "{ __typename }"}, headers=headers)
        assert 200 == told.status_code
        assert 0 == serve.end()


def refused(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and standard error of a `serve` that cannot start."""
    ended = subprocess.run(  # noqa: S603 - our own command
        command("serve", *arguments), cwd=folder, env=environment(), capture_output=True, text=True,
        check=False, timeout=START_SECONDS,
    )  # fmt: skip
    assert "" == ended.stdout
    return ended.returncode, ended.stderr.strip()


def test_a_second_one_on_the_same_record_refuses(tmp_path: Path) -> None:
    """Two gateways would ask the clouds twice; the second says so in one line."""
    with serving(tmp_path, until=first_question) as serve:
        code, said = refused(tmp_path, "--port", "0")
        assert 0 == serve.end()

    assert (2, 1) == (code, len(said.splitlines()))
    assert said.startswith("database.url: another gateway serves from sandbox.db")


def test_a_port_in_use_is_told_with_the_cure(tmp_path: Path) -> None:
    """One line, no traceback."""
    with serving(tmp_path, until=first_question) as serve:
        port = serve.address.rpartition(":")[2]
        (tmp_path / "other").mkdir()
        code, said = refused(tmp_path / "other", "--port", port)

    assert 2 == code
    assert f"server.port: {port} is in use on 127.0.0.1; choose another, as --port {int(port) ^ 1}" == said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", "not a host"), "server.host: 'not a host' is no address of this machine; try --host 127.0.0.1"),
        (("--config", "gone.toml"), "--config names gone.toml, and there is no such file"),
    ],
)
def test_what_cannot_be_served_is_told(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """One line on standard error and exit code 2."""
    assert (2, said) == refused(tmp_path, *arguments)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite+aiosqlite:///gone/record.db", "database.url: "),
        ("mysql://root:s3cret@localhost/x", "database.url names the driver 'mysql'"),
    ],
)
def test_a_record_that_cannot_be_kept_is_told(tmp_path: Path, url: str, said: str) -> None:
    """The message names the setting, and never the URL's password."""
    (tmp_path / "supplygraph.toml").write_text(f'[database]\nurl = "{url}"\n', encoding="utf-8")

    code, told = refused(tmp_path, "--port", "0")

    assert 2 == code
    assert told.startswith(said)
    assert 1 == len(told.splitlines())
    assert "s3cret" not in told


def test_a_request_in_flight_is_finished_after_the_signal(tmp_path: Path) -> None:
    """Whoever waits for a cloud when the signal comes is answered, by what the cloud then tells."""
    cloud = SandboxServer(World.default(SystemClock(), 7, KEYS, lively=False))
    with SandboxThread(cloud), ThreadPoolExecutor() as pool:
        (tmp_path / "supplygraph.toml").write_text(CONFIGURATION.format(endpoint=cloud.url), encoding="utf-8")
        with serving(tmp_path, variables={f"{name.upper()}_KEY": key for name, key in KEYS.items()}) as serve:
            made = subprocess.run(  # noqa: S603 - our own command
                command("token", "create", "t"), cwd=tmp_path, capture_output=True, text=True, check=True,
                env=environment(EAST_KEY="-", WEST_KEY="-"),
            )  # fmt: skip
            headers = {"Authorization": f"Bearer {made.stdout.strip().splitlines()[-1]}"}

            def ask(demand: str) -> httpx.Response:
                query = f"{{ resources(freshness: {demand}) {{ coverage {{ complete }} nodes {{ status }} }} }}"
                return httpx.post(
                    f"{serve.address}/graphql", json={"query": query}, headers=headers, timeout=START_SECONDS
                )

            ask("{}")  # ends once the sweeps of the start have ended
            cloud.journal.forget()
            held = cloud.faults.switch_on(FaultKind.HOLD)
            answer = pool.submit(ask, "{forceRefresh: true}")
            asyncio.run(cloud.journal.until(lambda journal: journal.sweeps() == 4))

            serve.process.send_signal(signal.SIGTERM)
            cloud.faults.switch_off(held.fault_id)

            assert answer.result().json()["data"]["resources"]["coverage"]["complete"]
            assert 0 == serve.process.wait(START_SECONDS)
    assert "Traceback" not in (tmp_path / "stderr").read_text(encoding="utf-8")
