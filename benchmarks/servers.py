"""The servers that are measured: how each one is started, in a process of its own, and which operations it answers."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from benchmarks.load import LoadTarget
from benchmarks.operations import BROWSER, BY_HAND, GENERATED, ONE, OURS, PAGE, REST, SUBJECTS, RequestBuilder
from benchmarks.population import ACCOUNTS, populate
from benchmarks.postgres import Postgres, postgres
from benchmarks.processes import ROOT, run_process
from benchmarks.seed import seed_postgres, seed_sqlite
from web.node_runtime import find_node

PEERS: Final = ROOT / "benchmarks" / "peers"
POOL: Final = 16
SUPPLYGRAPH: Final = "supplygraph"
SUPPLYGRAPH_SQLITE: Final = "supplygraph on SQLite"
SUPPLYGRAPH_UNCACHED: Final = "supplygraph, no result cache"
POSTGRAPHILE: Final = "PostGraphile 5"
MERCURIUS: Final = "Mercurius 16 + jit"
STRAWBERRY: Final = "strawberry, plain"
FASTAPI: Final = "FastAPI, plain"
BARE: Final = "bare ASGI, one statement"
CONSTANT: Final = "constant body"
# Longer than any run, so that the population stays fresh and no vendor is called.
_COOLDOWN_SECONDS: Final = 86_400
_NPM_SECONDS: Final = 300
_SECRETS: Final = {"SUPPLYGRAPH_BENCH_KEY": "unused"}
_ADDRESS: Final = r"(http://[^\s/]+)"


@dataclass(frozen=True, slots=True)
class BenchServer:
    """A running server. `subjects` are the operations that it answers."""

    name: str
    builder: RequestBuilder
    subjects: tuple[str, ...]
    target: LoadTarget


def install_peers() -> None:
    """Install the peers from their lock file unless they are installed. Raises NodeUnavailable."""
    stamp = PEERS / "node_modules" / ".package-lock.json"
    if stamp.is_file() and stamp.stat().st_mtime >= (PEERS / "package-lock.json").stat().st_mtime:
        return
    find_node().run_npm(["ci", "--no-audit", "--no-fund", "--omit=optional"], PEERS, _NPM_SECONDS)


def configuration(url: str, *, cached: bool = True) -> str:
    """Return a gateway's configuration: the accounts of the population, at an address where nothing listens.

    With `cached` false the gateway has no result cache.
    """
    parts = [f'[database]\nurl = "{url}"\npool_size = {POOL}\n[freshness]\ncooldown_seconds = {_COOLDOWN_SECONDS}']
    parts += [] if cached else ["[graph]\ncache_mb = 0"]
    parts += [
        f'[[accounts]]\nname = "{name}"\nvendor = "sandbox"\nendpoint = "http://127.0.0.1:9"\n'
        '[accounts.credentials]\napi_key = "env:SUPPLYGRAPH_BENCH_KEY"'
        for name in ACCOUNTS
    ]
    return "\n".join(parts) + "\n"


@contextmanager
def run_gateway(
    folder: Path, text: str, database: int | None, name: str = SUPPLYGRAPH, root: Path = ROOT
) -> Iterator[BenchServer]:
    """Run `supplygraph serve` over a populated database, with a token for reading and for its metrics.

    `text` is the configuration, `database` the id of PostgreSQL's first process, `root` the checkout that is run.
    """
    token_name = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
    file = folder / f"{token_name}.toml"
    file.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "supplygraph"]
    created = subprocess.run(
        [*command, "token", "create", token_name, "--allow", "read", "--allow", "admin", "--config", file],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), **_SECRETS},
        capture_output=True,
        text=True,
        check=False,
    )
    if created.returncode != 0:
        raise SystemExit(f"{name}: `supplygraph token create` failed: {created.stderr.strip()}")
    serve: list[str | Path] = [*command, "serve", "--config", file, "--port", "0"]
    with run_process(serve, _ADDRESS, _SECRETS, root) as (address, process):
        target = LoadTarget(address, f"Bearer {created.stdout.split()[-1]}", process, database)
        yield BenchServer(name, RequestBuilder(OURS), SUBJECTS, target)


@contextmanager
def run_constant_body(folder: Path, text: str) -> Iterator[BenchServer]:
    """Run the limit of the HTTP server: the process of `supplygraph serve` with an application that does nothing.

    It gets the requests that supplygraph gets. `set_constant_body` sets what it answers.
    """
    file = folder / "constant-body.toml"
    file.write_text(text, encoding="utf-8")
    module: list[str | Path] = [sys.executable, "-m", "benchmarks.peers.constant_body"]
    with run_process([*module, "serve", "--config", file, "--port", "0"], _ADDRESS, _SECRETS) as (address, process):
        yield BenchServer(CONSTANT, RequestBuilder(OURS), (ONE, BROWSER), LoadTarget(address, None, process))


def set_constant_body(server: BenchServer, body: bytes) -> None:
    """Set the body that the constant body server answers from now on."""
    httpx.put(server.target.address, content=body, trust_env=False).raise_for_status()


def read_metric(server: BenchServer, name: str) -> list[float]:
    """Return the values of one of a gateway's metrics, whatever its labels."""
    headers = {"Authorization": server.target.authorization or ""}
    text = httpx.get(f"{server.target.address}/metrics", headers=headers, trust_env=False).raise_for_status().text
    return [float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(rf"{name}[ {{]", line)]


@contextmanager
def run_gateway_alone(resources: int, now: datetime, *, sqlite: bool) -> Iterator[tuple[BenchServer, list[str]]]:
    """Run one gateway and no other server over a population of this size; yield it with the resources' ids."""
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
        yield stack.enter_context(run_gateway(folder, configuration(url), process, name)), population.ids


@contextmanager
def run_peers(server: Postgres, database: str) -> Iterator[list[BenchServer]]:
    """Run every server that is not ours on the same database. None of them authenticates."""
    environment = {**server.environment(database), "POOL": str(POOL), "NODE_ENV": "production"}
    environment |= {"GRAPHILE_ENV": "production"}
    node = find_node().node
    graph = (ONE, PAGE)
    python = [sys.executable, "-m"]
    commands: list[tuple[str, list[str | Path], RequestBuilder, tuple[str, ...]]] = [
        (POSTGRAPHILE, [node, PEERS / "postgraphile.mjs"], RequestBuilder(GENERATED), graph),
        (MERCURIUS, [node, PEERS / "mercurius.mjs"], RequestBuilder(BY_HAND), graph),
        (STRAWBERRY, [*python, "benchmarks.peers.strawberry_app"], RequestBuilder(BY_HAND), graph),
        (FASTAPI, [*python, "benchmarks.peers.strawberry_app"], RequestBuilder(None), (REST,)),
        (BARE, [*python, "benchmarks.peers.bare_asgi"], RequestBuilder(None, "/one", "/page"), graph),
    ]
    with ExitStack() as stack:
        started: list[BenchServer] = []
        for name, command, builder, subjects in commands:
            address, process = stack.enter_context(run_process(command, r"ready at (\S+)", environment))
            started.append(BenchServer(name, builder, subjects, LoadTarget(address, None, process, server.process)))
        yield started
