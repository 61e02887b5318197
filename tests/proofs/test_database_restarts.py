"""A PostgreSQL that is stopped and started again under a gateway: what is told meanwhile, and that all goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from io import StringIO

import pytest
from pydantic import SecretStr

from sandbox.faults import FaultKind
from sandbox.http.server import SandboxServer
from sandbox.operations import Operation
from sandbox.world import World
from supplygraph.config.settings import DatabaseSettings, FreshnessSettings, Settings
from supplygraph.observability import logs
from tests.clock import ManualClock
from tests.doubles.postgresql import PASSWORD, PostgresServer, new_server, thrown_away
from tests.proofs.served import account, answering

LIVE = "{ resources(first: 5) { totalCount nodes { name status freshness { state } } } }"


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of its own."""
    made = new_server()
    yield made
    thrown_away(made)


async def test_a_restart_of_the_database_is_survived(server: PostgresServer) -> None:
    """503 and INTERNAL without a word of ours while it is away, a flight that was under way included; then answers again."""
    clock, said = ManualClock(), StringIO()
    logs.configure(said)
    world = World.default(clock, 7, {"east": "key-of-east"}, lively=False)
    async with SandboxServer(world) as cloud:
        settings = Settings(
            database=DatabaseSettings(url=SecretStr(server.url(await server.empty()))),
            # Else the cloud would be left alone for some real seconds, since what it told could not be kept.
            freshness=FreshnessSettings(error_hold_seconds=0),
        ).model_copy(update={"accounts": (account("east", cloud.url, "key-of-east"),)})
        async with answering(settings, clock) as up:
            await up.swept()
            assert 200 == (await up.client.get("/readyz")).status_code
            before = (await up.data(LIVE))["resources"]["totalCount"]
            clock.advance(60)
            held = cloud.faults.switch_on(FaultKind.HOLD, tenant="east", operation=Operation.LIST_MACHINES)
            reader = asyncio.create_task(up.client.post("/graphql", json={"query": LIVE}))
            await cloud.journal.until(lambda journal: journal.sweeps("east", Operation.LIST_MACHINES) > 1)

            await asyncio.to_thread(server.stop)
            cloud.faults.switch_off(held.fault_id)
            answers = [await reader, await up.client.post("/graphql", json={"query": LIVE})]
            assert [503, 503] == [answer.status_code for answer in answers]
            for answer in answers:
                (error,) = answer.json()["errors"]
                assert {"code", "correlationId"} == error["extensions"].keys()
                assert "INTERNAL" == error["extensions"]["code"]
            rest = await up.client.get("/resources/00000000-0000-4000-8000-000000000000")
            ready = await up.client.get("/readyz")
            assert [503, 503] == [rest.status_code, ready.status_code]
            assert 200 == (await up.client.get("/healthz")).status_code
            told = "".join(answer.text for answer in (*answers, rest, ready)) + said.getvalue()

            await asyncio.to_thread(server.start)
            assert 200 == (await up.client.get("/readyz")).status_code
            clock.advance(60)
            after = (await up.data(LIVE))["resources"]
            assert before == after["totalCount"]
            assert {"FRESH"} == {node["freshness"]["state"] for node in after["nodes"]}
    assert "database_unavailable" in told
    for secret in (PASSWORD, "asyncpg://", "Traceback", "SELECT"):
        assert secret not in told
