"""Every fault, as a plain client sees it on the wire."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from sandbox.faults import FaultKind, Pages
from sandbox.http.server import SandboxServer
from sandbox.operations import Operation
from sandbox.world import World
from tests.clock import ManualClock
from tests.sandbox.tenants import EAST, KEYS, WEST, machine_in

SHORT = httpx.Timeout(5, read=0.3)


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [
        (FaultKind.RATE_LIMITED, 429, "application/json"),
        (FaultKind.SERVER_ERROR, 500, "application/json"),
        (FaultKind.UNAVAILABLE, 503, "text/html"),
        (FaultKind.FORBIDDEN, 403, "application/json"),
        (FaultKind.UNAUTHORIZED, 401, "application/json"),
        (FaultKind.NOT_FOUND, 404, "text/html"),
        (FaultKind.REDIRECT, 302, "text/html"),
        (FaultKind.HTML, 200, "text/html"),
    ],
)
async def test_statuses_and_web_pages(
    server: SandboxServer, east: httpx.AsyncClient, kind: FaultKind, status: int, content_type: str
) -> None:
    """The fault's own answer comes once, and then the API's again."""
    server.faults.switch_on(kind, times=1)

    wrong, right = await east.get("/v1/machines"), await east.get("/v1/machines")

    assert (status, content_type) == (wrong.status_code, wrong.headers["content-type"].partition(";")[0])
    assert "no_such" not in wrong.text
    assert (200, 6) == (right.status_code, len(right.json()["machines"]))


async def test_too_many_calls_with_and_without_retry_after(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """`seconds` is the Retry-After; without it there is none."""
    server.faults.switch_on(FaultKind.RATE_LIMITED, seconds=7, times=1)
    told = await east.get("/v1/machines")
    server.faults.switch_on(FaultKind.RATE_LIMITED, times=1)
    untold = await east.get("/v1/machines")

    assert (429, "7") == (told.status_code, told.headers["retry-after"])
    assert (429, False) == (untold.status_code, "retry-after" in untold.headers)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FaultKind.EMPTY_LIST, {"machines": [], "next_cursor": None}),
        (FaultKind.NULL_LIST, {"machines": None, "next_cursor": None}),
        (FaultKind.EMPTY_OBJECT, {}),
    ],
)
async def test_lists_that_are_not_there(
    server: SandboxServer, east: httpx.AsyncClient, kind: FaultKind, body: object
) -> None:
    """An empty list, null instead of one, or nothing at all, each with 200."""
    server.faults.switch_on(kind)

    answer = await east.get("/v1/machines")

    assert (200, body) == (answer.status_code, answer.json())


async def test_a_cut_listing_claims_to_be_whole(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """A page that has a successor loses its cursor; a last page loses its second half."""
    server.faults.switch_on(FaultKind.CUT_LISTING, operation=Operation.LIST_MACHINES)

    paged = (await east.get("/v1/machines?limit=4")).json()
    single = (await east.get("/v1/machines")).json()

    assert (4, None) == (len(paged["machines"]), paged["next_cursor"])
    assert (3, None) == (len(single["machines"]), single["next_cursor"])


async def test_a_cursor_that_never_moves(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """The second page offers itself again."""
    server.faults.switch_on(FaultKind.REPEATED_CURSOR)

    first = (await east.get("/v1/machines?limit=2")).json()
    second = (await east.get("/v1/machines", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert first["next_cursor"] == second["next_cursor"]
    assert first["machines"] != second["machines"]


async def test_an_error_in_the_middle_of_a_listing(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """The first page is well, a later one fails; a fault for first pages does the reverse."""
    server.faults.switch_on(FaultKind.SERVER_ERROR, pages=Pages.LATER, times=1)

    first = await east.get("/v1/machines?limit=2")
    later = f"/v1/machines?limit=2&cursor={first.json()['next_cursor']}"
    broken = await east.get(later)
    server.faults.switch_on(FaultKind.FORBIDDEN, pages=Pages.FIRST)

    assert [200, 500] == [first.status_code, broken.status_code]
    assert [403, 200] == [(await east.get("/v1/machines")).status_code, (await east.get(later)).status_code]


async def test_json_that_ends_too_soon(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """Half of the JSON with a length that fits it."""
    server.faults.switch_on(FaultKind.CUT_JSON)

    answer = await east.get("/v1/machines")

    assert 200 == answer.status_code
    with pytest.raises(json.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.RESET, httpx.ReadError),
        (FaultKind.CUT_BODY, httpx.RemoteProtocolError),
        (FaultKind.STALL, httpx.ReadTimeout),
        (FaultKind.HOLD, httpx.ReadTimeout),
    ],
)
async def test_connections_that_break_or_stall(
    server: SandboxServer, east: httpx.AsyncClient, kind: FaultKind, error: type[Exception]
) -> None:
    """A reset, a close amid the body, headers without a body, nothing at all: real on the wire, and over afterwards."""
    server.faults.switch_on(kind, times=1)

    with pytest.raises(error) as seen:
        await east.get("/v1/machines", timeout=SHORT)

    assert error is type(seen.value)
    assert 200 == (await east.get("/v1/machines")).status_code
    await server.journal.until(lambda journal: all(call.ended for call in journal.calls()))
    assert [None, 200] == [call.status for call in server.journal.calls()]


async def test_a_stall_comes_after_the_headers(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """Status and length are there; the body is not."""
    server.faults.switch_on(FaultKind.STALL)

    async with east.stream("GET", "/v1/machines", timeout=SHORT) as answer:
        assert (200, True) == (answer.status_code, int(answer.headers["content-length"]) > 0)
        with pytest.raises(httpx.ReadTimeout):
            await answer.aread()


async def test_a_body_that_trickles(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """The body comes byte by byte, whole in the end."""
    server.faults.switch_on(FaultKind.TRICKLE, operation=Operation.LIST_VOLUMES, seconds=0)
    server.faults.switch_on(FaultKind.EMPTY_LIST, operation=Operation.LIST_VOLUMES)

    async with east.stream("GET", "/v1/volumes") as answer:
        chunks = [chunk async for chunk in answer.aiter_raw()]

    assert {"volumes": [], "next_cursor": None} == json.loads(b"".join(chunks))
    assert len(chunks) > 1


async def test_a_stale_answer_shows_the_past(
    server: SandboxServer, east: httpx.AsyncClient, world: World, clock: ManualClock
) -> None:
    """The listing shows what was so many seconds ago, and the count says which instant that was."""
    machine_id = machine_in(world, "running").machine_id
    before = clock.now()
    clock.advance(30)
    world.stop(EAST, machine_id)
    server.faults.switch_on(FaultKind.STALE, seconds=30, times=1)

    past, present = [
        {m["id"]: m["status"] for m in (await east.get("/v1/machines")).json()["machines"]} for _ in range(2)
    ]

    assert ("running", "stopping") == (past[machine_id], present[machine_id])
    assert [before, clock.now()] == [call.snapshot_at for call in server.journal.calls()]


@pytest.mark.parametrize(("before_snapshot", "shown"), [(False, "running"), (True, "stopping")])
async def test_a_held_answer_shows_the_state_before_or_after_the_wait(
    server: SandboxServer, east: httpx.AsyncClient, world: World, before_snapshot: bool, shown: str
) -> None:
    """By default what is told was taken before the wait: a change in between is not seen."""
    machine_id = machine_in(world, "running").machine_id
    fault = server.faults.switch_on(FaultKind.HOLD, before_snapshot=before_snapshot, times=1)
    asking = asyncio.create_task(east.get(f"/v1/machines/{machine_id}"))
    await server.journal.until(lambda journal: any(before_snapshot or call.shown for call in journal.calls()))

    world.stop(EAST, machine_id)
    changed = server.journal.mark()
    server.faults.switch_off(fault.fault_id)
    told = (await asking).json()["status"]

    assert shown == told
    (call,) = server.journal.calls()
    assert call.shown is not None
    assert before_snapshot is (call.shown > changed)


async def test_a_slow_answer_comes_after_the_others(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """A slow call ends after a quick one that began later."""
    server.faults.switch_on(FaultKind.SLOW, operation=Operation.LIST_MACHINES, seconds=0.2)
    slow = asyncio.create_task(east.get("/v1/machines"))
    await server.journal.until(lambda journal: journal.count() == 1)

    await east.get("/v1/volumes")
    await slow

    first, second = server.journal.calls()
    assert first.started < second.started
    assert first.ended is not None
    assert second.ended is not None
    assert second.ended < first.ended


async def test_a_fault_hits_its_tenant_and_operation_alone(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """The other tenant and the other operations go on."""
    server.faults.switch_on(FaultKind.FORBIDDEN, tenant=EAST, operation=Operation.LIST_MACHINES)

    async with httpx.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {KEYS[WEST]}"}) as west:
        other = await west.get("/v1/machines")

    assert 200 == other.status_code
    assert [403, 200] == [(await east.get(path)).status_code for path in ("/v1/machines", "/v1/volumes")]


async def test_a_refused_action_is_not_carried_out(
    server: SandboxServer, east: httpx.AsyncClient, world: World
) -> None:
    """An error instead of the answer means that nothing was done."""
    machine_id = machine_in(world, "running").machine_id
    server.faults.switch_on(FaultKind.SERVER_ERROR, operation=Operation.STOP_MACHINE, times=1)

    answer = await east.post(f"/v1/machines/{machine_id}/stop")

    assert (500, "running") == (answer.status_code, world.machine(EAST, machine_id).status)


async def test_faults_are_used_up(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """A fault for two calls is gone after the second; calls that it cannot hit do not count."""
    server.faults.switch_on(FaultKind.NULL_LIST, times=2)

    await east.get(f"/v1/machines/{'x'}")
    bodies = [(await east.get("/v1/volumes")).json()["volumes"] for _ in range(3)]

    assert [True, True, False] == [body is None for body in bodies]
    assert () == server.faults.on()
