"""A record on a real database: SQLite's file and PostgreSQL in turn."""

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
    """A clock that the test moves."""
    return ManualClock()


@pytest.fixture(params=list(DatabaseBackend), ids=lambda kept: kept.value)
def kept(request: pytest.FixtureRequest) -> DatabaseBackend:
    """The database, one after the other."""
    told: DatabaseBackend = request.param
    return told


@pytest.fixture
async def url(kept: DatabaseBackend) -> AsyncIterator[str]:
    """The URL of a migrated record."""
    async with kept.fresh() as made:
        yield made


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on it."""
    made = make_engine(url)
    yield made
    await made.dispose()


@pytest.fixture
def store(engine: AsyncEngine, clock: ManualClock) -> Store:
    """The store on that record."""
    return Store(engine, clock)
