"""Every fault, as an HTTP client sees it."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from sandbox.faults import FaultKind, Pages
from sandbox.http.server import SandboxServer
from sandbox.operations import ApiOperation
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
async def test_a_fault_replaces_one_response(
    server: SandboxServer, east: httpx.AsyncClient, kind: FaultKind, status: int, content_type: str
) -> None:
    """The fault's response is sent once, then the API responds again."""
    server.faults.switch_on(kind, times=1)

    faulty, correct = await east.get("/v1/machines"), await east.get("/v1/machines")

    assert (status, content_type) == (faulty.status_code, faulty.headers["content-type"].partition(";")[0])
    assert "no_such" not in faulty.text
    assert (200, 6) == (correct.status_code, len(correct.json()["machines"]))


async def test_a_rate_limit_with_and_without_retry_after(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """`seconds` becomes the Retry-After header. Without it there is no header."""
    server.faults.switch_on(FaultKind.RATE_LIMITED, seconds=7, times=1)
    with_header = await east.get("/v1/machines")
    server.faults.switch_on(FaultKind.RATE_LIMITED, times=1)
    without_header = await east.get("/v1/machines")

    assert (429, "7") == (with_header.status_code, with_header.headers["retry-after"])
    assert (429, False) == (without_header.status_code, "retry-after" in without_header.headers)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FaultKind.EMPTY_LIST, {"machines": [], "next_cursor": None}),
        (FaultKind.NULL_LIST, {"machines": None, "next_cursor": None}),
        (FaultKind.EMPTY_OBJECT, {}),
        (FaultKind.NULL_BODY, None),
    ],
)
async def test_a_missing_list(server: SandboxServer, east: httpx.AsyncClient, kind: FaultKind, body: object) -> None:
    """An empty list, null or an empty object comes with 200."""
    server.faults.switch_on(kind)

    response = await east.get("/v1/machines")

    assert (200, body) == (response.status_code, response.json())


async def test_a_cut_listing_claims_to_be_complete(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """A page with a next page loses its cursor. A last page loses its second half."""
    server.faults.switch_on(FaultKind.CUT_LISTING, operation=ApiOperation.LIST_MACHINES)

    paged = (await east.get("/v1/machines?limit=4")).json()
    single = (await east.get("/v1/machines")).json()

    assert (4, None) == (len(paged["machines"]), paged["next_cursor"])
    assert (3, None) == (len(single["machines"]), single["next_cursor"])


async def test_a_repeated_cursor(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """The second page names itself as the next page."""
    server.faults.switch_on(FaultKind.REPEATED_CURSOR)

    first = (await east.get("/v1/machines?limit=2")).json()
    second = (await east.get("/v1/machines", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert first["next_cursor"] == second["next_cursor"]
    assert first["machines"] != second["machines"]


async def test_an_error_on_some_pages_of_a_listing(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """A fault for later pages spares the first one, and a fault for first pages spares the later ones."""
    server.faults.switch_on(FaultKind.SERVER_ERROR, pages=Pages.LATER, times=1)

    first = await east.get("/v1/machines?limit=2")
    later = f"/v1/machines?limit=2&cursor={first.json()['next_cursor']}"
    broken = await east.get(later)
    server.faults.switch_on(FaultKind.FORBIDDEN, pages=Pages.FIRST)

    assert [200, 500] == [first.status_code, broken.status_code]
    assert [403, 200] == [(await east.get("/v1/machines")).status_code, (await east.get(later)).status_code]


async def test_cut_json(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """The body is the first half of the JSON, with a matching content length."""
    server.faults.switch_on(FaultKind.CUT_JSON)

    response = await east.get("/v1/machines")

    assert 200 == response.status_code
    with pytest.raises(json.JSONDecodeError):
        response.json()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.RESET, httpx.ReadError),
        (FaultKind.CUT_BODY, httpx.RemoteProtocolError),
        (FaultKind.STALL, httpx.ReadTimeout),
        (FaultKind.HOLD, httpx.ReadTimeout),
    ],
)
async def test_a_connection_that_breaks_or_stalls(
    server: SandboxServer, east: httpx.AsyncClient, kind: FaultKind, error: type[Exception]
) -> None:
    """The client sees a real reset, close or timeout once, and the next call succeeds."""
    server.faults.switch_on(kind, times=1)

    with pytest.raises(error) as raised:
        await east.get("/v1/machines", timeout=SHORT)

    assert error is type(raised.value)
    assert 200 == (await east.get("/v1/machines")).status_code
    await server.journal.until(lambda journal: all(call.ended for call in journal.calls()))
    assert [None, 200] == [call.status for call in server.journal.calls()]


async def test_a_stall_follows_the_headers(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """The status and the content length arrive, but the body does not."""
    server.faults.switch_on(FaultKind.STALL)

    async with east.stream("GET", "/v1/machines", timeout=SHORT) as response:
        assert (200, True) == (response.status_code, int(response.headers["content-length"]) > 0)
        with pytest.raises(httpx.ReadTimeout):
            await response.aread()


async def test_a_trickling_body(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """The body arrives byte by byte and is complete in the end."""
    server.faults.switch_on(FaultKind.TRICKLE, operation=ApiOperation.LIST_VOLUMES, seconds=0)
    server.faults.switch_on(FaultKind.EMPTY_LIST, operation=ApiOperation.LIST_VOLUMES)

    async with east.stream("GET", "/v1/volumes") as response:
        chunks = [chunk async for chunk in response.aiter_raw()]

    assert {"volumes": [], "next_cursor": None} == json.loads(b"".join(chunks))
    assert len(chunks) > 1


async def test_a_stale_response_shows_the_past(
    server: SandboxServer, east: httpx.AsyncClient, world: World, clock: ManualClock
) -> None:
    """The listing shows the state of `seconds` ago, and the journal has that instant."""
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
async def test_a_held_response_shows_the_state_before_or_after_the_wait(
    server: SandboxServer, east: httpx.AsyncClient, world: World, before_snapshot: bool, shown: str
) -> None:
    """By default the state is taken before the wait, so a change during the wait is not visible."""
    machine_id = machine_in(world, "running").machine_id
    fault = server.faults.switch_on(FaultKind.HOLD, before_snapshot=before_snapshot, times=1)
    task = asyncio.create_task(east.get(f"/v1/machines/{machine_id}"))
    await server.journal.until(lambda journal: any(before_snapshot or call.shown for call in journal.calls()))

    world.stop(EAST, machine_id)
    change_number = server.journal.mark()
    server.faults.switch_off(fault.fault_id)
    status = (await task).json()["status"]

    assert shown == status
    (call,) = server.journal.calls()
    assert call.shown is not None
    assert before_snapshot is (call.shown > change_number)


async def test_a_slow_response_comes_after_later_calls(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """A slow call ends after a fast one that started later."""
    server.faults.switch_on(FaultKind.SLOW, operation=ApiOperation.LIST_MACHINES, seconds=0.2)
    slow_call = asyncio.create_task(east.get("/v1/machines"))
    await server.journal.until(lambda journal: journal.count() == 1)

    await east.get("/v1/volumes")
    await slow_call

    first, second = server.journal.calls()
    assert first.started < second.started
    assert first.ended is not None
    assert second.ended is not None
    assert second.ended < first.ended


async def test_a_fault_applies_only_to_its_tenant_and_operation(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """The other tenant and the other operations are not affected."""
    server.faults.switch_on(FaultKind.FORBIDDEN, tenant=EAST, operation=ApiOperation.LIST_MACHINES)

    async with httpx.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {KEYS[WEST]}"}) as west:
        west_response = await west.get("/v1/machines")

    assert 200 == west_response.status_code
    assert [403, 200] == [(await east.get(path)).status_code for path in ("/v1/machines", "/v1/volumes")]


async def test_a_refused_action_is_not_carried_out(
    server: SandboxServer, east: httpx.AsyncClient, world: World
) -> None:
    """If a fault replaces the response, the operation is not carried out."""
    machine_id = machine_in(world, "running").machine_id
    server.faults.switch_on(FaultKind.SERVER_ERROR, operation=ApiOperation.STOP_MACHINE, times=1)

    response = await east.post(f"/v1/machines/{machine_id}/stop")

    assert (500, "running") == (response.status_code, world.machine(EAST, machine_id).status)


async def test_a_fault_ends_after_its_times(server: SandboxServer, east: httpx.AsyncClient) -> None:
    """A fault for two calls ends after the second. Calls to which it does not apply are not counted."""
    server.faults.switch_on(FaultKind.NULL_LIST, times=2)

    await east.get("/v1/machines/x")
    bodies = [(await east.get("/v1/volumes")).json()["volumes"] for _ in range(3)]

    assert [True, True, False] == [body is None for body in bodies]
    assert () == server.faults.active()
