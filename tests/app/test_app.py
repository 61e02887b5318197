"""The application around its routes: open routes, cross-origin requests, correlation ids, logs and masked errors."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from resolvers.reader import Reader
from sandbox.faults import FaultKind
from supplygraph.http.middleware import route_of
from supplygraph.observability import logs
from tests.app.harness import ORIGIN, GatewayHarness, run_gateway

QUERY = "{ resources(first: 2) { nodes { name status freshness { state } } coverage { complete } } }"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/docs", "/schema.graphql"])
async def test_some_routes_need_no_token(up: GatewayHarness, path: str) -> None:
    """Probes and documentation are public."""
    assert 200 == (await up.client.get(path)).status_code


async def test_graphiql_is_open_to_a_browser(up: GatewayHarness) -> None:
    """The page needs no token; the operations that it sends do."""
    page = await up.client.get("/graphql", headers={"Accept": "text/html"})
    operation = await up.client.post("/graphql", json={"query": "{ __typename }"})

    assert (200, 401) == (page.status_code, operation.status_code)


async def test_the_first_query_is_answered_by_the_clouds(up: GatewayHarness) -> None:
    """It waits for the first sweeps."""
    body = await up.graph(QUERY, await up.token())

    assert ["FRESH", "FRESH"] == [node["freshness"]["state"] for node in body["data"]["resources"]["nodes"]]
    assert body["data"]["resources"]["coverage"]["complete"]
    assert 0 == body["extensions"]["freshness"]["stale"]


async def test_readiness_depends_on_the_database_alone(tmp_path: Path) -> None:
    """The gateway is ready although no vendor responds, and not ready without its database."""
    async with run_gateway(tmp_path) as up:
        await up.graph(QUERY, await up.token())
        await up.cloud.refuse()
        without_vendors = await up.client.get("/readyz")
        # A flight that still writes would hold a connection, and with it the file.
        await up.gateway.reconciler.close()
        await up.gateway.database.close()
        (tmp_path / "record.db").unlink()
        without_database = await up.client.get("/readyz")

        assert (200, 503, 200) == (
            without_vendors.status_code,
            without_database.status_code,
            (await up.client.get("/healthz")).status_code,
        )


@pytest.mark.parametrize(
    ("path", "shared"), [("/graphql", True), ("/resources/x", True), ("/metrics", False), ("/healthz", False)]
)
async def test_configured_origins_may_call_the_graph_and_the_resources(
    up: GatewayHarness, path: str, shared: bool
) -> None:
    """They may do so without cookies. Other origins may not, and other routes are not shared."""
    preflight = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }

    allowed = await up.client.options(path, headers={**preflight, "Origin": ORIGIN})
    stranger = await up.client.options(path, headers={**preflight, "Origin": "https://stranger.example"})

    assert (ORIGIN if shared else None) == allowed.headers.get("Access-Control-Allow-Origin")
    assert "Access-Control-Allow-Origin" not in stranger.headers
    assert "Access-Control-Allow-Credentials" not in allowed.headers


async def test_every_response_has_a_correlation_id(up: GatewayHarness) -> None:
    """The id that the client sent is used if it is valid, and replaced otherwise."""
    valid = await up.client.get("/healthz", headers={"X-Request-ID": "job-17"})
    invalid = await up.client.get("/healthz", headers={"X-Request-ID": "job 17\tand more"})

    assert "job-17" == valid.headers["X-Request-ID"]
    assert 32 == len(invalid.headers["X-Request-ID"])
    assert {"nosniff"} == {response.headers["X-Content-Type-Options"] for response in (valid, invalid)}


async def test_a_request_is_one_log_line_without_secrets(up: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line has route, method, status and seconds, and neither token nor query string."""
    headers = await up.token()
    # A test that configured the logs of this process before would have the lines written to a stream.
    monkeypatch.setattr(logs, "_lines", None)

    with capture_logs() as lines:
        await up.client.get("/resources/nonsense?force_refresh=true&key=s3cret", headers=headers)

    (line,) = [line for line in lines if line["event"] == "request"]
    assert ("/resources/{resource_id}", "GET", 422) == (line["route"], line["method"], line["status"])
    assert "s3cret" not in str(line)
    assert headers["Authorization"].removeprefix("Bearer ") not in str(lines)


async def test_an_internal_error_is_masked(up: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client gets a correlation id, and nothing of the exception."""
    headers = await up.token()

    async def broken(*_arguments: object) -> None:
        raise RuntimeError("s3cret")

    monkeypatch.setattr(Reader, "read", broken)
    rest = await up.client.get(
        "/resources/00000000-0000-0000-0000-000000000000", headers={**headers, "X-Request-ID": "job-19"}
    )
    graph = await up.client.post("/graphql", json={"query": QUERY}, headers={**headers, "X-Request-ID": "job-20"})

    assert (500, "job-19") == (rest.status_code, rest.json()["correlationId"])
    assert (500, "job-20") == (graph.status_code, graph.json()["errors"][0]["extensions"]["correlationId"])
    assert "s3cret" not in rest.text + graph.text


async def test_a_failing_account_does_not_affect_another(up: GatewayHarness) -> None:
    """Values of one account are stale with a reason, and those of the other are fresh in the same response."""
    headers = await up.token()
    await up.graph(QUERY, headers)
    up.cloud.faults.switch_on(FaultKind.UNAUTHORIZED, tenant="east")
    up.clock.advance(100)

    body = await up.graph(
        "{ resources(first: 100) { nodes { account { name } status freshness { state reason } } } }", headers
    )

    states = {
        (node["account"]["name"], node["freshness"]["state"], node["freshness"]["reason"])
        for node in body["data"]["resources"]["nodes"]
    }
    assert {("east", "STALE", "AUTH_REJECTED"), ("west", "FRESH", None)} == states
    assert {"east"} == {gap["account"] for gap in body["extensions"]["freshness"]["gaps"]}


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
    """There are few templates, however many paths are requested."""
    assert template == route_of(path)


async def test_the_database_outlives_the_gateway(tmp_path: Path) -> None:
    """A second gateway on the same database has the same resources and tokens."""
    async with run_gateway(tmp_path) as first:
        headers = await first.token()
        before = await first.graph("{ resources(first: 100) { nodes { resourceId createdAt } } }", headers)
        await first.graph(QUERY, headers)
        before = await first.graph("{ resources(first: 100) { nodes { resourceId createdAt } } }", headers)
    async with run_gateway(tmp_path) as second:
        after = await second.graph("{ resources(first: 100) { nodes { resourceId createdAt } } }", headers)

    assert 18 == len(before["data"]["resources"]["nodes"])
    assert json.dumps(before["data"]) == json.dumps(after["data"])


async def test_concurrent_readers_share_the_sweeps(up: GatewayHarness) -> None:
    """Readers that come together cause one sweep of each scope."""
    headers = await up.token()
    await up.graph(QUERY, headers)
    up.clock.advance(60)
    up.cloud.journal.forget()

    bodies = await asyncio.gather(*(up.graph(QUERY, headers) for _ in range(20)))

    assert 1 == len({json.dumps(body["data"]) for body in bodies})
    assert 4 == up.cloud.journal.sweeps()
