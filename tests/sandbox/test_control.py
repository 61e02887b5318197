"""The control routes over HTTP: faults, the call log and changes of the world."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from sandbox.http.server import SandboxServer
from sandbox.world import World
from tests.sandbox.tenants import EAST, machine_in, spot_machine


async def test_faults_are_switched_on_and_off_over_http(east: httpx.AsyncClient) -> None:
    """A fault applies from the request that switches it on to the one that switches it off."""
    fault = {"kind": "rate_limited", "tenant": EAST, "operation": "list_machines", "seconds": 9}

    created = await east.post("/_control/faults", json=fault)
    limited = await east.get("/v1/machines")
    faults = (await east.get("/_control/faults")).json()
    switched_off = await east.delete(f"/_control/faults/{created.json()['id']}")

    assert (201, 429, "9") == (created.status_code, limited.status_code, limited.headers["retry-after"])
    assert [created.json()] == faults["faults"]
    assert "stall" in faults["kinds"]
    assert (204, 200) == (switched_off.status_code, (await east.get("/v1/machines")).status_code)


async def test_all_faults_are_switched_off_at_once(east: httpx.AsyncClient, server: SandboxServer) -> None:
    """One request switches every fault off."""
    for kind in ("html", "reset"):
        await east.post("/_control/faults", json={"kind": kind})

    response = await east.delete("/_control/faults")

    assert (204, ()) == (response.status_code, server.faults.active())


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
async def test_an_invalid_request_is_explained(
    east: httpx.AsyncClient, method: str, path: str, body: bytes, status: int
) -> None:
    """The response has the right status and a message."""
    response = await east.request(method, path, content=body)

    assert status == response.status_code
    assert response.json()["error"]["message"]


@pytest.mark.parametrize(
    "headers", [{"host": "sandbox.example"}, {"origin": "https://example.com"}, {"host": "[::2]:80"}]
)
async def test_only_local_callers_are_accepted(east: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """A web page cannot switch faults on: its Origin, or a host name that resolves to loopback, is refused."""
    response = await east.post("/_control/faults", json={"kind": "html"}, headers=headers)

    assert 403 == response.status_code


async def test_calls_are_counted_over_http(east: httpx.AsyncClient) -> None:
    """Each page is a call with numbers from one sequence. Control requests are not counted."""
    first = (await east.get("/v1/machines?limit=4")).json()
    await east.get("/v1/machines", params={"limit": 4, "cursor": first["next_cursor"]})
    await east.get("/v1/volumes")

    body = (await east.get("/_control/calls")).json()
    volumes = (await east.get("/_control/calls", params={"tenant": EAST, "operation": "list_volumes"})).json()
    cleared = await east.delete("/_control/calls")

    assert (3, {f"{EAST}/list_machines": 2, f"{EAST}/list_volumes": 1}) == (body["total"], body["counts"])
    assert [1, 2, 1] == [call["page"] for call in body["calls"]]
    order = [call[moment] for call in body["calls"] for moment in ("started", "shown", "ended")]
    assert sorted(order) == order
    assert (1, 204) == (volumes["total"], cleared.status_code)
    assert 0 == (await east.get("/_control/calls")).json()["total"]


async def test_a_machine_is_changed_without_validation(east: httpx.AsyncClient, world: World) -> None:
    """An undocumented status, a name and a rate take effect at once."""
    machine_id = machine_in(world, "running").machine_id
    path = f"/_control/tenants/{EAST}/machines/{machine_id}"

    response = await east.patch(path, json={"status": "hibernating", "name": "renamed", "hourly": 0.5})
    body = (await east.get(f"/v1/machines/{machine_id}")).json()

    assert {"status": "hibernating"} == response.json()
    assert ("hibernating", "renamed", 0.5) == (body["status"], body["name"], body["price"]["running_hourly"])
    assert body["price"]["current_hourly"] is None


async def test_resources_vanish_and_a_reclaim_is_announced(east: httpx.AsyncClient, world: World) -> None:
    """A removed machine or volume is gone at once. The reclaim of a spot machine has a time."""
    spot = spot_machine(world)
    other = next(m for m in world.machines(EAST) if m.machine_id != spot.machine_id)
    volume = world.volumes(EAST)[0]
    tenant = f"/_control/tenants/{EAST}"

    announced = await east.post(f"{tenant}/machines/{spot.machine_id}/reclaim", json={"seconds": 30})
    removals = [
        (await east.delete(f"{tenant}/machines/{other.machine_id}")).status_code,
        (await east.delete(f"{tenant}/volumes/{volume.volume_id}")).status_code,
    ]
    resources = (await east.get("/_control/world")).json()["tenants"][EAST]

    assert "2026-01-31T12:00:30.000000Z" == announced.json()["reclaim_at"]
    assert [204, 204] == removals
    assert other.machine_id not in resources["machines"]
    assert volume.volume_id not in resources["volumes"]
    assert 404 == (await east.get(f"/v1/machines/{other.machine_id}")).status_code


async def test_latency_is_set_over_http(east: httpx.AsyncClient, server: SandboxServer) -> None:
    """Every response is delayed after its state was taken."""
    await east.post("/_control/latency", json={"seconds": 600})
    task = asyncio.create_task(east.get("/v1/machines"))
    await server.journal.until(lambda journal: any(call.shown for call in journal.calls()))

    (call,) = server.journal.calls()
    task.cancel()

    assert (True, None) == (call.shown is not None, call.ended)


async def test_the_port_is_closed_temporarily_over_http(east: httpx.AsyncClient, server: SandboxServer) -> None:
    """The request gets a response, then connections are refused, then the same port serves again."""
    response = await east.post("/_control/refuse", json={"seconds": 0.2})

    results: list[str] = []
    async with asyncio.timeout(10):
        while results[-1:] != ["served"] or "refused" not in results:
            try:
                async with httpx.AsyncClient(base_url=server.url) as client:
                    await client.get("/_control/world")
                results.append("served")
            except httpx.ConnectError:
                results.append("refused")

    assert 204 == response.status_code
    assert "served" == results[-1]
