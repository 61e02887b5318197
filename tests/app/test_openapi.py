"""`/openapi.json`: what is published of the REST route, against its contract and against what was published before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.app.harness import GatewayHarness

CONTRACT = Path(__file__).parents[3] / "shared" / "contract" / "get_resource.openapi.json"
SNAPSHOT = Path(__file__).with_name("openapi.json")
PATH = "/resources/{resource_id}"


@pytest.fixture
async def published(up: GatewayHarness) -> dict[str, Any]:
    """What the gateway answers; it asks for no token."""
    answer = await up.client.get("/openapi.json")
    assert 200 == answer.status_code
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture
def contract() -> dict[str, Any]:
    """The contract, where it is at hand."""
    if not CONTRACT.is_file():
        pytest.skip("the contract ../shared/contract/get_resource.openapi.json is not at hand")
    told: dict[str, Any] = json.loads(CONTRACT.read_text(encoding="utf-8"))
    return told


def test_the_operation_is_the_contracts(published: dict[str, Any], contract: dict[str, Any]) -> None:
    """Everything that the contract says of the operation is said alike; more only as further responses."""
    ours, theirs = published["paths"][PATH]["get"], contract["paths"][PATH]["get"]

    assert {**theirs, "responses": None} == {**ours, "responses": None}
    assert theirs["responses"] == {code: ours["responses"][code] for code in theirs["responses"]}
    assert {"304", "401", "403", "404"} == ours["responses"].keys() - theirs["responses"].keys()


def test_every_schema_is_the_contracts(published: dict[str, Any], contract: dict[str, Any]) -> None:
    """Each schema and the security scheme are equal as JSON."""
    ours, theirs = published["components"], contract["components"]

    assert theirs["schemas"] == {name: ours["schemas"][name] for name in theirs["schemas"]}
    assert theirs["securitySchemes"] == ours["securitySchemes"]


def test_nothing_else_is_published_unseen(published: dict[str, Any]) -> None:
    """What is published is what is committed; only the version may differ."""
    committed = json.loads(SNAPSHOT.read_text(encoding="utf-8"))

    assert committed == {**published, "info": {**published["info"], "version": committed["info"]["version"]}}
