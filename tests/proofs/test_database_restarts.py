"""A PostgreSQL that is stopped and started again under a gateway: the answers meanwhile, and after it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from io import StringIO

import httpx
import pytest
from pydantic import SecretStr

from sandbox.faults import FaultKind
from sandbox.http.server import SandboxServer
from sandbox.operations import ApiOperation
from sandbox.world import World
from supplygraph.config.settings import DatabaseSettings, FreshnessSettings, Settings
from supplygraph.observability import logs
from tests.clock import ManualClock
from tests.doubles.postgresql import PASSWORD, PostgresServer, new_server, thrown_away
from tests.proofs.support.gateway_server import (
    PATIENCE_SECONDS,
    PATIENT_FRESHNESS,
    ServedGateway,
    sandbox_account,
    serve_settings,
)
from tests.proofs.support.stoppable_loop import wait_until

_READY_CHECKS = 200
LIVE = "{ resources(first: 5) { totalCount nodes { name status freshness { state } } } }"


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """Run a separate server, which the test may stop."""
    separate = new_server()
    yield separate
    thrown_away(separate)


async def test_a_restart_of_the_database_is_survived(server: PostgresServer) -> None:
    """While it is down, answers are 503 and INTERNAL without details, also for a flight under way; then they are back."""
    clock, log = ManualClock(), StringIO()
    logs.configure(log)
    world = World.default(clock, 7, {"east": "key-of-east"}, lively=False)
    url = server.url(await server.empty())
    async with SandboxServer(world) as cloud, serve_settings(make_settings(url, cloud.url), clock) as up:
        await up.sweep_all()
        assert 200 == (await up.client.get("/readyz")).status_code
        before = (await up.data(LIVE))["resources"]["totalCount"]
        clock.advance(60)
        held = cloud.faults.switch_on(FaultKind.HOLD, tenant="east", operation=ApiOperation.LIST_MACHINES)
        reader = asyncio.create_task(up.client.post("/graphql", json={"query": LIVE}))
        await wait_until(lambda: cloud.journal.sweeps("east", ApiOperation.LIST_MACHINES) > 1)

        await asyncio.to_thread(server.stop)
        cloud.faults.switch_off(held.fault_id)
        answers = [await reader, await up.client.post("/graphql", json={"query": LIVE})]
        for answer in answers:
            assert_unavailable(answer)
        rest = await up.client.get("/resources/00000000-0000-4000-8000-000000000000")
        ready = await up.client.get("/readyz")
        assert [503, 503] == [rest.status_code, ready.status_code]
        assert 200 == (await up.client.get("/healthz")).status_code
        texts = "".join(answer.text for answer in (*answers, rest, ready)) + log.getvalue()

        await asyncio.to_thread(server.start)
        await become_ready(up)
        clock.advance(60)
        after = (await up.data(LIVE))["resources"]
        assert before == after["totalCount"]
        assert {"FRESH"} == {node["freshness"]["state"] for node in after["nodes"]}
    assert "database_unavailable" in texts
    for secret in (PASSWORD, "asyncpg://", "Traceback", "SELECT"):
        assert secret not in texts


def make_settings(url: str, endpoint: str) -> Settings:
    """Return settings with this database and one account at this address."""
    return Settings(
        database=DatabaseSettings(url=SecretStr(url), pool_wait_seconds=PATIENCE_SECONDS),
        # Otherwise the cloud would not be called for some real seconds after its answer could not be written.
        freshness=FreshnessSettings(error_hold_seconds=0, **PATIENT_FRESHNESS),
    ).model_copy(update={"accounts": (sandbox_account("east", endpoint, "key-of-east"),)})


def assert_unavailable(answer: httpx.Response) -> None:
    """Check that a GraphQL request was answered by 503 and one error without details."""
    (error,) = answer.json()["errors"]
    assert (503, "INTERNAL") == (answer.status_code, error["extensions"]["code"])
    assert {"code", "correlationId"} == error["extensions"].keys()


async def become_ready(up: ServedGateway) -> None:
    """Ask until the gateway is ready: a busy machine may need more time to connect than one check gives it."""
    for _ in range(_READY_CHECKS):
        if 200 == (await up.client.get("/readyz")).status_code:
            return
    raise AssertionError("the gateway does not become ready")
