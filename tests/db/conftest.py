"""Fixtures for tests that run on an SQLite file and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import make_engine
from db.record.store import Store
from tests.clock import ManualClock
from tests.databases import DatabaseBackend


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that the test controls."""
    return ManualClock()


@pytest.fixture(params=list(DatabaseBackend), ids=lambda backend: backend.value)
def backend(request: pytest.FixtureRequest) -> DatabaseBackend:
    """Return each database in turn."""
    param: DatabaseBackend = request.param
    return param


@pytest.fixture
async def url(backend: DatabaseBackend) -> AsyncIterator[str]:
    """Yield the URL of a database with the current schema."""
    async with backend.fresh() as fresh_url:
        yield fresh_url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """Yield an engine on that database."""
    engine = make_engine(url)
    yield engine
    await engine.dispose()


@pytest.fixture
def store(engine: AsyncEngine, clock: ManualClock) -> Store:
    """Return a store on that database."""
    return Store(engine, clock)
