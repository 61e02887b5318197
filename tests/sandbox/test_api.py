"""The REST API of the simulated cloud, over real HTTP."""

from __future__ import annotations

import httpx
import pytest

from sandbox.http.server import SandboxServer
from sandbox.world import World
from tests.clock import ManualClock
from tests.sandbox.tenants import EAST, EAST_KEY, KEYS, WEST, attached_pair, machine_in


async def _fetch_pages(client: httpx.AsyncClient, kind: str, limit: int) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        body = (await client.get(f"/v1/{kind}", params={"limit": limit, "cursor": cursor})).json()
        pages.append([item["id"] for item in body[kind]])
        cursor = body["next_cursor"]
    return pages


async def test_a_machine_has_all_fields(east: httpx.AsyncClient, world: World) -> None:
    """The body has hardware, price and attachments, and also a console token, which no reader should store."""
    machine, volume = attached_pair(world)

    body = (await east.get(f"/v1/machines/{machine.machine_id}")).json()

    assert (machine.name, machine.sku.name, machine.region) == (body["name"], body["sku"], body["region"])
    assert machine.sku.gpu_count == body["hardware"]["gpu"]["count"]
    assert ("USD", machine.hourly) == (body["price"]["currency"], body["price"]["running_hourly"])
    assert volume.volume_id in {attachment["volume_id"] for attachment in body["attachments"]}
    assert {"token", "path"} == set(body["console"])


async def test_only_a_running_machine_has_ssh_access(east: httpx.AsyncClient, world: World) -> None:
    """A running machine has user, host and port. A stopped one has none, and costs its stopped rate."""
    running, stopped = machine_in(world, "running"), machine_in(world, "stopped")

    running_body = (await east.get(f"/v1/machines/{running.machine_id}")).json()
    stopped_body = (await east.get(f"/v1/machines/{stopped.machine_id}")).json()

    assert {"user": running.ssh_user, "host": running.public_ip, "port": running.ssh_port} == running_body["ssh"]
    assert (running.hourly, None) == (running_body["price"]["current_hourly"], stopped_body["ssh"])
    assert stopped.stopped_hourly == stopped_body["price"]["current_hourly"]


@pytest.mark.parametrize(
    ("kind", "limit", "sizes"), [("machines", 4, [4, 2]), ("machines", 6, [6]), ("volumes", 1, [1, 1, 1])]
)
async def test_pages_contain_every_item_once(
    east: httpx.AsyncClient, world: World, kind: str, limit: int, sizes: list[int]
) -> None:
    """Following the cursors returns every item once, ordered by id, and ends."""
    pages = await _fetch_pages(east, kind, limit)

    ids = (
        [m.machine_id for m in world.machines(EAST)]
        if kind == "machines"
        else [v.volume_id for v in world.volumes(EAST)]
    )
    assert sizes == [len(page) for page in pages]
    assert ids == [item for page in pages for item in page]


async def test_a_tenant_sees_only_its_own_machines(server: SandboxServer, world: World) -> None:
    """The key selects the tenant; another tenant's machine does not exist for it."""
    async with httpx.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {KEYS[WEST]}"}) as west:
        assert {m.machine_id for m in world.machines(WEST)} == set((await _fetch_pages(west, "machines", 100))[0])
        foreign_response = await west.get(f"/v1/machines/{world.machines(EAST)[0].machine_id}")

    assert (404, "no_such_machine") == (foreign_response.status_code, foreign_response.json()["error"]["code"])


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {EAST_KEY}"}])
async def test_a_wrong_key_is_refused(server: SandboxServer, header: dict[str, str]) -> None:
    """No key, a wrong key and another scheme return 401. The calls are counted under the tenant `nobody`."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        response = await client.get("/v1/machines", headers=header)

    assert (401, "unauthorized") == (response.status_code, response.json()["error"]["code"])
    assert 1 == server.journal.count("nobody")


@pytest.mark.parametrize("kind", ["machine", "volume"])
async def test_an_unknown_id_has_its_own_error_code(east: httpx.AsyncClient, kind: str) -> None:
    """An unknown id returns `no_such_machine` or `no_such_volume`, and an unknown path `no_such_route`."""
    response = await east.get(f"/v1/{kind}s/x-1")
    unknown_path = await east.get("/v1/elsewhere")

    assert (404, f"no_such_{kind}") == (response.status_code, response.json()["error"]["code"])
    assert (404, "no_such_route") == (unknown_path.status_code, unknown_path.json()["error"]["code"])


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=" + "9" * 5000, "cursor=!", "cursor=YQ=="])
async def test_an_invalid_limit_or_cursor_is_refused(east: httpx.AsyncClient, query: str) -> None:
    """A limit outside 1 to 100 and an unknown cursor return 400."""
    assert 400 == (await east.get(f"/v1/machines?{query}")).status_code


async def test_the_lifecycle_of_a_machine_over_http(east: httpx.AsyncClient, clock: ManualClock) -> None:
    """Each action returns the status that it starts. A deleted machine disappears in the end."""
    created = await east.post("/v1/machines", json={"name": "new", "sku": "cpu.16", "region": "us-west"})
    path = f"/v1/machines/{created.json()['id']}"
    statuses = [created.json()["status"]]
    clock.advance(8)
    for action in ("stop", "start"):
        statuses.append((await east.post(f"{path}/{action}")).json()["status"])
        clock.advance(8)
    statuses.append((await east.delete(path)).json()["status"])
    clock.advance(5)
    statuses.append((await east.get(path)).json()["status"])
    clock.advance(60)

    assert (201, None) == (created.status_code, created.json()["hardware"]["gpu"])
    assert ["provisioning", "stopping", "provisioning", "deleting", "deleted"] == statuses
    assert 404 == (await east.get(path)).status_code


async def test_the_lifecycle_of_a_volume_over_http(east: httpx.AsyncClient, world: World, clock: ManualClock) -> None:
    """A volume is created, attached, detached and deleted. It cannot be deleted while it is attached."""
    machine = machine_in(world, "running")
    created = await east.post("/v1/volumes", json={"name": "v", "size_gb": 10, "region": machine.region})
    volume_id = created.json()["id"]
    clock.advance(3)

    await east.post(f"/v1/machines/{machine.machine_id}/attach", json={"volume_id": volume_id})
    attached = (await east.get(f"/v1/volumes/{volume_id}")).json()
    busy = await east.delete(f"/v1/volumes/{volume_id}")
    await east.post(f"/v1/machines/{machine.machine_id}/detach", json={"volume_id": volume_id})
    deleted = await east.delete(f"/v1/volumes/{volume_id}")

    assert (201, "in_use") == (created.status_code, attached["status"])
    assert [machine.machine_id] == [attachment["machine_id"] for attachment in attached["attached_to"]]
    assert (409, 202, "deleting") == (busy.status_code, deleted.status_code, deleted.json()["status"])


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"[" * 50_000, b'{"name": 1}', b'{"name": "n", "sku": "none", "region": "us-east"}']
)
async def test_an_invalid_body_is_refused(east: httpx.AsyncClient, body: bytes) -> None:
    """Any invalid body returns 422 with the code `bad_request`."""
    response = await east.post("/v1/machines", content=body)

    assert (422, "bad_request") == (response.status_code, response.json()["error"]["code"])


async def test_offers_cover_every_combination(east: httpx.AsyncClient) -> None:
    """Offers are paged like the other listings, and a spot rate is lower than the on-demand rate."""
    ids = [item for page in await _fetch_pages(east, "offers", 50) for item in page]
    first_page = {offer["id"]: offer for offer in (await east.get("/v1/offers?limit=100")).json()["offers"]}

    assert (72, 72) == (len(ids), len(set(ids)))
    spot, ondemand = first_page["cpu.16:spot:us-east"], first_page["cpu.16:ondemand:us-east"]
    assert spot["price"]["running_hourly"] < ondemand["price"]["running_hourly"]
