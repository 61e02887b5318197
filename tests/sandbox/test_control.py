"""The control routes: faults, counts and the hand of a visitor, over HTTP."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from sandbox.http.server import SandboxServer
from sandbox.world import World
from tests.sandbox.tenants import EAST, machine_in, spot_machine


async def test_faults_are_switched_on_and_off_over_http(east: httpx.AsyncClient) -> None:
    """A visitor switches a fault on by one request and off by another."""
    wish = {"kind": "rate_limited", "tenant": EAST, "operation": "list_machines", "seconds": 9}

    made = await east.post("/_control/faults", json=wish)
    limited = await east.get("/v1/machines")
    listed = (await east.get("/_control/faults")).json()
    off = await east.delete(f"/_control/faults/{made.json()['id']}")

    assert (201, 429, "9") == (made.status_code, limited.status_code, limited.headers["retry-after"])
    assert [made.json()] == listed["faults"]
    assert "stall" in listed["kinds"]
    assert (204, 200) == (off.status_code, (await east.get("/v1/machines")).status_code)


async def test_all_faults_go_at_once(east: httpx.AsyncClient, server: SandboxServer) -> None:
    """One request ends every fault."""
    for kind in ("html", "reset"):
        await east.post("/_control/faults", json={"kind": kind})

    answer = await east.delete("/_control/faults")

    assert (204, ()) == (answer.status_code, server.faults.on())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/_control/faults", b'{"kind": "no_such_kind"}', 422),
        ("POST", "/_control/faults", b'{"kind": "slow", "secnods": 3}', 422),
        ("POST", "/_control/faults", b'{"kind": "slow", "tenant": "nobody-here"}', 404),
        ("POST", "/_control/faults", b"{", 422),
        ("DELETE", "/_control/faults/f99", b"", 404),
        ("POST", "/_control/latency", b'{"seconds": -1}', 422),
        ("POST", "/_control/refuse", b'{"seconds": "NaN"}', 422),
        ("GET", "/_control/calls?operation=dance", b"", 422),
        ("PATCH", "/_control/tenants/sandbox-east/machines/m-1", b'{"status": "x"}', 404),
        ("PATCH", "/_control/tenants/sandbox-east/machines/m-1", b'{"name": null}', 422),
        ("DELETE", "/_control/tenants/nobody-here/machines/m-1", b"", 404),
        ("DELETE", "/_control/tenants/sandbox-east/volumes/v-1", b"", 404),
    ],
)
async def test_mistakes_are_told(east: httpx.AsyncClient, method: str, path: str, body: bytes, status: int) -> None:
    """A wish that makes no sense is answered with what is wrong."""
    answer = await east.request(method, path, content=body)

    assert status == answer.status_code
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "headers", [{"host": "sandbox.example"}, {"origin": "https://example.com"}, {"host": "[::2]:80"}]
)
async def test_only_callers_on_this_machine_may_steer(east: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """A page in a browser cannot switch faults on, by its origin or by a name that points at us."""
    answer = await east.post("/_control/faults", json={"kind": "html"}, headers=headers)

    assert 403 == answer.status_code


async def test_calls_are_counted_over_http(east: httpx.AsyncClient) -> None:
    """Each page is a call with its place in one order; control calls do not count."""
    first = (await east.get("/v1/machines?limit=4")).json()
    await east.get("/v1/machines", params={"limit": 4, "cursor": first["next_cursor"]})
    await east.get("/v1/volumes")

    told = (await east.get("/_control/calls")).json()
    volumes = (await east.get("/_control/calls", params={"tenant": EAST, "operation": "list_volumes"})).json()
    forgotten = await east.delete("/_control/calls")

    assert (3, {f"{EAST}/list_machines": 2, f"{EAST}/list_volumes": 1}) == (told["total"], told["counts"])
    assert [1, 2, 1] == [call["page"] for call in told["calls"]]
    order = [call[moment] for call in told["calls"] for moment in ("started", "shown", "ended")]
    assert sorted(order) == order
    assert (1, 204) == (volumes["total"], forgotten.status_code)
    assert 0 == (await east.get("/_control/calls")).json()["total"]


async def test_a_visitor_changes_a_machine(east: httpx.AsyncClient, world: World) -> None:
    """An undocumented status, a name and a rate, at once."""
    machine_id = machine_in(world, "running").machine_id
    path = f"/_control/tenants/{EAST}/machines/{machine_id}"

    answer = await east.patch(path, json={"status": "hibernating", "name": "renamed", "hourly": 0.5})
    told = (await east.get(f"/v1/machines/{machine_id}")).json()

    assert {"status": "hibernating"} == answer.json()
    assert ("hibernating", "renamed", 0.5) == (told["status"], told["name"], told["price"]["running_hourly"])
    assert told["price"]["current_hourly"] is None


async def test_a_visitor_lets_things_vanish_and_be_taken_back(east: httpx.AsyncClient, world: World) -> None:
    """Gone without a word; a spot machine's end announced."""
    spot = spot_machine(world)
    other = next(m for m in world.machines(EAST) if m.machine_id != spot.machine_id)
    volume = world.volumes(EAST)[0]
    tenant = f"/_control/tenants/{EAST}"

    noticed = await east.post(f"{tenant}/machines/{spot.machine_id}/reclaim", json={"seconds": 30})
    gone = [
        (await east.delete(f"{tenant}/machines/{other.machine_id}")).status_code,
        (await east.delete(f"{tenant}/volumes/{volume.volume_id}")).status_code,
    ]
    shown = (await east.get("/_control/world")).json()["tenants"][EAST]

    assert "2026-01-31T12:00:30.000000Z" == noticed.json()["reclaim_at"]
    assert [204, 204] == gone
    assert other.machine_id not in shown["machines"]
    assert volume.volume_id not in shown["volumes"]
    assert 404 == (await east.get(f"/v1/machines/{other.machine_id}")).status_code


async def test_latency_is_set_over_http(east: httpx.AsyncClient, server: SandboxServer) -> None:
    """Every answer waits, after its state was taken."""
    await east.post("/_control/latency", json={"seconds": 600})
    asking = asyncio.create_task(east.get("/v1/machines"))
    await server.journal.until(lambda journal: any(call.shown for call in journal.calls()))

    (call,) = server.journal.calls()
    asking.cancel()

    assert (True, None) == (call.shown is not None, call.ended)


async def test_the_port_is_closed_for_a_while_over_http(east: httpx.AsyncClient, server: SandboxServer) -> None:
    """The request is answered, then connections are refused, then the same port serves again."""
    answer = await east.post("/_control/refuse", json={"seconds": 0.2})

    seen: list[str] = []
    async with asyncio.timeout(10):
        while seen[-1:] != ["served"] or "refused" not in seen:
            try:
                async with httpx.AsyncClient(base_url=server.url) as client:
                    await client.get("/_control/world")
                seen.append("served")
            except httpx.ConnectError:
                seen.append("refused")

    assert 204 == answer.status_code
    assert "served" == seen[-1]
