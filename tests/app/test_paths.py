"""The paths of the two routes: with a slash at the end, below a prefix, and from another origin."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.app.harness import ORIGIN, GatewayHarness, client_of

_QUERY = {"query": "{ __typename }"}


async def test_a_slash_at_the_end_is_redirected(up: GatewayHarness) -> None:
    """Both routes answer 307, so that a client keeps its method and body."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    responses = [
        await up.client.post("/graphql/", json=_QUERY, headers=headers),
        await up.client.get(f"/resources/{resource_id}/", headers=headers),
    ]
    assert [307, 307] == [response.status_code for response in responses]
    assert ["/graphql", f"/resources/{resource_id}"] == [
        response.headers["Location"].removeprefix("http://gateway") for response in responses
    ]


async def test_the_application_can_be_mounted_below_a_prefix(up: GatewayHarness) -> None:
    """Another ASGI application may contain the gateway."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    async with client_of(Starlette(routes=[Mount("/gpu", app=up.app)])) as client:
        graph = await client.post("/gpu/graphql", json=_QUERY, headers=headers)
        resource = await client.get(f"/gpu/resources/{resource_id}", headers=headers)
    assert {"__typename": "Query"} == graph.json()["data"]
    assert (200, "trainer-1") == (resource.status_code, resource.json()["name"])


@pytest.mark.parametrize("header", ["traceparent", "apollographql-client-name", "Pragma"])
async def test_ordinary_request_headers_pass_a_preflight(up: GatewayHarness, header: str) -> None:
    """Tracing and GraphQL clients in browsers add them to every request."""
    preflight = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": header,
    }
    assert 200 == (await up.client.options("/graphql", headers=preflight)).status_code


async def test_parameters_of_others_are_ignored(up: GatewayHarness) -> None:
    """Proxies and trackers add parameters, also twice, and some clients send an empty operation name."""
    headers = await up.token()
    by_get = await up.client.get("/graphql?query={__typename}&utm=1&utm=2", headers=headers)
    by_post = await up.client.post("/graphql", json={**_QUERY, "operationName": ""}, headers=headers)
    assert [{"__typename": "Query"}] * 2 == [response.json()["data"] for response in (by_get, by_post)]
