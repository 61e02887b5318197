"""The application around the routes: what is open, what is counted, who may call from where, what a fault shows."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from domain.enums import Permission
from sandbox.faults import FaultKind
from supplygraph.http.middleware import route_of
from tests.app.harness import ORIGIN, GatewayHarness, run_gateway

QUERY = "{ resources(first: 2) { nodes { name status freshness { state } } coverage { complete } } }"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/docs"])
async def test_some_doors_are_open(up: GatewayHarness, path: str) -> None:
    """Whoever watches or documents the gateway needs no token."""
    assert 200 == (await up.client.get(path)).status_code


async def test_graphiql_is_open_to_a_browser(up: GatewayHarness) -> None:
    """The page needs no token; the graph behind it does."""
    page = await up.client.get("/graphql", headers={"Accept": "text/html"})
    asked = await up.client.post("/graphql", json={"query": "{ __typename }"})

    assert (200, 401) == (page.status_code, asked.status_code)


async def test_the_graph_answers_with_live_machines(up: GatewayHarness) -> None:
    """The first question after the start is answered by the cloud."""
    told = await up.graph(QUERY, await up.token())

    assert ["FRESH", "FRESH"] == [node["freshness"]["state"] for node in told["data"]["resources"]["nodes"]]
    assert told["data"]["resources"]["coverage"]["complete"]
    assert 0 == told["extensions"]["freshness"]["stale"]


async def test_metrics_are_for_admins_and_count_what_happened(up: GatewayHarness) -> None:
    """Requests, vendor calls, flights and ages served; without the permission nothing."""
    reader, admin = await up.token(), await up.token(Permission.ADMIN)
    await up.graph(QUERY, reader)

    refused = await up.client.get("/metrics", headers=reader)
    told = (await up.client.get("/metrics", headers=admin)).text

    assert 403 == refused.status_code
    assert 401 == (await up.client.get("/metrics")).status_code
    assert 'supplygraph_requests_total{method="POST",route="/graphql",status="200"} 1.0' in told
    assert 'supplygraph_vendor_calls_total{account="east",operation="list_machines",outcome="ok"}' in told
    assert 'supplygraph_flight_seconds_count{account="east",outcome="COMPLETE",what="sweep"}' in told
    assert "supplygraph_served_age_seconds_count 1.0" in told
    assert 'route="/metrics",status="403"' in told


async def test_readiness_is_the_databases_alone(tmp_path: Path) -> None:
    """No vendor answers, and the gateway is ready; the record is gone, and it is not."""
    async with run_gateway(tmp_path) as up:
        await up.graph(QUERY, await up.token())
        await up.cloud.refuse()
        without_vendors = await up.client.get("/readyz")
        # What still writes would keep its connection, and the file with it.
        await up.gateway.reconciler.close()
        await up.gateway.database.close()
        (tmp_path / "record.db").unlink()
        without_record = await up.client.get("/readyz")

        assert (200, 503, 200) == (
            without_vendors.status_code,
            without_record.status_code,
            (await up.client.get("/healthz")).status_code,
        )


@pytest.mark.parametrize(
    ("path", "shared"), [("/graphql", True), ("/resources/x", True), ("/metrics", False), ("/healthz", False)]
)
async def test_other_origins_may_call_the_graph_and_the_resources(up: GatewayHarness, path: str, shared: bool) -> None:
    """The configured origin may, without cookies; other origins may not, and nothing else is shared."""
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}

    allowed = await up.client.options(path, headers={**ask, "Origin": ORIGIN})
    stranger = await up.client.options(path, headers={**ask, "Origin": "https://stranger.example"})

    assert (ORIGIN if shared else None) == allowed.headers.get("Access-Control-Allow-Origin")
    assert "Access-Control-Allow-Origin" not in stranger.headers
    assert "Access-Control-Allow-Credentials" not in allowed.headers


async def test_every_answer_has_a_correlation_id(up: GatewayHarness) -> None:
    """A caller's own is kept where it is plain; anything else is replaced."""
    kept = await up.client.get("/healthz", headers={"X-Request-ID": "job-17"})
    made = await up.client.get("/healthz", headers={"X-Request-ID": "job 17\tand more"})

    assert "job-17" == kept.headers["X-Request-ID"]
    assert 32 == len(made.headers["X-Request-ID"])
    assert {"nosniff"} == {answer.headers["X-Content-Type-Options"] for answer in (kept, made)}


async def test_a_request_is_one_line_without_secrets(up: GatewayHarness) -> None:
    """The line has route, method, status and seconds, and neither token nor query string."""
    headers = await up.token()

    with capture_logs() as lines:
        await up.client.get("/resources/nonsense?force_refresh=true&key=s3cret", headers=headers)

    (line,) = [line for line in lines if line["event"] == "request"]
    assert ("/resources/{resource_id}", "GET", 422) == (line["route"], line["method"], line["status"])
    assert "s3cret" not in str(line)
    assert headers["Authorization"].removeprefix("Bearer ") not in str(lines)


async def test_a_fault_of_ours_is_masked(up: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader gets a correlation id, and nothing of what went wrong."""
    headers = await up.token()

    async def broken(*_arguments: object) -> None:
        raise RuntimeError("s3cret")

    monkeypatch.setattr(type(up.gateway.reader), "run", broken)
    rest = await up.client.get(
        "/resources/00000000-0000-0000-0000-000000000000", headers={**headers, "X-Request-ID": "job-19"}
    )
    graph = await up.client.post("/graphql", json={"query": QUERY}, headers={**headers, "X-Request-ID": "job-20"})

    assert (500, "job-19") == (rest.status_code, rest.json()["correlationId"])
    assert (500, "job-20") == (graph.status_code, graph.json()["errors"][0]["extensions"]["correlationId"])
    assert "s3cret" not in rest.text + graph.text


async def test_two_vendors_fare_apart(up: GatewayHarness) -> None:
    """One account refuses, the other is answered fresh in the same response."""
    headers = await up.token()
    await up.graph(QUERY, headers)
    up.cloud.faults.switch_on(FaultKind.UNAUTHORIZED, tenant="east")
    up.clock.advance(100)

    told = await up.graph(
        "{ resources(first: 100) { nodes { account { name } status freshness { state reason } } } }", headers
    )

    states = {
        (node["account"]["name"], node["freshness"]["state"], node["freshness"]["reason"])
        for node in told["data"]["resources"]["nodes"]
    }
    assert {("east", "STALE", "AUTH_REJECTED"), ("west", "FRESH", None)} == states
    assert {"east"} == {gap["account"] for gap in told["extensions"]["freshness"]["gaps"]}


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/graphql", "/graphql"),
        ("/resources/{resource_id}", "/resources/1/2"),
        ("/assets/{name}", "/assets/a.js"),
        ("other", "/x"),
    ],
)
def test_routes_are_counted_by_their_template(template: str, path: str) -> None:
    """However many paths are asked for, few are counted."""
    assert template == route_of(path)


async def test_the_record_outlives_the_gateway(tmp_path: Path) -> None:
    """A second gateway on the same record goes on with the same resources and tokens."""
    async with run_gateway(tmp_path) as first:
        headers = await first.token()
        before = await first.graph("{ resources(first: 100) { nodes { resourceId createdAt } } }", headers)
        await first.graph(QUERY, headers)
        before = await first.graph("{ resources(first: 100) { nodes { resourceId createdAt } } }", headers)
    async with run_gateway(tmp_path) as second:
        after = await second.graph("{ resources(first: 100) { nodes { resourceId createdAt } } }", headers)

    assert 18 == len(before["data"]["resources"]["nodes"])
    assert json.dumps(before["data"]) == json.dumps(after["data"])


async def test_many_readers_at_once_are_answered(up: GatewayHarness) -> None:
    """Readers that come together share what is asked of the clouds."""
    headers = await up.token()
    await up.graph(QUERY, headers)
    up.clock.advance(60)
    up.cloud.journal.forget()

    told = await asyncio.gather(*(up.graph(QUERY, headers) for _ in range(20)))

    assert {1} == {len({json.dumps(one["data"]) for one in told})}
    assert 4 == up.cloud.journal.sweeps()
