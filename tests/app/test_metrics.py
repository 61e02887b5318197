"""`/metrics`: requests, vendor calls, flights, ages, stage times and caches."""

from __future__ import annotations

import re
from typing import Final

import pytest

from domain.enums import Permission
from tests.app.harness import GatewayHarness

QUERY: Final = "{ resources(first: 2) { nodes { name status freshness { state } } coverage { complete } } }"
INTROSPECTION: Final = "{ __schema { queryType { name } } }"
STAGES: Final = ("operation", "authorize", "read", "respond", "execute")
PLANNED: Final = {"operation": 1, "authorize": 1, "read": 1, "respond": 1, "execute": 0}


@pytest.fixture
async def admin(up: GatewayHarness) -> dict[str, str]:
    """Return the header of a token that may read the metrics."""
    return await up.token(Permission.ADMIN)


async def read_samples(up: GatewayHarness, admin: dict[str, str]) -> dict[str, float]:
    """Return the value of each sample, by its name and labels."""
    lines = (await up.client.get("/metrics", headers=admin)).text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {sample: float(value) for sample, _, value in pairs}


def stage_counts(samples: dict[str, float]) -> dict[str, float]:
    """Return how many requests ended each stage."""
    return {stage: samples.get(f'supplygraph_stage_seconds_count{{stage="{stage}"}}', 0) for stage in STAGES}


async def test_metrics_are_for_admins(up: GatewayHarness, admin: dict[str, str]) -> None:
    """Other tokens get 403, and requests without a token 401."""
    assert (await up.client.get("/metrics")).status_code == 401
    assert (await up.client.get("/metrics", headers=await up.token())).status_code == 403
    assert (await up.client.get("/metrics", headers=admin)).status_code == 200


async def test_requests_calls_flights_and_ages_are_counted(up: GatewayHarness, admin: dict[str, str]) -> None:
    """Each is counted by its labels. Refused requests count as requests."""
    reader = await up.token()
    await up.graph(QUERY, reader)
    await up.client.get("/metrics", headers=reader)
    samples = await read_samples(up, admin)

    assert samples['supplygraph_requests_total{method="POST",route="/graphql",status="200"}'] == 1
    assert samples['supplygraph_requests_total{method="GET",route="/metrics",status="403"}'] == 1
    assert samples['supplygraph_vendor_calls_total{account="east",operation="list_machines",outcome="ok"}'] >= 1
    assert samples['supplygraph_flight_seconds_count{account="east",outcome="COMPLETE",what="sweep"}'] >= 1
    assert samples["supplygraph_served_age_seconds_count"] == 1


async def test_every_stage_of_a_request_is_timed(up: GatewayHarness, admin: dict[str, str]) -> None:
    """A request with a plan ends every stage once, whether the plan is new or cached."""
    reader = await up.token()
    for count in (1, 2, 3):
        await up.graph(QUERY, reader)
        samples = await read_samples(up, admin)
        assert stage_counts(samples) == {stage: count * ends for stage, ends in PLANNED.items()}
    sums = {stage: samples[f'supplygraph_stage_seconds_sum{{stage="{stage}"}}'] for stage in STAGES}
    assert {stage for stage, seconds in sums.items() if seconds > 0} == {*PLANNED} - {"execute"}


async def test_a_request_ends_no_stage_after_the_one_that_refuses_it(up: GatewayHarness, admin: dict[str, str]) -> None:
    """An invalid operation ends none. One that is forbidden ends the first, and is not read."""
    reader = await up.token(Permission.READ)
    assert "errors" in await up.graph("{ nope }", reader)
    assert stage_counts(await read_samples(up, admin)) == dict.fromkeys(STAGES, 0)
    assert "errors" in await up.graph("{ resources(freshness: {forceRefresh: true}) { totalCount } }", reader)
    assert stage_counts(await read_samples(up, admin)) == {**dict.fromkeys(STAGES, 0), "operation": 1}


async def test_strawberry_s_execution_is_a_stage(up: GatewayHarness, admin: dict[str, str]) -> None:
    """It takes the place of reading and responding, whether the answer is new or cached."""
    reader = await up.token()
    for count in (1, 2):
        assert "errors" not in await up.graph(INTROSPECTION, reader)
        counts = stage_counts(await read_samples(up, admin))
        assert counts == {"operation": count, "authorize": count, "read": 0, "respond": 0, "execute": count}


async def test_fill_ratio_of_every_cache_is_reported(up: GatewayHarness, admin: dict[str, str]) -> None:
    """Every cache is reported by name, and none is over its limit. A result is stored when it is read again."""
    reader = await up.token()
    for _ in range(2):
        await up.graph(QUERY, reader)
    text = (await up.client.get("/metrics", headers=admin)).text
    fills = dict(re.findall(r'^supplygraph_cache_fill\{cache="(\w+)"\} (\S+)$', text, re.MULTILINE))
    assert set(fills) == {"operations", "compile_queue", "results", "account_states"}
    assert all(0 < float(fills[name]) <= 1 for name in ("operations", "results", "account_states"))
    assert float(fills["compile_queue"]) == 0
