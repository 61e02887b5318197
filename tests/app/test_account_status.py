"""How accounts stand, in the metrics and in the log."""

from __future__ import annotations

import re
from typing import Any

from structlog.testing import capture_logs

from domain.enums import Permission
from sandbox.faults import FaultKind
from sandbox.operations import Operation
from tests.app.running import Running

LIVE = "{ resources(first: 100, freshness: {maxWaitSeconds: 20}) { nodes { status } } }"
ADMIN = "{ accounts { name budget { remaining resetsAt } calls { made saved } } }"


async def metrics(up: Running, admin: dict[str, str]) -> str:
    """The exposition."""
    return (await up.client.get("/metrics", headers=admin)).text


def suspicions(logs: list[Any]) -> list[tuple[str, str, str | None]]:
    """What the log says of suspicion: event, account, kind."""
    return [
        (one["event"], one["account"], one["kind"])
        for one in logs
        if "suspect" in one["event"] or "well" in one["event"]
    ]


async def test_a_suspect_scope_is_told_until_it_is_well(up: Running) -> None:
    """A line when a scope becomes suspect, one for every listing that leaves it so, and one when it is well again."""
    reader, admin = await up.token(), await up.token(Permission.ADMIN)
    await up.graph(LIVE, reader)
    up.clock.advance(600)
    up.cloud.faults.switch_on(FaultKind.EMPTY_LIST, tenant="east")
    # Else the probes of what is missing would find it again.
    up.cloud.faults.switch_on(FaultKind.NOT_FOUND, tenant="east", operation=Operation.GET_MACHINE)
    with capture_logs() as begun:
        await up.graph(LIVE, reader)
    during = await metrics(up, admin)
    up.cloud.faults.switch_off_all()
    up.clock.advance(600)
    with capture_logs() as ended:
        await up.graph(LIVE, reader)
    after = await metrics(up, admin)

    kinds = ("MACHINES", "VOLUMES")
    assert {("scope_suspect", "east", kind) for kind in kinds} == set(suspicions(begun))
    assert {("scope_recovered", "east", kind) for kind in kinds} == set(suspicions(ended))
    lines = [one for one in begun if one["event"] == "scope_suspect"]
    assert {(True, "over half of what the scope held is missing", "warning")} == {
        (one["since_now"], one["detail"], one["log_level"]) for one in lines
    }
    machines = 'account="east",kind="MACHINES",region=""'
    assert f"supplygraph_scope_suspect{{{machines}}} 1.0" in during
    assert f"supplygraph_scope_missing{{{machines}}} 6.0" in during
    assert 'supplygraph_account_state{account="east",state="SUSPECT"} 1.0' in during
    assert 'supplygraph_account_state{account="west",state="OK"} 1.0' in during
    assert f"supplygraph_scope_suspect{{{machines}}} 0.0" in after
    assert f"supplygraph_scope_missing{{{machines}}} 0.0" in after


async def test_how_full_caches_are_is_told(up: Running) -> None:
    """Each by name, and none beyond its bound."""
    reader, admin = await up.token(), await up.token(Permission.ADMIN)
    await up.graph(LIVE, reader)
    told = await metrics(up, admin)
    fills = dict(re.findall(r'^supplygraph_cache_fill\{cache="(\w+)"\} (\S+)$', told, re.MULTILINE))
    assert {
        "documents", "plans", "statements", "statements_at_once", "facts_statements", "facts", "texts",
            "workbench",
    } == set(fills)  # fmt: skip
    assert all(0 < float(fills[name]) <= 1 for name in ("documents", "plans", "statements", "facts"))


async def test_breakers_flights_and_resources_are_counted(up: Running) -> None:
    """One of the breaker's states is 1; flights by outcome and reason."""
    reader, admin = await up.token(), await up.token(Permission.ADMIN)
    await up.graph(LIVE, reader)
    well = await metrics(up, admin)
    up.clock.advance(600)
    up.cloud.faults.switch_on(FaultKind.FORBIDDEN, tenant="west")
    await up.graph(LIVE, reader)
    told = await metrics(up, admin)

    volumes = 'account="west",kind="VOLUMES",region=""'
    assert 'supplygraph_scope_breaker{account="west",kind="VOLUMES",region="",state="CLOSED"} 1.0' in well
    states = [f'supplygraph_scope_breaker{{{volumes},state="{state}"}}' for state in ("CLOSED", "OPEN", "HALF_OPEN")]
    assert [f"{line} {value}" in told for line, value in zip(states, ("0.0", "1.0", "0.0"), strict=True)] == [True] * 3
    assert 'supplygraph_flights_total{account="west",outcome="FAILED",reason="AUTH_REJECTED",what="sweep"} 2.0' in told
    assert 'supplygraph_flights_total{account="east",outcome="COMPLETE",reason="",what="sweep"}' in told
    assert f"supplygraph_scope_resources{{{volumes}}} 3.0" in told
    assert "supplygraph_scope_swept_timestamp_seconds{" in told
    # The sandbox documents no limit.
    assert 'supplygraph_budget_remaining{account="west"}' not in told


async def test_a_closed_budget_is_told(up: Running) -> None:
    """The vendor says when to come back: until then nothing is left, in the graph and in the metrics."""
    reader, admin = await up.token(), await up.token(Permission.ADMIN)
    await up.graph(LIVE, reader)
    before = (await up.graph(ADMIN, admin))["data"]["accounts"]
    up.clock.advance(600)
    up.cloud.faults.switch_on(FaultKind.RATE_LIMITED, tenant="west", seconds=300)
    await up.graph(LIVE, reader)
    after = {one["name"]: one for one in (await up.graph(ADMIN, admin))["data"]["accounts"]}

    assert [{"remaining": None, "resetsAt": None}] * 2 == [one["budget"] for one in before]
    assert {"remaining": None, "resetsAt": None} == after["east"]["budget"]
    assert 0 == after["west"]["budget"]["remaining"]
    assert after["west"]["budget"]["resetsAt"] is not None
    assert 4 == after["east"]["calls"]["made"]
    assert 'supplygraph_budget_remaining{account="west"} 0.0' in await metrics(up, admin)
