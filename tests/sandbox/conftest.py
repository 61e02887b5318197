"""Fixtures: a simulated cloud whose clock the test moves, and a client of one of its tenants."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.http.server import SandboxServer
from sandbox.world import World
from tests.clock import ManualClock
from tests.sandbox.tenants import EAST_KEY, KEYS


@pytest.fixture
def clock() -> ManualClock:
    """A clock that only the test moves."""
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> World:
    """The default world, without spontaneous events."""
    return World.default(clock, 7, KEYS, lively=False)


@pytest.fixture
async def server(world: World) -> AsyncIterator[SandboxServer]:
    """A server of the world."""
    async with SandboxServer(world) as running:
        yield running


@pytest.fixture
async def east(server: SandboxServer) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client with the key of the first tenant."""
    headers = {"authorization": f"Bearer {EAST_KEY}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False, timeout=10) as client:
        yield client
