"""`/openapi.json`: the published description of the REST route equals the committed one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.app.harness import GatewayHarness

COMMITTED = Path(__file__).with_name("openapi.json")
"""The contract of the REST route. A change that is not an addition breaks clients."""
PATH = "/resources/{resource_id}"


@pytest.fixture
async def published(up: GatewayHarness) -> dict[str, Any]:
    """Return the description that the gateway publishes; reading it needs no token."""
    response = await up.client.get("/openapi.json")
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


@pytest.fixture
def committed() -> dict[str, Any]:
    """Return the committed description."""
    document: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return document


def test_the_published_description_equals_the_committed_one(
    published: dict[str, Any], committed: dict[str, Any]
) -> None:
    """Only the version may differ."""
    assert committed == {**published, "info": {**published["info"], "version": committed["info"]["version"]}}


def test_the_operation_takes_an_id_and_a_flag(committed: dict[str, Any]) -> None:
    """`resource_id` is a required UUID in the path, `force_refresh` an optional boolean in the query."""
    operation = committed["paths"][PATH]["get"]
    by_name = {parameter["name"]: parameter for parameter in operation["parameters"]}

    assert {"resource_id", "force_refresh"} == by_name.keys()
    assert (by_name["resource_id"]["in"], by_name["resource_id"]["required"]) == ("path", True)
    assert by_name["resource_id"]["schema"]["format"] == "uuid"
    assert (by_name["force_refresh"]["in"], by_name["force_refresh"]["required"]) == ("query", False)
    assert {"type": "boolean", "default": False}.items() <= by_name["force_refresh"]["schema"].items()
    assert {"200", "304", "401", "403", "404", "422"} == operation["responses"].keys()
    assert operation["security"] == [{"HTTPBearer": []}]


@pytest.mark.parametrize(
    ("schema", "required", "optional"),
    [
        (
            "ResourceSummary",
            "resource_id resource_type vendor vendor_region status created_at",
            "name status_message access spec linked_resources offer_history pricing_total_hourly valid_from valid_to "
            "last_synced_at",
        ),
        ("ResourceAccessInfo", "", "external_ip internal_ip ssh_command ssh_port"),
        (
            "LinkedResourceSummary",
            "resource_id resource_type status link_type linked_since",
            "name linked_until",
        ),
        ("OfferResourceSummary", "offer_id offer_type role created_at", ""),
    ],
)
def test_the_keys_of_a_resource(committed: dict[str, Any], schema: str, required: str, optional: str) -> None:
    """Each key stays, and no key that may be absent becomes required."""
    definition = committed["components"]["schemas"][schema]

    assert set(required.split()) == set(definition.get("required", ()))
    assert {*required.split(), *optional.split()} == definition["properties"].keys()
