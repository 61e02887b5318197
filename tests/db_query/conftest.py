"""Every test of this folder runs on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import DatabaseBackend
from tests.db_query.support.rows import selection


@pytest.fixture(
    scope="session", params=list(DatabaseBackend), ids=lambda parameter: parameter.value, autouse=True, name="backend"
)
def _backend(request: pytest.FixtureRequest) -> Iterator[DatabaseBackend]:
    """Select the backend in which the tests create their databases."""
    selection.backend = request.param
    yield selection.backend
    selection.backend = DatabaseBackend.SQLITE
