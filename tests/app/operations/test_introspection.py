"""Introspection: its response is stored only if every request with the same text has the same one."""

from __future__ import annotations

import pytest

from domain.enums import Permission
from tests.app.harness import GatewayHarness

_BY_NAME = 'query($name: String = "Resource") { __type(name: $name) { name } }'
_WITH_DATA = 'query($data: Boolean = false) { __type(name: "Node") { name } accounts @include(if: $data) { vendor } }'


@pytest.mark.parametrize("plans", [True, False])
async def test_a_response_with_default_values_is_not_cached(up: GatewayHarness, plans: bool) -> None:
    """A request without variables has the defaults. The next one may have other values."""
    headers = await up.token(Permission.READ, Permission.ADMIN)
    client = up.client if plans else up.with_plans_off()

    async def data(query: str, **variables: object) -> object:
        response = await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        return response.json()["data"]

    assert await data(_BY_NAME) == {"__type": {"name": "Resource"}}
    assert await data(_BY_NAME, name="Query") == {"__type": {"name": "Query"}}
    assert await data(_WITH_DATA) == {"__type": {"name": "Node"}}
    assert await data(_WITH_DATA, data=True) == {
        "__type": {"name": "Node"},
        "accounts": [{"vendor": "sandbox"}, {"vendor": "sandbox"}],
    }
