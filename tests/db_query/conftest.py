"""Everything here is read from both databases in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.db_query.rows import turn
from tests.kept import Kept


@pytest.fixture(scope="session", params=list(Kept), ids=lambda kept: kept.value, autouse=True)
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    """The database that worlds are recorded in."""
    turn.kept = request.param
    yield turn.kept
    turn.kept = Kept.SQLITE
