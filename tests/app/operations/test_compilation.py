"""New operations are compiled on the compile worker: clients of known operations do not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import httpx
import pytest

from db.query.sql.statement import StatementCompiler
from domain.enums import Permission
from domain.viewer import Viewer
from resolvers.operation import document
from resolvers.operation.compile_worker import LONGEST_WAIT_SECONDS, CompileWorker
from resolvers.operation.compiler import CompiledRequest, GraphQLRequest, OperationCompiler
from schema.build import Graph
from tests.app.harness import GatewayHarness
from tests.app.operations.calls import LONGEST_SECONDS, CallGate, hold_calls, record_jobs

_PLANNED: Final = "{ resources { nodes { name } } }"
_NEW: Final = "{ resources { nodes { status } } }"
_SCHEMA: Final = "{ __schema { types { name } } }"
_FILTERED: Final = "query ($f: ResourceFilter, $n: Int) { resources(filter: $f, first: $n) { nodes { name } } }"
_VENDORS: Final = "query ($v: [String!]) { resources(filter: {vendor: $v}) { nodes { name } } }"


async def _soon(
    up: GatewayHarness, query: str, headers: Mapping[str, str], variables: Mapping[str, Any] | None = None
) -> httpx.Response:
    """Send an operation that must not wait for the held job."""
    return await asyncio.wait_for(up.post(query, headers, variables), LONGEST_SECONDS)


async def test_a_planned_operation_is_answered_while_a_new_one_is_validated(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop is free for it, whatever headers the client sends."""
    headers = await up.token()
    expected = [await up.graph(_PLANNED, headers) for _ in range(2)][-1]
    with hold_calls(monkeypatch, document, "validate") as gate:
        new = asyncio.create_task(up.graph(_NEW, headers))
        await gate.entered()
        for more in ({}, {"Cookie": "theme=dark", "Sec-Fetch-Mode": "cors"}):
            response = await _soon(up, _PLANNED, {**headers, **more})
            assert response.json()["data"] == expected["data"]
        assert not new.done()
        gate.open.set()
        assert "errors" not in await new


async def test_a_new_statement_of_a_known_operation_is_compiled_on_the_worker(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that holds another kind of filter needs one. Values of the first kind are answered meanwhile."""
    headers = await up.token()
    vendor, name = {"f": {"vendor": ["sandbox"]}}, {"f": {"nameContains": "a"}}
    for _ in range(2):
        await up.post(_FILTERED, headers, vendor)
    with hold_calls(monkeypatch, StatementCompiler, "compile") as gate:
        new = asyncio.create_task(up.post(_FILTERED, headers, name))
        await gate.entered()
        assert (await _soon(up, _FILTERED, headers, vendor)).status_code == 200
        assert not new.done()
        gate.open.set()
        assert "errors" not in (await new).json()


async def test_known_argument_shapes_do_not_wait_for_a_new_one(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another token, another value and an invalid value of the same operation need no statement."""
    headers, reader = await up.token(), await up.token(Permission.READ)
    # The page size belongs to the shape, because limits depend on it.
    for size in (5, 7):
        await up.post(_FILTERED, headers, {"f": {"vendor": ["sandbox"]}, "n": size})
    with hold_calls(monkeypatch, StatementCompiler, "compile") as gate:
        new = asyncio.create_task(up.post(_FILTERED, headers, {"f": {"nameContains": "a"}, "n": 5}))
        await gate.entered()
        for token, values, is_valid in (
            (reader, {"f": {"vendor": ["sandbox"]}, "n": 5}, True),
            (headers, {"f": {"vendor": ["aws"]}, "n": 7}, True),
            (headers, {"f": {"vendor": ["aws"]}, "n": "x"}, False),
        ):
            response = await _soon(up, _FILTERED, token, values)
            assert ("errors" not in response.json()) == is_valid
        assert not new.done()
        gate.open.set()
        await new


async def test_known_operations_are_answered_while_a_new_one_is_validated(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plans, operations without data, cached introspection, cached errors and invalid values need no worker."""
    headers, reader = await up.token(), await up.token(Permission.READ)
    requests: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        (_VENDORS, {"v": ["aws"]}, headers),
        (_VENDORS, {"v": ["sandbox", "aws"]}, reader),
        (_VENDORS, {"v": 7, "w": 1}, headers),
        (_VENDORS, {"v": {}}, headers),
        ("{ __typename }", {}, headers),
        ("{ nope }", {}, headers),
        (_SCHEMA, {}, headers),
    ]
    await up.post(_VENDORS, headers, {"v": ["sandbox"]})
    for query in ("{ __typename }", "{ nope }", _SCHEMA):
        await up.graph(query, headers)
    with hold_calls(monkeypatch, document, "validate") as gate:
        new = asyncio.create_task(up.graph(_NEW, headers))
        await gate.entered()
        for query, variables, token in requests:
            assert (await _soon(up, query, token, variables)).status_code == 200
        assert not new.done()
        gate.open.set()
        await new


async def test_operations_in_use_survive_a_flood(up: GatewayHarness) -> None:
    """New operations evict each other. The one in use is answered for other values, also if nothing can be compiled."""
    headers, compiler = await up.token(), up.app.pipeline.compiler
    for vendor in ("aws", "lambda"):
        await up.post(_VENDORS, headers, {"v": [vendor]})
    viewer = Viewer("flood", frozenset({Permission.READ}))
    flood = [f"{{ a{number}: accounts {{ name }} }} #{'x' * 20_000}" for number in range(40)]
    for query in flood:
        await compiler.prepare(GraphQLRequest(query), viewer)
    assert 0.9 < compiler.fills["operations"] <= 1
    up.gateway.worker.close()
    assert (await up.post(flood[0], headers)).status_code == 503
    assert "errors" not in await up.graph(_VENDORS, headers, {"v": ["sandbox"]})


async def test_large_requests_are_bound_on_the_worker(up: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time, because looking at the values takes as long as compiling an operation."""
    headers, jobs = await up.token(), record_jobs(monkeypatch)
    variables = {"f": {"vendorId": [f"machine-{number:06}" for number in range(5_000)]}}
    for count in range(1, 4):
        body = await up.graph(_FILTERED, headers, variables)
        assert body["data"]["resources"] == {"nodes": []}
        assert len(jobs) == count


async def test_introspection_next_to_data_runs_on_the_worker(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are answered meanwhile."""
    headers = await up.token()
    for _ in range(2):
        await up.graph(_PLANNED, headers)
    query = "{ accounts { name } __schema { types { name fields { name } } } }"
    first = await up.graph(query, headers)
    with hold_calls(monkeypatch, Graph, "execute_sync") as gate:
        running = asyncio.create_task(up.graph(query, headers))
        await gate.entered()
        assert "errors" not in (await _soon(up, _PLANNED, headers)).json()
        gate.open.set()
        assert (await running)["data"] == first["data"]


async def _cached_token(up: GatewayHarness) -> dict[str, str]:
    """Return the header of a token that needs no lookup: requests with it reach the compiler in order."""
    headers = await up.token()
    await up.graph("{ __typename }", headers)
    return headers


async def _send_together(
    up: GatewayHarness, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch, gate: CallGate, count: int = 5
) -> list[asyncio.Task[dict[str, Any]]]:
    """Send the new operation several times: the first request is being compiled, and the others wait for it."""
    prepare, arrivals, all_arrived = OperationCompiler.prepare, 0, asyncio.Event()

    async def counting(compiler: OperationCompiler, *arguments: Any) -> CompiledRequest:
        nonlocal arrivals
        arrivals += 1
        if arrivals == count:
            all_arrived.set()
        return await prepare(compiler, *arguments)

    monkeypatch.setattr(OperationCompiler, "prepare", counting)
    requests = [asyncio.create_task(up.graph(_NEW, headers)) for _ in range(count)]
    await gate.entered()
    await asyncio.wait_for(all_arrived.wait(), LONGEST_SECONDS)
    return requests


async def test_requests_that_come_together_share_one_job(up: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them get the same answer."""
    headers = await _cached_token(up)
    jobs = record_jobs(monkeypatch)
    with hold_calls(monkeypatch, document, "validate") as gate:
        requests = await _send_together(up, headers, monkeypatch, gate)
        gate.open.set()
        first, *others = await asyncio.gather(*requests)
    assert (gate.count, len(jobs)) == (1, 1)
    assert "errors" not in first
    assert all(other["data"] == first["data"] for other in others)


async def test_requests_that_wait_for_a_refused_job_are_refused(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They do not fill the queue with jobs of their own. A later request is compiled."""
    headers, seconds = await _cached_token(up), [0.0]
    up.app.pipeline.compiler.worker = worker = CompileWorker(lambda: seconds[0], lambda _: None)
    with hold_calls(monkeypatch, document, "validate") as gate:
        slow = asyncio.create_task(up.graph("{ accounts { name } }", headers))
        await gate.entered()
        jobs = record_jobs(monkeypatch)
        requests = await _send_together(up, headers, monkeypatch, gate)
        seconds[0] += LONGEST_WAIT_SECONDS + 1
        gate.open.set()
        bodies = await asyncio.gather(*requests)
        await slow
    assert (gate.count, len(jobs)) == (1, 1)
    assert all(body["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED" for body in bodies)
    assert "errors" not in await up.graph(_NEW, headers)
    worker.close()


async def test_a_client_that_goes_away_does_not_stop_those_who_wait(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its result is lost, and the others are answered by jobs of their own."""
    headers = await _cached_token(up)
    with hold_calls(monkeypatch, document, "validate") as gate:
        requests = await _send_together(up, headers, monkeypatch, gate)
        requests[0].cancel()
        await asyncio.sleep(0)
        gate.open.set()
        bodies = await asyncio.gather(*requests[1:])
    assert gate.count <= len(requests)
    assert all("errors" not in body for body in bodies)


async def test_a_full_queue_is_reported_with_the_time_to_retry(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New operations get 503 and Retry-After, the metrics show the full queue, and planned operations are answered."""
    up.app.pipeline.compiler.worker = worker = CompileWorker(queue_size=1)
    headers, admin = await up.token(), await up.token(Permission.ADMIN)
    query = "{ accounts { name } }"
    await up.graph(_PLANNED, headers)
    with hold_calls(monkeypatch, document, "validate") as gate:
        new = asyncio.create_task(up.graph(_NEW, headers))
        await gate.entered()
        for accept in ("application/json", "application/graphql-response+json"):
            response = await up.post(query, {**headers, "Accept": accept})
            assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
            (error,) = response.json()["errors"]
            assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
        assert "errors" not in await up.graph(_PLANNED, headers)
        metrics = (await up.client.get("/metrics", headers=admin)).text
        assert 'supplygraph_cache_fill{cache="compile_queue"} 1.0' in metrics
        gate.open.set()
        assert "errors" not in await new
    assert "errors" not in await up.graph(query, headers)
    worker.close()


async def test_new_operations_get_503_after_the_end(up: GatewayHarness) -> None:
    """The gateway is shutting down: that is not an internal error."""
    headers = await up.token()
    up.gateway.worker.close()
    assert (await up.post(_NEW, headers)).status_code == 503
