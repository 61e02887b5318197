"""Tests of the state of accounts in the metrics and in the log."""

from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs

from domain.enums import Permission
from sandbox.faults import FaultKind
from sandbox.operations import ApiOperation
from tests.app.harness import GatewayHarness

LIVE = "{ resources(first: 100, freshness: {maxWaitSeconds: 20}) { nodes { status } } }"
ADMIN = "{ accounts { name budget { remaining resetsAt } calls { made saved } } }"


async def read_metrics(up: GatewayHarness, admin: dict[str, str]) -> str:
    """Return the response of `/metrics`."""
    return (await up.client.get("/metrics", headers=admin)).text


def suspect_events(lines: list[Any]) -> list[tuple[str, str, str | None]]:
    """Return event, account and kind of the log lines about suspect scopes."""
    return [
        (line["event"], line["account"], line["kind"])
        for line in lines
        if line["event"] in {"scope_suspect", "scope_recovered"}
    ]


async def test_suspect_scope_is_reported_until_it_recovers(up: GatewayHarness) -> None:
    """The log has a line for every listing that makes or leaves a scope suspect, and one when the scope recovers."""
    reader, admin = await up.token(), await up.token(Permission.ADMIN)
    await up.graph(LIVE, reader)
    up.clock.advance(600)
    up.cloud.faults.switch_on(FaultKind.EMPTY_LIST, tenant="east")
    # Otherwise the probes of the missing machines would find them.
    up.cloud.faults.switch_on(FaultKind.NOT_FOUND, tenant="east", operation=ApiOperation.GET_MACHINE)
    with capture_logs() as lines_while_suspect:
        await up.graph(LIVE, reader)
    during = await read_metrics(up, admin)
    up.cloud.faults.switch_off_all()
    up.clock.advance(600)
    with capture_logs() as lines_after_recovery:
        await up.graph(LIVE, reader)
    after = await read_metrics(up, admin)

    kinds = ("MACHINES", "VOLUMES")
    assert {("scope_suspect", "east", kind) for kind in kinds} == set(suspect_events(lines_while_suspect))
    assert {("scope_recovered", "east", kind) for kind in kinds} == set(suspect_events(lines_after_recovery))
    lines = [line for line in lines_while_suspect if line["event"] == "scope_suspect"]
    assert {(True, "over half of what the scope held is missing", "warning")} == {
        (line["newly_suspect"], line["detail"], line["log_level"]) for line in lines
    }
    machines = 'account="east",kind="MACHINES",region=""'
    assert f"supplygraph_scope_suspect{{{machines}}} 1.0" in during
    assert f"supplygraph_scope_missing{{{machines}}} 6.0" in during
    assert 'supplygraph_account_state{account="east",state="SUSPECT"} 1.0' in during
    assert 'supplygraph_account_state{account="west",state="OK"} 1.0' in during
    assert f"supplygraph_scope_suspect{{{machines}}} 0.0" in after
    assert f"supplygraph_scope_missing{{{machines}}} 0.0" in after


async def test_breakers_flights_and_resources_are_reported(up: GatewayHarness) -> None:
    """Exactly one state of a breaker is 1, and flights are counted by outcome and reason."""
    reader, admin = await up.token(), await up.token(Permission.ADMIN)
    await up.graph(LIVE, reader)
    before = await read_metrics(up, admin)
    up.clock.advance(600)
    up.cloud.faults.switch_on(FaultKind.FORBIDDEN, tenant="west")
    await up.graph(LIVE, reader)
    after = await read_metrics(up, admin)

    volumes = 'account="west",kind="VOLUMES",region=""'
    assert 'supplygraph_scope_breaker{account="west",kind="VOLUMES",region="",state="CLOSED"} 1.0' in before
    states = [f'supplygraph_scope_breaker{{{volumes},state="{state}"}}' for state in ("CLOSED", "OPEN", "HALF_OPEN")]
    assert [f"{line} {value}" in after for line, value in zip(states, ("0.0", "1.0", "0.0"), strict=True)] == [True] * 3
    assert 'supplygraph_flights_total{account="west",outcome="FAILED",reason="AUTH_REJECTED",what="sweep"} 2.0' in after
    assert 'supplygraph_flights_total{account="east",outcome="COMPLETE",reason="",what="sweep"}' in after
    assert f"supplygraph_scope_resources{{{volumes}}} 3.0" in after
    assert "supplygraph_scope_swept_timestamp_seconds{" in after
    # The simulated cloud has no rate limits.
    assert 'supplygraph_budget_remaining{account="west"}' not in after


async def test_exhausted_rate_limit_is_reported(up: GatewayHarness) -> None:
    """Until the time that the vendor names, the remaining budget is 0 in the graph and in the metrics."""
    reader, admin = await up.token(), await up.token(Permission.ADMIN)
    await up.graph(LIVE, reader)
    before = (await up.graph(ADMIN, admin))["data"]["accounts"]
    up.clock.advance(600)
    up.cloud.faults.switch_on(FaultKind.RATE_LIMITED, tenant="west", seconds=300)
    await up.graph(LIVE, reader)
    after = {account["name"]: account for account in (await up.graph(ADMIN, admin))["data"]["accounts"]}

    assert [{"remaining": None, "resetsAt": None}] * 2 == [account["budget"] for account in before]
    assert {"remaining": None, "resetsAt": None} == after["east"]["budget"]
    assert 0 == after["west"]["budget"]["remaining"]
    assert after["west"]["budget"]["resetsAt"] is not None
    assert 4 == after["east"]["calls"]["made"]
    assert 'supplygraph_budget_remaining{account="west"} 0.0' in await read_metrics(up, admin)
