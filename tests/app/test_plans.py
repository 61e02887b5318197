"""Plans: the same answers as graphql-core renders, by whichever way they come in; and what a plan never goes round."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from supplygraph.graphql_execution import Outcome
from supplygraph.way_in import WayIn

from domain.enums import Permission
from supplygraph.config.settings import GraphSettings
from tests.app.harness import GatewayHarness, run_gateway

_QUERIES: list[tuple[str, dict[str, Any]]] = [
    ("{ resources { nodes { resourceId name status vendor } } }", {}),
    ("{ a: resources(first: 2) { nodes { n: name __typename } totalCount pageInfo { hasNextPage endCursor } } }", {}),
    (
        "query Q($n: Int!) { resources(first: $n) { edges { cursor node { name freshness { state ageSeconds } } } } }",
        {"n": 3},
    ),
    (
        "query Q($n: Int!) { resources(first: $n) { edges { cursor node { name freshness { state ageSeconds } } } } }",
        {"n": 4},
    ),
    (
        "query Q($f: ResourceFilter, $o: ResourceOrder, $with: Boolean!) { resources(filter: $f, orderBy: $o) "
        "{ nodes { name lastSyncedAt linkedResources @include(if: $with) { name linkType resource { status } } } } }",
        {"f": {"resourceType": ["VM"]}, "o": {"field": "NAME", "direction": "ASC"}, "with": True},
    ),
    (
        "query Q($f: ResourceFilter, $o: ResourceOrder, $with: Boolean!) { resources(filter: $f, orderBy: $o) "
        "{ nodes { name lastSyncedAt linkedResources @include(if: $with) { name linkType resource { status } } } } }",
        {"f": None, "with": False},
    ),
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


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    """A gateway that answers."""
    async with run_gateway(tmp_path) as started:
        yield started


def _noted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each request from now on, whether the short way answered it."""
    answered = list[bool]()
    asks = WayIn._answered

    async def noted(*given: Any) -> Outcome | None:
        found = await asks(*given)
        answered.append(found is not None)
        return found

    monkeypatch.setattr(WayIn, "_answered", noted)
    return answered


async def _asked(
    up: GatewayHarness, query: str, variables: dict[str, Any], headers: dict[str, str]
) -> tuple[int, bytes]:
    answer = await up.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    return answer.status_code, answer.content


async def test_planned_and_rendered_are_alike_to_the_byte(up: GatewayHarness) -> None:
    """New, planned, and rendered by graphql-core: one answer, errors included."""
    headers, operations = await up.token(), up.operations
    await up.graph("{ resources { nodes { name } } }", headers)
    for query, variables in _QUERIES:
        new = await _asked(up, query, variables, headers)
        planned = await _asked(up, query, variables, headers)
        operations.preparing.plans = False
        # A comment makes it a text that no plan knows.
        rendered = await _asked(up, f"{query} # rendered", variables, headers)
        operations.preparing.plans = True
        assert new == planned
        assert rendered == planned


async def test_plans_are_counted(up: GatewayHarness) -> None:
    """Valid operations run as plans; introspection is rendered; what is not valid is neither."""
    headers, counts = await up.token(), up.operations.counts
    for query in ("{ accounts { name } }", "{ accounts { name } }", "{ __schema { queryType { name } } }", "{ nope }"):
        await up.graph(query, headers)
    assert (2, 1) == (counts.plans, counts.rendered)
    metrics = await up.client.get("/metrics", headers=await up.token(Permission.ADMIN))
    assert 'supplygraph_operations_total{path="plan"} 2.0' in metrics.text


async def test_plans_can_be_turned_off(tmp_path: Path) -> None:
    """Then graphql-core renders every operation."""
    async with run_gateway(tmp_path, graph=GraphSettings(plans=False)) as up:
        headers = await up.token()
        for _ in range(2):
            assert "errors" not in await up.graph("{ resources { nodes { name } } }", headers)
        assert (0, 2) == (up.operations.counts.plans, up.operations.counts.rendered)


async def test_a_plan_of_one_viewer_is_not_another_s(up: GatewayHarness) -> None:
    """Each sees what its token lets it see, whoever asked first."""
    query = "{ resources(first: 100) { nodes { account { name } name } } }"
    everyone = await up.token()
    east = await up.token(Permission.READ, accounts=["east"])
    for _ in range(2):
        all_of_them = (await up.graph(query, everyone))["data"]["resources"]["nodes"]
        its_own = (await up.graph(query, east))["data"]["resources"]["nodes"]
        assert {"east", "west"} == {node["account"]["name"] for node in all_of_them}
        assert {"east"} == {node["account"]["name"] for node in its_own}


async def test_a_plan_asks_for_the_permission_of_the_demand(up: GatewayHarness) -> None:
    """A demand that comes by a variable is refused as the first time, whoever was let in before."""
    query = "query Q($f: FreshnessDemand) { resources(freshness: $f) { nodes { name } } }"
    may, may_not = await up.token(), await up.token(Permission.READ)
    force = {"f": {"forceRefresh": True}}
    for _ in range(2):
        assert 200 == (await _asked(up, query, force, may))[0]
        assert 200 == (await _asked(up, query, {}, may_not))[0]
        assert 403 == (await _asked(up, query, force, may_not))[0]


async def test_a_planned_read_refreshes_what_is_old(up: GatewayHarness) -> None:
    """The plan's answer is as fresh as any: the cloud is asked once the record is too old."""
    query, headers = "{ resources { nodes { name } } }", await up.token()
    for _ in range(3):
        up.clock.advance(100)
        told = (await up.graph(query, headers))["extensions"]["freshness"]
        assert told["vendorCalls"] > 0
        assert (0, 0) == (told["stale"], told["unconfirmed"])


async def test_the_short_way_has_the_headers_of_the_long_one(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same names and values, the caller's request id among them; and it is the short way that the second comes by."""
    headers = {**await up.token(), "X-Request-ID": "job-1", "Accept": "application/graphql-response+json"}
    asked = {"query": "{ accounts { name } }"}
    answered = _noted(monkeypatch)
    long, short = [await up.client.post("/graphql", json=asked, headers=headers) for _ in range(2)]
    assert [False, True] == answered
    assert sorted(long.headers.items()) == sorted(short.headers.items())
    assert long.content == short.content


async def test_tokens_that_see_alike_share_a_plan(up: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many they are: from the second time on each comes by the short way."""
    answered = _noted(monkeypatch)
    headers = [await up.token() for _ in range(70)]
    for _ in range(2):
        answered.clear()
        for each in headers:
            await up.graph("{ accounts { name } }", each)
    assert [True] * 70 == answered


@pytest.mark.parametrize("way", [{}, {"Cookie": "theme=dark"}], ids=["short", "long"])
async def test_another_operation_s_directives_steer_nothing(up: GatewayHarness, way: dict[str, str]) -> None:
    """Its variables may have the names of this one's, and other kinds."""
    headers = {**await up.token(), **way}
    query = """query A($x: [String!]) { resources(filter: {vendor: $x}) { totalCount } }
    query B($x: Boolean!) { accounts @include(if: $x) { name } }"""
    for vendor, found in ((["sandbox"], True), (["aws"], False), (["sandbox"], True)):
        asked = {"query": query, "variables": {"x": vendor}, "operationName": "A"}
        answer = await up.client.post("/graphql", json=asked, headers=headers)
        assert found == (answer.json()["data"]["resources"]["totalCount"] > 0)
    for wanted in (True, False, True):
        asked = {"query": query, "variables": {"x": wanted}, "operationName": "B"}
        answer = await up.client.post("/graphql", json=asked, headers=headers)
        assert wanted == ("accounts" in answer.json()["data"])


async def test_many_at_once_get_each_their_own(up: GatewayHarness) -> None:
    """Readers of one plan with different values."""
    headers = await up.token()
    nodes = (await up.graph("{ resources(first: 100) { nodes { resourceId name } } }", headers))["data"]["resources"][
        "nodes"
    ]
    query = "query Q($id: UUID!) { resource(resourceId: $id) { resourceId name } }"
    answers = await asyncio.gather(
        *(_asked(up, query, {"id": node["resourceId"]}, headers) for node in nodes for _ in range(3))
    )
    expected = [node["name"].encode() for node in nodes for _ in range(3)]
    assert all(name in content for name, (_, content) in zip(expected, answers, strict=True))


async def test_places_keep_their_values_when_others_come_and_go(up: GatewayHarness) -> None:
    """A variable that is left out binds nothing: what stands behind it is bound where it was, and is nobody else's."""
    headers = await up.token()
    listed = await up.graph("{ resources(first: 100) { nodes { resourceId name } } }", headers)
    query = """query Q($vendor: [String!], $id: UUID!) {
      resources(filter: {vendor: $vendor}, first: 1) { totalCount }
      resource(resourceId: $id) { resourceId name }
    }"""
    for node in listed["data"]["resources"]["nodes"]:
        for vendor in ({"vendor": ["sandbox"]}, {}, {"vendor": None}, {"vendor": ["aws"]}):
            _, content = await _asked(up, query, {**vendor, "id": node["resourceId"]}, headers)
            told = json.loads(content)["data"]
            assert node == told["resource"]
            count = 0 if vendor == {"vendor": ["aws"]} else len(listed["data"]["resources"]["nodes"])
            assert {"totalCount": count} == told["resources"]


async def test_pages_beside_another_list(up: GatewayHarness) -> None:
    """A cursor is two places where the first page has none: all that there is comes, once."""
    headers = await up.token()
    listed = await up.graph("{ resources(first: 100) { nodes { name } } }", headers)
    query = """query Q($after: String, $n: Int!) {
      resources(first: $n, after: $after) { nodes { name } pageInfo { endCursor hasNextPage } }
      changes(first: $n) { nodes { field } }
    }"""
    found, after = list[dict[str, str]](), dict[str, str]()
    more = True
    while more:
        _, content = await _asked(up, query, {"n": 2, **after}, headers)
        page = json.loads(content)["data"]["resources"]
        found += page["nodes"]
        more, after = page["pageInfo"]["hasNextPage"], {"after": page["pageInfo"]["endCursor"]}
    assert listed["data"]["resources"]["nodes"] == found
