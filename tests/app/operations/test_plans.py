"""Plans: the same answers as Strawberry gives, for every value and every viewer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import pytest

from domain.enums import Permission
from supplygraph.config.settings import GraphSettings
from tests.app.harness import GatewayHarness, run_gateway
from tests.app.operations.calls import record_jobs

_EDGES: Final = """query Q($n: Int!) {
  resources(first: $n) { edges { cursor node { name freshness { state ageSeconds } } } }
}"""
_FILTERED: Final = """query Q($f: ResourceFilter, $o: ResourceOrder, $with: Boolean!) {
  resources(filter: $f, orderBy: $o) {
    nodes { name lastSyncedAt linkedResources @include(if: $with) { name linkType resource { status } } }
  }
}"""
_QUERIES: Final[list[tuple[str, dict[str, Any]]]] = [
    ("{ resources { nodes { resourceId name status vendor } } }", {}),
    ("{ a: resources(first: 2) { nodes { n: name __typename } totalCount pageInfo { hasNextPage endCursor } } }", {}),
    (_EDGES, {"n": 3}),
    (_EDGES, {"n": 4}),
    (_FILTERED, {"f": {"resourceType": ["VM"]}, "o": {"field": "NAME", "direction": "ASC"}, "with": True}),
    (_FILTERED, {"f": None, "with": False}),
    (
        "{ __typename accounts { name state scopes { kind sweptAt } } resourceTotals(groupBy: [STATUS]) { status count } }",
        {},
    ),
    (
        "{ resources { coverage { complete gaps { reason } } } "
        "changes(first: 3) { nodes { field after } pageInfo { endCursor } } }",
        {},
    ),
    ("query Q($n: Int) { bad: resources(first: $n) { totalCount } }", {"n": 5000}),
    ("query Q($n: Int!) { bad: resources(first: $n) { totalCount } }", {"n": 5000}),
    ('{ node(id: "nothing") { id } bad: resource(resourceId: "00000000-0000-0000-0000-000000000000") { name } }', {}),
    ('{ ok: accounts { name } resources(after: "nonsense") { totalCount } }', {}),
    ("query Q($n: Int!) { resources(first: $n) { totalCount } }", {"n": "x"}),
    ("{ resources { nope } }", {}),
]


async def test_compiled_cached_and_executed_are_equal_to_the_byte(up: GatewayHarness) -> None:
    """A new plan, a cached plan and Strawberry give one answer, errors included."""
    headers = await up.token()
    await up.graph("{ resources { nodes { name } } }", headers)
    async with up.with_plans_off() as unplanned:
        for query, variables in _QUERIES:
            compiled = await up.post(query, headers, variables)
            cached = await up.post(query, headers, variables)
            body = {"query": query, "variables": variables}
            executed = await unplanned.post("/graphql", json=body, headers=headers)
            assert compiled.status_code == cached.status_code == executed.status_code
            assert compiled.content == cached.content == executed.content


async def test_operations_are_counted_by_how_they_ran(up: GatewayHarness) -> None:
    """Valid operations run as plans, and Strawberry executes introspection. An invalid operation is neither."""
    headers = await up.token()
    for query in ("{ accounts { name } }", "{ accounts { name } }", "{ __schema { queryType { name } } }", "{ nope }"):
        await up.graph(query, headers)
    metrics = (await up.client.get("/metrics", headers=await up.token(Permission.ADMIN))).text
    assert 'supplygraph_operations_total{path="plan"} 2.0' in metrics
    assert 'supplygraph_operations_total{path="executed"} 1.0' in metrics


async def test_plans_can_be_turned_off(tmp_path: Path) -> None:
    """Then Strawberry executes every operation."""
    async with run_gateway(tmp_path, graph=GraphSettings(plans=False)) as up:
        headers = await up.token()
        for _ in range(2):
            assert "errors" not in await up.graph("{ resources { nodes { name } } }", headers)
        assert up.metric('supplygraph_operations_total{path="plan"}') == 0
        assert up.metric('supplygraph_operations_total{path="executed"}') == 2


async def test_a_planned_read_refreshes_old_values(up: GatewayHarness) -> None:
    """The clouds are called once the recorded values are older than the cooldown."""
    query, headers = "{ resources { nodes { name } } }", await up.token()
    for _ in range(3):
        up.clock.advance(100)
        freshness = (await up.graph(query, headers))["extensions"]["freshness"]
        assert freshness["vendorCalls"] > 0
        assert (freshness["stale"], freshness["unconfirmed"]) == (0, 0)


async def test_a_new_and_a_cached_plan_have_equal_headers(up: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and values are equal, with the client's request id among them. The second request compiles nothing."""
    headers = {**await up.token(), "X-Request-ID": "job-1", "Accept": "application/graphql-response+json"}
    jobs = record_jobs(monkeypatch)
    compiled, cached = [await up.post("{ accounts { name } }", headers) for _ in range(2)]
    assert len(jobs) == 1
    assert sorted(compiled.headers.items()) == sorted(cached.headers.items())
    assert compiled.content == cached.content


async def test_operations_of_one_document_may_use_one_variable_name(up: GatewayHarness) -> None:
    """A variable in a directive of one operation may be an argument of another type in the other."""
    headers = await up.token()
    query = """query A($x: [String!]) { resources(filter: {vendor: $x}) { totalCount } }
    query B($x: Boolean!) { accounts @include(if: $x) { name } }"""
    for vendor, has_resources in ((["sandbox"], True), (["aws"], False), (["sandbox"], True)):
        body = (await up.post(query, headers, {"x": vendor}, operationName="A")).json()
        assert (body["data"]["resources"]["totalCount"] > 0) == has_resources
    for with_accounts in (True, False, True):
        body = (await up.post(query, headers, {"x": with_accounts}, operationName="B")).json()
        assert ("accounts" in body["data"]) == with_accounts


async def test_concurrent_readers_of_one_plan_get_their_own_values(up: GatewayHarness) -> None:
    """Each request binds its own variables."""
    headers = await up.token()
    listed = await up.graph("{ resources(first: 100) { nodes { resourceId name } } }", headers)
    nodes = [node for node in listed["data"]["resources"]["nodes"] for _ in range(3)]
    query = "query Q($id: UUID!) { resource(resourceId: $id) { resourceId name } }"
    bodies = await asyncio.gather(*(up.graph(query, headers, {"id": node["resourceId"]}) for node in nodes))
    assert [body["data"]["resource"] for body in bodies] == nodes


async def test_an_omitted_variable_does_not_shift_the_others(up: GatewayHarness) -> None:
    """It binds nothing, and the parameters after it get their own values."""
    headers = await up.token()
    listed = (await up.graph("{ resources(first: 100) { nodes { resourceId name } } }", headers))["data"]["resources"]
    query = """query Q($vendor: [String!], $id: UUID!) {
      resources(filter: {vendor: $vendor}, first: 1) { totalCount }
      resource(resourceId: $id) { resourceId name }
    }"""
    for node in listed["nodes"]:
        for vendor in ({"vendor": ["sandbox"]}, {}, {"vendor": None}, {"vendor": ["aws"]}):
            data = (await up.graph(query, headers, {**vendor, "id": node["resourceId"]}))["data"]
            assert data["resource"] == node
            count = 0 if vendor == {"vendor": ["aws"]} else len(listed["nodes"])
            assert data["resources"] == {"totalCount": count}


async def test_pages_next_to_another_list(up: GatewayHarness) -> None:
    """A cursor binds two values, and the first page has none. Every resource comes once."""
    headers = await up.token()
    listed = await up.graph("{ resources(first: 100) { nodes { name } } }", headers)
    query = """query Q($after: String, $n: Int!) {
      resources(first: $n, after: $after) { nodes { name } pageInfo { endCursor hasNextPage } }
      changes(first: $n) { nodes { field } }
    }"""
    nodes: list[dict[str, str]] = []
    cursor: dict[str, str] = {}
    has_next = True
    while has_next:
        page = (await up.graph(query, headers, {"n": 2, **cursor}))["data"]["resources"]
        nodes += page["nodes"]
        has_next, cursor = page["pageInfo"]["hasNextPage"], {"after": page["pageInfo"]["endCursor"]}
    assert nodes == listed["data"]["resources"]["nodes"]
