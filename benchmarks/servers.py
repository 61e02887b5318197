"""The servers that are measured, each one process of its own, and how each is started and asked."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from benchmarks.asking import BY_HAND, GENERATED, ONE, OURS, PAGE, REST, Words
from benchmarks.load import Target
from benchmarks.population import ACCOUNTS, populate
from benchmarks.postgres import Postgres, postgres
from benchmarks.seeding import seed_postgres, seed_sqlite
from web.node_runtime import find_node

ROOT: Final = Path(__file__).parents[1]
PEERS: Final = ROOT / "benchmarks" / "peers"
POOL: Final = 16
SUPPLYGRAPH: Final = "supplygraph"
SUPPLYGRAPH_SQLITE: Final = "supplygraph on SQLite"
SUPPLYGRAPH_FORGETFUL: Final = "supplygraph, nothing kept"
POSTGRAPHILE: Final = "PostGraphile 5"
MERCURIUS: Final = "Mercurius 16 + jit"
STRAWBERRY: Final = "strawberry, plain"
FASTAPI: Final = "FastAPI, plain"
BARE: Final = "bare ASGI, one statement"
# Longer than any run: what the population was seen by stays fresh, so that no vendor is asked.
_COOLDOWN_SECONDS: Final = 86_400
_NPM_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    name: str
    words: Words
    subjects: tuple[str, ...]
    target: Target


@contextmanager
def child(command: Sequence[str | Path], ready: str, environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Run a program until the block ends; gives what `ready` matched in its output, and its process."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(ready, line):
                yield found[1], process.pid
                break
        else:
            raise SystemExit(f"{' '.join(map(str, command))} did not start")
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def bring_peers() -> None:
    """Install the peers from their lock file where they are not. Raises NodeUnavailable."""
    stamp = PEERS / "node_modules" / ".package-lock.json"
    if stamp.is_file() and stamp.stat().st_mtime >= (PEERS / "package-lock.json").stat().st_mtime:
        return
    find_node().run_npm(["ci", "--no-audit", "--no-fund", "--omit=optional"], PEERS, _NPM_SECONDS)


def configuration(url: str, *, keeps: bool = True) -> str:
    """A gateway's configuration file: the population's accounts, at an address where nobody answers."""
    told = [f'[database]\nurl = "{url}"\npool_size = {POOL}\n[freshness]\ncooldown_seconds = {_COOLDOWN_SECONDS}']
    told += [] if keeps else ["[graph]\ncache_mb = 0"]
    told += [
        f'[[accounts]]\nname = "{name}"\nvendor = "sandbox"\nendpoint = "http://127.0.0.1:9"\n'
        '[accounts.credentials]\napi_key = "env:SUPPLYGRAPH_BENCH_KEY"'
        for name in ACCOUNTS
    ]
    return "\n".join(told) + "\n"


@contextmanager
def gateway(folder: Path, url: str, database: int | None, name: str = SUPPLYGRAPH) -> Iterator[Server]:
    """`supplygraph serve` over a populated database, asked with a token that may read; its settings are the defaults.

    The forgetful one alone keeps no answers, so that the database writes each anew.
    """
    plain = re.sub("[^a-z]+", "-", name.lower())
    file = folder / f"{plain}.toml"
    file.write_text(configuration(url, keeps=name != SUPPLYGRAPH_FORGETFUL), encoding="utf-8")
    environment = {"SUPPLYGRAPH_BENCH_KEY": "unused"}
    command = [sys.executable, "-m", "supplygraph"]
    token = subprocess.run(
        [*command, "token", "create", plain, "--allow", "read", "--allow", "admin", "--config", file],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if token.returncode != 0:
        raise SystemExit(f"{name}: no token: {token.stderr.strip()}")
    serving: list[str | Path] = [*command, "serve", "--config", file, "--port", "0"]
    with child(serving, r"(http://[^\s/]+)", environment) as (address, process):
        target = Target(address, f"Bearer {token.stdout.split()[-1]}", process, database)
        yield Server(name, Words(OURS), (ONE, PAGE, REST), target)


def metrics(server: Server, name: str) -> list[float]:
    """The values of a metric of a gateway, whatever its labels."""
    headers = {"Authorization": server.target.authorization or ""}
    told = httpx.get(f"{server.target.address}/metrics", headers=headers, trust_env=False).raise_for_status().text
    return [float(line.rsplit(" ", 1)[1]) for line in told.splitlines() if re.match(rf"{name}[ {{]", line)]


@contextmanager
def alone(resources: int, now: datetime, *, sqlite: bool) -> Iterator[tuple[Server, list[str]]]:
    """One gateway and nothing beside it, over so many resources, whose ids are given."""
    population = populate(resources, now)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        if sqlite:
            asyncio.run(seed_sqlite(folder / "record.db", population))
            url, process, name = f"sqlite+aiosqlite:///{folder / 'record.db'}", None, SUPPLYGRAPH_SQLITE
        else:
            database = stack.enter_context(postgres())
            asyncio.run(seed_postgres(database.server, "alone", population))
            url, process, name = database.url("alone"), database.process, SUPPLYGRAPH
        yield stack.enter_context(gateway(folder, url, process, name)), population.ids


@contextmanager
def peers(server: Postgres, database: str) -> Iterator[list[Server]]:
    """Everything that is not ours, on the same database; nobody has to say who asks."""
    environment = {**server.environment(database), "POOL": str(POOL), "NODE_ENV": "production"}
    environment |= {"GRAPHILE_ENV": "production"}
    node = find_node().node
    graph = (ONE, PAGE)
    commands: list[tuple[str, list[str | Path], Words, tuple[str, ...]]] = [
        (POSTGRAPHILE, [node, PEERS / "postgraphile.mjs"], Words(GENERATED), graph),
        (MERCURIUS, [node, PEERS / "mercurius.mjs"], Words(BY_HAND), graph),
        (STRAWBERRY, [sys.executable, "-m", "benchmarks.peers.plain"], Words(BY_HAND), graph),
        (FASTAPI, [sys.executable, "-m", "benchmarks.peers.plain"], Words(None), (REST,)),
        (BARE, [sys.executable, "-m", "benchmarks.peers.bare"], Words(None, "/one", "/page"), graph),
    ]
    with ExitStack() as stack:
        started: list[Server] = []
        for name, command, words, subjects in commands:
            address, process = stack.enter_context(child(command, r"ready at (\S+)", environment))
            started.append(Server(name, words, subjects, Target(address, None, process, server.process)))
        yield started
