"""Strawberry's execution with the resolvers of the root fields, where plans are off and where a plan does not cover it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from domain.freshness import Demand
from reconcile.engine import Reconciler
from resolvers import roots
from resolvers.reader import Reader
from supplygraph.config.settings import GraphSettings
from tests.app.harness import GatewayHarness, run_gateway
from tests.app.operations.calls import record_calls

_SEVERAL: Final = """query Several($id: UUID!, $with: Boolean!) {
  first: resources(first: 2) { nodes { name status } }
  second: resources(first: 100) { totalCount }
  resource(resourceId: $id) { name status }
  resourceTotals(groupBy: [STATUS]) { status count }
  changes(first: 1) { nodes { field } }
  accounts @include(if: $with) { name }
}"""
_LIVE: Final = "{ resources(first: 100) { nodes { name status } } }"
_RECORDED: Final = "{ resources(first: 100) { nodes { resourceId vendor createdAt } } }"
_COOLDOWN_SECONDS: Final = 30


@pytest.fixture
async def unplanned(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    """Run a gateway with `graph.plans = false`, after the first sweeps."""
    async with run_gateway(tmp_path, graph=GraphSettings(plans=False)) as gateway:
        await gateway.graph(_LIVE, await gateway.token())
        yield gateway


async def test_several_root_fields_share_one_read(unplanned: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first root resolver starts the read of the whole operation; the others wait for it."""
    headers = await unplanned.token()
    resource_id = await unplanned.resource_id("trainer-1", headers)
    reads, resolved = record_calls(monkeypatch, Reader, "read"), record_calls(monkeypatch, roots.OperationRead, "wait")
    for with_accounts, keys in ((True, 6), (False, 5), (True, 6)):
        reads.clear()
        resolved.clear()
        body = await unplanned.graph(_SEVERAL, headers, {"id": resource_id, "with": with_accounts})
        assert "errors" not in body
        assert len(body["data"]) == len(resolved) == keys
        ((_, request, _),) = reads
        assert list(request.keys) == list(body["data"])
    assert unplanned.metric('supplygraph_operations_total{path="plan"}') == 0
    assert unplanned.metric('supplygraph_operations_total{path="executed"}') == 5


async def test_a_read_starts_with_a_root_resolver(unplanned: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation without root fields of data reads nothing: no resolver asks for the read."""
    headers = await unplanned.token()
    reads = record_calls(monkeypatch, Reader, "read")
    for query in (
        "{ __typename }",
        "{ __schema { queryType { name } } }",
        "query ($no: Boolean = false) { __typename accounts @include(if: $no) { name } }",
    ):
        assert "errors" not in await unplanned.graph(query, headers)
    assert reads == []


async def test_reconciliation_is_triggered_by_field_access(
    unplanned: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A live field that is older than the cooldown refreshes its scopes. A younger one, and recorded fields, do not."""
    headers = await unplanned.token()
    journal = unplanned.cloud.journal
    refreshes = record_calls(monkeypatch, Reconciler, "refresh")
    machine = next(machine for machine in unplanned.cloud.world.machines("east") if machine.name == "trainer-1")
    unplanned.cloud.world.set_status("east", machine.machine_id, "error")
    journal.forget()

    unplanned.clock.advance(_COOLDOWN_SECONDS - 1)
    within = await unplanned.graph(_LIVE, headers)
    unplanned.clock.advance(2)
    recorded = await unplanned.graph(_RECORDED, headers)
    assert (refreshes, journal.sweeps()) == ([], 0)
    beyond = await unplanned.graph(_LIVE, headers)

    assert (len(refreshes), journal.sweeps()) == (1, 4)
    assert _statuses(within)["trainer-1"] == "RUNNING"
    assert _statuses(beyond)["trainer-1"] == "ERROR"
    assert beyond["extensions"]["freshness"]["vendorCalls"] == 4
    assert recorded["extensions"]["freshness"]["vendorCalls"] == 0


def _statuses(body: dict[str, dict[str, dict[str, list[dict[str, str]]]]]) -> dict[str, str]:
    return {node["name"]: node["status"] for node in body["data"]["resources"]["nodes"]}


async def test_data_next_to_introspection_is_read_and_refreshed(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No plan covers such an operation, so Strawberry executes it: one read for all its root fields, with a refresh."""
    headers = await up.token()
    await up.graph(_LIVE, headers)
    up.clock.advance(_COOLDOWN_SECONDS + 1)
    up.cloud.journal.forget()
    reads = record_calls(monkeypatch, Reader, "read")
    query = "{ __schema { queryType { name } } resources { nodes { status } } accounts { name } }"
    body = await up.graph(query, headers)
    assert body["data"]["__schema"] == {"queryType": {"name": "Query"}}
    ((_, request, _),) = reads
    assert list(request.keys) == ["resources", "accounts"]
    assert request.demands == {"resources": Demand(), "accounts": Demand()}
    assert up.cloud.journal.sweeps() == 4
