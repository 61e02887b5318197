"""The load: wrk, one thread, so many connections, each asking again as soon as it has its answer."""

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

from benchmarks.asking import Request
from benchmarks.figures import Run
from benchmarks.usage import cpu_seconds, family_cpu_seconds, memory_bytes

CONNECTIONS: Final = 16
_IN_TURN: Final = Path(__file__).with_name("load.lua")
_NEVER_THE_SAME: Final = Path(__file__).with_name("flood.lua")
_SLACK_SECONDS: Final = 30


class LoadFailed(Exception):
    """The load could not be made, or requests failed under it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a load goes: an address, what authorizes it, the process that serves, and its database's first one, if any."""

    address: str
    authorization: str | None
    process: int
    database: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What wrk tells of a load."""

    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float
    failed: int


def bring_wrk() -> str:
    """The program; as root on Debian it is installed where it is missing. Raises LoadFailed with the cure."""
    if not shutil.which("wrk") and os.geteuid() == 0 and (installer := shutil.which("apt-get")):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", "wrk"]):
            subprocess.run([installer, *arguments], env=environment, capture_output=True, check=False)
    program = shutil.which("wrk")
    if program is None:
        raise LoadFailed("there is no wrk, which makes the load: apt-get install wrk")
    return program


@contextmanager
def prepared(requests: Sequence[Request]) -> Iterator[Path]:
    """A file of the requests, a line each, as the script reads them."""
    with NamedTemporaryFile("wb", suffix=".load") as file:
        file.writelines((each.path.encode() if each.body is None else each.body) + b"\n" for each in requests)
        file.flush()
        yield Path(file.name)


def loaded(target: Target, requests: Sequence[Request], seconds: float, connections: int = CONNECTIONS) -> Told:
    """Ask the requests in turn for so long (whole seconds, at least one). Raises LoadFailed where wrk fails."""
    first = requests[0]
    method = "GET" if first.body is None else "POST"
    with prepared(requests) as file:
        return _wrk(target, _IN_TURN, [str(file), method, first.path], seconds, connections)


def flooded(target: Target, templates: Sequence[Request], begin: int, seconds: float, connections: int) -> Told:
    """Ask for so long what was never asked: `@` in the templates' bodies is a number that rises from `begin`.

    Raises LoadFailed where wrk fails. Numbers that were sent last and not answered are not counted as requests.
    """
    with prepared(templates) as file:
        return _wrk(target, _NEVER_THE_SAME, [str(file), str(begin), templates[0].path], seconds, connections)


def _wrk(target: Target, script: Path, arguments: Sequence[str], seconds: float, connections: int) -> Told:
    duration = max(1, round(seconds))
    command = [bring_wrk(), "-t1", f"-c{connections}", f"-d{duration}s", "--timeout", "20s", "-s", str(script)]
    done = subprocess.run(
        [*command, target.address, "--", *arguments, *([target.authorization] if target.authorization else [])],
        capture_output=True,
        text=True,
        timeout=duration + _SLACK_SECONDS,
        check=False,
    )
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        raise LoadFailed(f"wrk ended with {done.returncode}: {done.stderr.strip()[:500]}")
    return read(lines[-1])


def read(line: str) -> Told:
    """What the script wrote on its last line."""
    told = json.loads(line)
    return Told(
        told["requests"],
        told["microseconds"] / 1e6,
        told["bytes"],
        told["p50"] / 1000,
        told["p99"] / 1000,
        told["failed"],
    )


def measured(target: Target, requests: Sequence[Request], seconds: float) -> Run:
    """One run under load. Raises LoadFailed where a request failed."""
    server = cpu_seconds(target.process)
    database = family_cpu_seconds(target.database) if target.database else 0.0
    told = loaded(target, requests, seconds)
    if told.failed:
        raise LoadFailed(f"{told.failed} of {told.requests} requests to {target.address} failed")
    if not told.requests:
        raise LoadFailed(f"{target.address} answered nothing within {seconds:g} s: give each run more (--seconds)")
    server = cpu_seconds(target.process) - server
    database = (family_cpu_seconds(target.database) - database) if target.database else 0.0
    return Run(
        told.requests / told.seconds,
        told.p50_ms,
        told.p99_ms,
        server * 1e6 / told.requests,
        database * 1e6 / told.requests,
        memory_bytes(target.process),
        told.bytes / told.requests,
    )
