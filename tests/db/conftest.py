"""A record on a real SQLite file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import make_engine
from db.migrations import migrate
from db.store import Store
from tests.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test moves."""
    return ManualClock()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An engine on a migrated file."""
    made = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'record.db'}")
    await migrate(made)
    yield made
    await made.dispose()


@pytest.fixture
def store(engine: AsyncEngine, clock: ManualClock) -> Store:
    """The store on that file."""
    return Store(engine, clock)
