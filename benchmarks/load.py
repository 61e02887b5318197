"""Load by wrk: one thread and several connections, each of which sends its next request as soon as it has its answer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final
from urllib.parse import urlsplit

from benchmarks.figures import Run
from benchmarks.operations import BenchRequest
from benchmarks.processes import cpu_seconds, family_cpu_seconds, memory_bytes

CONNECTIONS: Final = 16
_IN_TURN: Final = Path(__file__).with_name("load.lua")
_ALL_DISTINCT: Final = Path(__file__).with_name("flood.lua")
_SLACK_SECONDS: Final = 30


class LoadFailed(Exception):
    """wrk could not run, or requests failed under load."""


@dataclass(frozen=True, slots=True)
class LoadTarget:
    """The server under load.

    `authorization` is the value of its header, or None. `process` is the id of the server's process, `database` the id of
    PostgreSQL's first process, or None if the server does not use PostgreSQL.
    """

    address: str
    authorization: str | None
    process: int
    database: int | None = None


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The result that wrk reports. `bytes` counts headers and bodies of all answers."""

    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float
    failed: int


def find_wrk() -> str:
    """Return the path of wrk; install it first if it is missing and this is root on Debian.

    Raises LoadFailed with the command that installs it.
    """
    if not shutil.which("wrk") and os.geteuid() == 0 and (installer := shutil.which("apt-get")):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", "wrk"]):
            subprocess.run([installer, *arguments], env=environment, capture_output=True, check=False)
    program = shutil.which("wrk")
    if program is None:
        raise LoadFailed("wrk, which makes the load, is not installed: run `apt-get install wrk`")
    return program


def encode_request(target: LoadTarget, request: BenchRequest) -> bytes:
    """Return a request as it goes over the wire, with the target's host and authorization."""
    body = request.body or b""
    headers = [("Host", urlsplit(target.address).netloc)]
    headers += [] if request.body is None else [("Content-Length", str(len(body)))]
    headers += [] if target.authorization is None else [("Authorization", target.authorization)]
    lines = [
        f"{request.method} {request.path} HTTP/1.1",
        *(f"{k}: {v}" for k, v in (*headers, *request.headers)),
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1") + body


@contextmanager
def request_file(target: LoadTarget, requests: Sequence[BenchRequest]) -> Iterator[Path]:
    """Write the requests into a file as `load.lua` reads them, until the block ends."""
    encoded = (encode_request(target, request) for request in requests)
    with _temporary_file(b"%d\n%s" % (len(content), content) for content in encoded) as file:
        yield file


@contextmanager
def _temporary_file(parts: Iterator[bytes]) -> Iterator[Path]:
    with NamedTemporaryFile("wb", suffix=".load") as file:
        file.writelines(parts)
        file.flush()
        yield Path(file.name)


def run_load(
    target: LoadTarget, requests: Sequence[BenchRequest], seconds: float, connections: int = CONNECTIONS
) -> LoadResult:
    """Send the requests in turn for some seconds (rounded, at least one). Raises LoadFailed if wrk fails."""
    with request_file(target, requests) as file:
        return _run_wrk(target, _IN_TURN, [str(file)], seconds, connections)


def run_flood(
    target: LoadTarget, templates: Sequence[BenchRequest], begin: int, seconds: float, connections: int
) -> LoadResult:
    """Send requests of which no two are equal: `@` in the templates' bodies becomes a number that rises from `begin`.

    The result leaves out the numbers that were sent last and not answered. Raises LoadFailed if wrk fails.
    """
    authorization = [] if target.authorization is None else [target.authorization]
    with _temporary_file((template.body or b"") + b"\n" for template in templates) as file:
        arguments = [str(file), str(begin), templates[0].path, *authorization]
        return _run_wrk(target, _ALL_DISTINCT, arguments, seconds, connections)


def _run_wrk(
    target: LoadTarget, script: Path, arguments: Sequence[str], seconds: float, connections: int
) -> LoadResult:
    duration = max(1, round(seconds))
    command = [find_wrk(), "-t1", f"-c{connections}", f"-d{duration}s", "--timeout", "20s", "-s", str(script)]
    completed = subprocess.run(
        [*command, target.address, "--", *arguments],
        capture_output=True,
        text=True,
        timeout=duration + _SLACK_SECONDS,
        check=False,
    )
    lines = completed.stdout.splitlines()
    if completed.returncode != 0 or not lines:
        raise LoadFailed(f"wrk ended with {completed.returncode}: {completed.stderr.strip()[:500]}")
    return parse_result(lines[-1])


def parse_result(line: str) -> LoadResult:
    """Parse the last line that the wrk script writes."""
    counts = json.loads(line)
    return LoadResult(
        counts["requests"],
        counts["microseconds"] / 1e6,
        counts["bytes"],
        counts["p50"] / 1000,
        counts["p99"] / 1000,
        counts["failed"],
    )


def measure(target: LoadTarget, requests: Sequence[BenchRequest], seconds: float) -> Run:
    """Measure one run under load. Raises LoadFailed if a request failed or none was answered."""
    server = cpu_seconds(target.process)
    database = family_cpu_seconds(target.database) if target.database else 0.0
    result = run_load(target, requests, seconds)
    if result.failed:
        raise LoadFailed(f"{result.failed} of {result.requests} requests to {target.address} failed")
    if not result.requests:
        raise LoadFailed(f"{target.address} answered nothing within {seconds:g} s: make the runs longer (--seconds)")
    server = cpu_seconds(target.process) - server
    database = (family_cpu_seconds(target.database) - database) if target.database else 0.0
    return Run(
        result.requests / result.seconds,
        result.p50_ms,
        result.p99_ms,
        server * 1e6 / result.requests,
        database * 1e6 / result.requests,
        memory_bytes(target.process),
        result.bytes / result.requests,
    )
