"""Permissions are checked for each request: a plan belongs to no token."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest

from db.connections import SqliteReader
from domain.enums import Permission
from domain.viewer import Viewer
from reconcile.engine import Reconciler
from resolvers.operation.compiler import GraphQLRequest
from resolvers.reader import Reader
from tests.app.harness import GatewayHarness
from tests.app.operations.calls import record_calls, record_jobs

_READ: Final = (Permission.READ,)
_FORCED: Final = "{ resources(freshness: {forceRefresh: true}) { nodes { name status } } }"
_DEMAND: Final = "query Q($f: FreshnessDemand) { resources(freshness: $f) { nodes { name } } }"
_NODES: Final = "{ resources(first: 100) { nodes { account { name } name } } }"


async def test_tokens_with_different_rights_share_one_plan(up: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of them has it compiled; no other token costs a job."""
    rights = (_READ, (Permission.READ, Permission.REFRESH), (Permission.ADMIN,))
    tokens = [await up.token(*permissions) for permissions in rights for _ in range(20)]
    jobs, reads = record_jobs(monkeypatch), record_calls(monkeypatch, Reader, "read")
    for headers in tokens:
        assert (await up.post(_NODES, headers)).status_code == 200
    assert len(jobs) == 1
    assert len({id(request.statement) for _, request, _ in reads}) == 1
    assert up.metric('supplygraph_operations_total{path="plan"}') == len(tokens)


async def test_tokens_that_see_some_accounts_share_one_statement(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan gets a second statement for them; which accounts they see is bound. Each token gets its own accounts."""
    everyone = await up.token()
    await up.graph(_NODES, everyone)
    jobs = record_jobs(monkeypatch)
    for accounts in (["east"], ["west"], ["east", "west"], []):
        headers = await up.token(*_READ, accounts=accounts)
        nodes = (await up.graph(_NODES, headers))["data"]["resources"]["nodes"]
        assert {node["account"]["name"] for node in nodes} == set(accounts)
    nodes = (await up.graph(_NODES, everyone))["data"]["resources"]["nodes"]
    assert {node["account"]["name"] for node in nodes} == {"east", "west"}
    assert len(jobs) == 1


async def test_the_plan_is_one_object(up: GatewayHarness) -> None:
    """The compiler returns the same plan for viewers with different permissions and accounts."""
    compiler, request = up.app.pipeline.compiler, GraphQLRequest(_NODES)
    viewers = [
        Viewer("reader", frozenset(_READ)),
        Viewer("admin", frozenset({Permission.ADMIN})),
        Viewer("eastern", frozenset(_READ), frozenset({"east"})),
        Viewer("western", frozenset(_READ), frozenset({"west"})),
    ]
    for viewer in viewers:
        await compiler.prepare(request, viewer)
    assert len({id((await compiler.prepare(request, viewer)).plan) for viewer in viewers}) == 1


def _check_forbidden(response: httpx.Response) -> None:
    assert response.status_code == 403
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert "'refresh'" in error["message"]


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
@pytest.mark.parametrize("plans", [True, False])
async def test_a_cached_forced_operation_is_forbidden_before_anything_is_read(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch, accept: str, plans: bool
) -> None:
    """A token without `refresh` gets 403: no statement runs, no cloud is called, and nothing is compiled."""
    allowed, forbidden = await up.token(), {**await up.token(*_READ), "Accept": accept}
    client = up.client if plans else up.with_plans_off()
    for _ in range(2):
        assert (await client.post("/graphql", json={"query": _FORCED}, headers=allowed)).status_code == 200
    # The token is looked up now, so that it is cached below.
    await client.post("/graphql", json={"query": "{ __typename }"}, headers=forbidden)
    calls = len(up.cloud.journal.calls())
    work: list[list[Any]] = [
        record_jobs(monkeypatch),
        record_calls(monkeypatch, Reader, "read"),
        record_calls(monkeypatch, SqliteReader, "row"),
        record_calls(monkeypatch, Reconciler, "refresh"),
    ]
    _check_forbidden(await client.post("/graphql", json={"query": _FORCED}, headers=forbidden))
    assert work == [[], [], [], []]
    assert len(up.cloud.journal.calls()) == calls


async def test_a_demand_in_a_variable_needs_the_permission(up: GatewayHarness) -> None:
    """The same operation is allowed without the demand, before and after it was run with it."""
    allowed, forbidden = await up.token(), await up.token(*_READ)
    force = {"f": {"forceRefresh": True}}
    for _ in range(2):
        assert (await up.post(_DEMAND, allowed, force)).status_code == 200
        assert (await up.post(_DEMAND, forbidden)).status_code == 200
        _check_forbidden(await up.post(_DEMAND, forbidden, force))


@pytest.mark.parametrize("field", ["lastError", "budget { remaining }", "calls { made }"])
async def test_operator_fields_need_admin(up: GatewayHarness, field: str) -> None:
    """An admin's request does not open them to others."""
    query = f"{{ accounts {{ name {field} }} }}"
    admin, reader = await up.token(Permission.ADMIN), await up.token()
    for _ in range(2):
        assert (await up.post(query, admin)).status_code == 200
        assert (await up.post(query, reader)).status_code == 403
