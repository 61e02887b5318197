"""Everything here is read from both databases in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import DatabaseBackend
from tests.db_query.rows import turn


@pytest.fixture(scope="session", params=list(DatabaseBackend), ids=lambda kept: kept.value, autouse=True)
def kept(request: pytest.FixtureRequest) -> Iterator[DatabaseBackend]:
    """The database that worlds are recorded in."""
    turn.kept = request.param
    yield turn.kept
    turn.kept = DatabaseBackend.SQLITE
