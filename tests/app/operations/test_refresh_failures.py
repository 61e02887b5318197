"""A database that fails after the refresh: the request is answered once, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from db.connections import SqliteReader
from domain.errors import DatabaseUnavailable
from reconcile.engine import Reconciler
from reconcile.requests import RefreshRequest, RefreshResult
from tests.app.harness import GatewayHarness

_QUERY = "{ resources(freshness: {forceRefresh: true}) { nodes { resourceId status } } accounts { name } }"
_MEDIA = ["application/json", "application/graphql-response+json"]


class BrokenDatabase:
    """A database that answers until the refresh has ended, and never afterwards."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refreshes = 0
        self.failed_reads = 0
        self._is_down = False
        refresh, row = Reconciler.refresh, SqliteReader.row

        async def refresh_then_break(
            reconciler: Reconciler, requests: Sequence[RefreshRequest], arrived_at: float
        ) -> RefreshResult:
            self.refreshes += 1
            result = await refresh(reconciler, requests, arrived_at)
            self._is_down = True
            return result

        async def read_or_fail(reader: SqliteReader, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
            if self._is_down:
                self.failed_reads += 1
                raise DatabaseUnavailable("no connection became free in time")
            return await row(reader, sql, parameters)

        monkeypatch.setattr(Reconciler, "refresh", refresh_then_break)
        monkeypatch.setattr(SqliteReader, "row", read_or_fail)

    def repair(self) -> None:
        """Let it answer again."""
        self._is_down = False


@pytest.fixture
async def headers(up: GatewayHarness) -> dict[str, str]:
    """Return the header of a token, after the first sweeps."""
    headers = await up.token()
    await up.graph(_QUERY, headers)
    up.clock.advance(60)
    return headers


@pytest.fixture
def database(headers: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> BrokenDatabase:
    """Break the database after the next refresh."""
    return BrokenDatabase(monkeypatch)


def _check_response(response: httpx.Response, database: BrokenDatabase) -> None:
    assert response.status_code == 503
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["correlationId"] == response.headers["X-Request-ID"]
    # One refresh, and one wait for a connection after it.
    assert (database.refreshes, database.failed_reads) == (1, 1)


@pytest.mark.parametrize("accept", _MEDIA)
async def test_a_failed_second_read_is_answered_once(
    up: GatewayHarness, headers: dict[str, str], database: BrokenDatabase, accept: str
) -> None:
    """The answer is 503 with the code INTERNAL. The clouds were called once, and the database was not tried again."""
    calls = up.cloud.journal.sweeps()
    with capture_logs() as lines:
        response = await up.post(_QUERY, {**headers, "Accept": accept})
    _check_response(response, database)
    assert up.cloud.journal.sweeps() == calls + 4
    errors = [line["event"] for line in lines if line["log_level"] == "error"]
    assert errors == ["database_unavailable"]
    database.repair()
    assert "errors" not in await up.graph(_QUERY, headers)


@pytest.mark.parametrize("accept", _MEDIA)
async def test_strawberry_answers_the_same(
    up: GatewayHarness, headers: dict[str, str], database: BrokenDatabase, accept: str
) -> None:
    """Two root fields wait for the read that fails; the request fails as a whole, as it does with a plan."""
    async with up.with_plans_off() as client:
        response = await client.post("/graphql", json={"query": _QUERY}, headers={**headers, "Accept": accept})
    _check_response(response, database)


async def test_rest_answers_503_once(
    up: GatewayHarness, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The body has `detail` alone; the cause is for the log."""
    resource_id = await up.resource_id("trainer-1", headers)
    up.clock.advance(60)
    database = BrokenDatabase(monkeypatch)
    with capture_logs() as lines:
        response = await up.client.get(f"/resources/{resource_id}?force_refresh=true", headers=headers)
    assert (response.status_code, set(response.json())) == (503, {"detail"})
    assert (database.refreshes, database.failed_reads) == (1, 1)
    assert [line["cause"] for line in lines if line["log_level"] == "error"] == ["no connection became free in time"]
