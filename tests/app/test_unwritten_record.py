"""A database that refuses writes: readers get what is recorded, with its true age, and operators see the cause."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Final

import pytest
import structlog.testing

from domain.timestamps import SystemClock
from sandbox.http.server import SandboxServer, SandboxThread
from sandbox.world import World
from supplygraph.config.settings import FreshnessSettings
from tests.app.harness import KEYS, GatewayHarness, run_gateway

_FORCED: Final = """{ resources(first: 100, freshness: {forceRefresh: true}) {
  nodes { resourceId status freshness { state reason ageSeconds } } coverage { complete }
} }"""
_RECORDED: Final = "{ resources(first: 100) { nodes { resourceId } } }"
_REFUSE: Final = (
    "CREATE TRIGGER refuse BEFORE UPDATE OF swept_at ON scopes BEGIN SELECT RAISE(ABORT, 'no space left'); END"
)
_LIMITED: Final = """
import resource
from supplygraph.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000))
main()
"""
_CONFIGURATION: Final = """[[accounts]]
name = "east"
vendor = "sandbox"
endpoint = "{endpoint}"
[accounts.credentials]
api_key = "env:EAST_KEY"
"""


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    """Yield a gateway that repeats a failed sweep at once."""
    async with run_gateway(tmp_path, freshness=FreshnessSettings(error_hold_seconds=0, force_gap_seconds=0)) as harness:
        yield harness


async def execute(up: GatewayHarness, statement: str) -> None:
    """Execute a statement on the gateway's database, as another program would."""
    file = up.gateway.database.file
    assert file is not None
    # In a thread: it may wait for a write of the gateway.
    await asyncio.to_thread(_execute, file, statement)


def _execute(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


async def test_readers_get_what_is_recorded(up: GatewayHarness) -> None:
    """The rows are stale with their true age, the log has one line without a traceback, and everything recovers."""
    headers = await up.token()
    before = (await up.graph(_FORCED, headers))["data"]["resources"]
    assert before["coverage"]["complete"]
    await execute(up, _REFUSE)
    up.clock.advance(100)
    with structlog.testing.capture_logs() as lines:
        answer = await up.graph(_FORCED, headers)
        resource_id = before["nodes"][0]["resourceId"]
        rest = await up.client.get(f"/resources/{resource_id}", headers=headers | {"Cache-Control": "no-cache"})

    assert "errors" not in answer
    nodes = answer["data"]["resources"]["nodes"]
    assert [node["resourceId"] for node in nodes] == [node["resourceId"] for node in before["nodes"]]
    freshness = {
        (each["state"], each["reason"], each["ageSeconds"] >= 100) for node in nodes for each in [node["freshness"]]
    }
    assert freshness == {("STALE", "GATEWAY_ERROR", True)}
    assert not answer["data"]["resources"]["coverage"]["complete"]
    assert (rest.status_code, rest.json()["resource_id"]) == (200, resource_id)
    refusals = [line for line in lines if line["event"] == "record_not_written"]
    assert {line["cause"] for line in refusals} == {"no space left"}
    assert not any(line.get("exc_info") for line in lines)


async def test_readiness_follows_the_writes(up: GatewayHarness) -> None:
    """`/readyz` fails and says why. When the database can be written again, it recovers without a reader."""
    headers = await up.token()
    await execute(up, _REFUSE)
    await up.graph(_FORCED, headers)
    refused = await up.client.get("/readyz")
    assert (refused.status_code, refused.json()) == (503, {"status": "the database cannot be written: no space left"})
    await execute(up, "DROP TRIGGER refuse")
    # Each request for the route sends the sweeps again whose results were refused.
    while (await up.client.get("/readyz")).status_code != HTTPStatus.OK:  # noqa: ASYNC110 - the route has no event
        await asyncio.sleep(0.01)
    fresh = (await up.graph(_RECORDED, headers))["data"]["resources"]["nodes"]
    assert fresh


def test_sync_fails_when_the_file_cannot_grow(tmp_path: Path) -> None:
    """`sync` in a process whose files are limited, as on a full disk: exit code 1, and the table says why."""
    cloud = SandboxServer(World.default(SystemClock(), 7, KEYS, lively=False))
    with SandboxThread(cloud):
        (tmp_path / "supplygraph.toml").write_text(_CONFIGURATION.format(endpoint=cloud.url), encoding="utf-8")
        completed = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", _LIMITED, "sync"],
            cwd=tmp_path,
            env={**os.environ, "EAST_KEY": KEYS["east"], "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert completed.returncode == 1, completed.stderr
    assert "complete" not in completed.stdout
    assert completed.stdout.count("GATEWAY_ERROR") == len(("machines", "volumes"))
    assert completed.stdout.count("The database cannot be written") == len(("machines", "volumes"))
    assert "Traceback" not in completed.stderr + completed.stdout
