"""The ASGI endpoint of the REST route: it takes requests before FastAPI does, and reads what GraphQL reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from reconcile.engine import Reconciler
from reconcile.requests import RefreshRequest
from resolvers.reader import Reader
from tests.app.harness import GatewayHarness
from tests.app.operations.calls import record_calls
from tests.clock import START

_QUERY: Final = """query Resource($id: UUID!) {
  resource(resourceId: $id) {
    resourceId resourceType name vendor vendorRegion status statusMessage pricingTotalHourly
    validFrom validTo lastSyncedAt createdAt
    access { externalIp internalIp sshCommand sshPort }
    linkedResources(includeEnded: true) { resourceId resourceType name status linkType linkedSince linkedUntil }
    offerHistory { offerId offerType role createdAt }
    freshness { state }
  }
}"""
_ENUMS: Final = frozenset({"resource_type", "status", "link_type", "offer_type", "role"})


@pytest.fixture
async def headers(up: GatewayHarness) -> dict[str, str]:
    """Return the header of a token."""
    return await up.token()


@pytest.fixture
async def path(up: GatewayHarness, headers: dict[str, str]) -> str:
    """Return the path of one machine, after the first sweeps."""
    return f"/resources/{await up.resource_id('trainer-1', headers)}"


def _as_rest(value: Any, key: str = "") -> Any:
    """Return a value of GraphQL as the REST contract writes it."""
    if isinstance(value, dict):
        names = {name: "".join(f"_{char.lower()}" if char.isupper() else char for char in name) for name in value}
        return {names[name]: _as_rest(child, names[name]) for name, child in value.items() if name != "freshness"}
    if isinstance(value, list):
        return [_as_rest(child) for child in value]
    return value.lower() if key in _ENUMS else value


async def test_it_answers_before_fastapi(
    up: GatewayHarness, headers: dict[str, str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request for a resource reaches FastAPI, whatever its status; those with other methods and paths do."""
    requests: list[tuple[str, str]] = []
    pages = up.app.pages

    async def recording(scope: Any, receive: Any, send: Any) -> None:
        requests.append((scope["method"], scope["path"]))
        await pages(scope, receive, send)

    monkeypatch.setattr(up.app, "pages", recording)
    statuses = [
        (await up.client.get(path, headers=headers)).status_code,
        (await up.client.head(path, headers=headers)).status_code,
        (await up.client.get(path)).status_code,
        (await up.client.get("/resources/nonsense", headers=headers)).status_code,
    ]
    assert (statuses, requests) == ([200, 200, 401, 422], [])
    for method, other, status in (
        ("POST", path, 405),
        ("DELETE", path, 405),
        ("GET", f"{path}/links", 404),
        ("GET", "/resources/", 404),
        ("GET", "/resources", 404),
    ):
        response = await up.client.request(method, other, headers=headers)
        assert (response.status_code, requests.pop()) == (status, (method, other))


@pytest.mark.parametrize(("suffix", "status"), [("", 200), ("?force_refresh=true", 200), ("?force_refresh=x", 422)])
async def test_head_has_the_headers_of_get(
    up: GatewayHarness, headers: dict[str, str], path: str, suffix: str, status: int
) -> None:
    """Status and headers are equal, Content-Length among them. Without a token both get 401."""
    sent = {**headers, "X-Request-ID": "job-1"}
    get, head = await up.client.get(path + suffix, headers=sent), await up.client.head(path + suffix, headers=sent)
    assert get.status_code == head.status_code == status
    assert {**get.headers, "cache-status": ""} == {**head.headers, "cache-status": ""}
    assert (await up.client.head(path)).status_code == 401


async def test_head_refreshes_like_get(up: GatewayHarness, headers: dict[str, str], path: str) -> None:
    """A forced HEAD calls the cloud, and a conditional one gets 304."""
    up.clock.advance(5)
    forced = await up.client.head(f"{path}?force_refresh=true", headers=headers)
    assert forced.headers["Cache-Status"] == "supplygraph; fwd=stale; stored"
    unchanged = await up.client.head(path, headers={**headers, "If-None-Match": forced.headers["ETag"]})
    assert unchanged.status_code == 304
    assert "Content-Length" not in unchanged.headers


async def test_rest_and_graphql_return_the_same_values(up: GatewayHarness, headers: dict[str, str], path: str) -> None:
    """Every field of the REST body is the GraphQL field of the same name."""
    await up.client.get(path, headers=headers)
    rest = (await up.client.get(path, headers=headers)).json()
    body = await up.graph(_QUERY, headers, {"id": path.rpartition("/")[2]})
    graph = _as_rest(body["data"]["resource"])
    assert graph == {key: value for key, value in rest.items() if key != "spec"}
    assert body["extensions"]["freshness"]["vendorCalls"] == 0


async def test_rest_and_graphql_demand_the_same(
    up: GatewayHarness, headers: dict[str, str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request is one read, and each asks the reconciler for the same scopes and resources."""
    variables = {"id": path.rpartition("/")[2]}
    reads, refreshes = record_calls(monkeypatch, Reader, "read"), record_calls(monkeypatch, Reconciler, "refresh")
    up.clock.advance(60)
    await up.graph(_QUERY, headers, variables)
    up.clock.advance(60)
    await up.client.get(path, headers=headers)
    assert len(reads) == 2
    graph, rest = ([_at_any_time(request) for request in requests] for _, requests, _ in refreshes)
    assert graph == rest
    assert graph


def _at_any_time(request: RefreshRequest) -> RefreshRequest:
    return replace(request, not_before=START)


async def test_rest_compiles_its_statement_once(
    up: GatewayHarness, headers: dict[str, str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One statement for tokens that see all accounts, and one for those that see some."""
    compilations = record_calls(monkeypatch, Reader, "compile")
    eastern, western = await up.token(accounts=["east"]), await up.token(accounts=["west"])
    statuses = [
        (await up.client.get(path, headers=token)).status_code
        for token in (headers, eastern, western)
        for _ in range(2)
    ]
    assert sorted(statuses) == [200, 200, 200, 200, 404, 404]
    assert len(compilations) == 2
