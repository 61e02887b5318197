"""The REST API of the simulated cloud, asked over real HTTP by a plain client."""

from __future__ import annotations

import httpx
import pytest

from sandbox.http.server import SandboxServer
from sandbox.world import World
from tests.clock import ManualClock
from tests.sandbox.tenants import EAST, EAST_KEY, KEYS, WEST, attached_pair, machine_in


async def _walk(client: httpx.AsyncClient, kind: str, limit: int) -> list[list[str]]:
    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = (await client.get(f"/v1/{kind}", params={"limit": limit, "cursor": cursor})).json()
        pages.append([item["id"] for item in answer[kind]])
        cursor = answer["next_cursor"]
    return pages


async def test_a_machine_tells_all_that_a_reader_may_want(east: httpx.AsyncClient, world: World) -> None:
    """Hardware, access, money, terms and attachments, beside things that no reader should keep."""
    machine, volume = attached_pair(world)

    told = (await east.get(f"/v1/machines/{machine.machine_id}")).json()

    assert (machine.name, machine.sku.name, machine.region) == (told["name"], told["sku"], told["region"])
    assert machine.sku.gpu_count == told["hardware"]["gpu"]["count"]
    assert ("USD", machine.hourly) == (told["price"]["currency"], told["price"]["running_hourly"])
    assert volume.volume_id in {each["volume_id"] for each in told["attachments"]}
    assert {"token", "path"} == set(told["console"])


async def test_only_a_running_machine_can_be_reached(east: httpx.AsyncClient, world: World) -> None:
    """A running machine has user, host and port; a stopped one has none, and its stopped rate."""
    running, stopped = machine_in(world, "running"), machine_in(world, "stopped")

    up = (await east.get(f"/v1/machines/{running.machine_id}")).json()
    down = (await east.get(f"/v1/machines/{stopped.machine_id}")).json()

    assert {"user": running.ssh_user, "host": running.public_ip, "port": running.ssh_port} == up["ssh"]
    assert (running.hourly, None) == (up["price"]["current_hourly"], down["ssh"])
    assert stopped.stopped_hourly == down["price"]["current_hourly"]


@pytest.mark.parametrize(
    ("kind", "limit", "sizes"), [("machines", 4, [4, 2]), ("machines", 6, [6]), ("volumes", 1, [1, 1, 1])]
)
async def test_pages_hold_everything_once(
    east: httpx.AsyncClient, world: World, kind: str, limit: int, sizes: list[int]
) -> None:
    """Walking the cursors brings every item once, by id, and ends."""
    pages = await _walk(east, kind, limit)

    ids = (
        [m.machine_id for m in world.machines(EAST)]
        if kind == "machines"
        else [v.volume_id for v in world.volumes(EAST)]
    )
    assert sizes == [len(page) for page in pages]
    assert ids == [item for page in pages for item in page]


async def test_a_tenant_sees_its_own_alone(server: SandboxServer, world: World) -> None:
    """The key decides what exists."""
    async with httpx.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {KEYS[WEST]}"}) as west:
        assert {m.machine_id for m in world.machines(WEST)} == set((await _walk(west, "machines", 100))[0])
        foreign = await west.get(f"/v1/machines/{world.machines(EAST)[0].machine_id}")

    assert (404, "no_such_machine") == (foreign.status_code, foreign.json()["error"]["code"])


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {EAST_KEY}"}])
async def test_a_wrong_key_is_refused(server: SandboxServer, header: dict[str, str]) -> None:
    """401 for no key, a wrong one, or another scheme; counted as a call of nobody."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = await client.get("/v1/machines", headers=header)

    assert (401, "unauthorized") == (answer.status_code, answer.json()["error"]["code"])
    assert 1 == server.journal.count("nobody")


@pytest.mark.parametrize("kind", ["machine", "volume"])
async def test_unknown_ids_have_words_of_their_own(east: httpx.AsyncClient, kind: str) -> None:
    """404 with `no_such_machine` or `no_such_volume`, unlike a path that does not exist."""
    answer = await east.get(f"/v1/{kind}s/x-1")
    nowhere = await east.get("/v1/elsewhere")

    assert (404, f"no_such_{kind}") == (answer.status_code, answer.json()["error"]["code"])
    assert (404, "no_such_route") == (nowhere.status_code, nowhere.json()["error"]["code"])


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=" + "9" * 5000, "cursor=!", "cursor=YQ=="])
async def test_bad_paging_is_refused(east: httpx.AsyncClient, query: str) -> None:
    """A limit outside 1 to 100 or a foreign cursor is 400."""
    assert 400 == (await east.get(f"/v1/machines?{query}")).status_code


async def test_a_machine_lives_and_dies_over_http(east: httpx.AsyncClient, clock: ManualClock) -> None:
    """Create, run, stop, start, terminate, forget: each order answers with what it began."""
    made = await east.post("/v1/machines", json={"name": "new", "sku": "cpu.16", "region": "us-west"})
    path = f"/v1/machines/{made.json()['id']}"
    seen = [made.json()["status"]]
    clock.advance(8)
    for order in ("stop", "start"):
        seen.append((await east.post(f"{path}/{order}")).json()["status"])
        clock.advance(8)
    seen.append((await east.delete(path)).json()["status"])
    clock.advance(5)
    seen.append((await east.get(path)).json()["status"])
    clock.advance(60)

    assert (201, None) == (made.status_code, made.json()["hardware"]["gpu"])
    assert ["provisioning", "stopping", "provisioning", "deleting", "deleted"] == seen
    assert 404 == (await east.get(path)).status_code


async def test_volumes_are_made_attached_detached_and_deleted_over_http(
    east: httpx.AsyncClient, world: World, clock: ManualClock
) -> None:
    """Both ends tell the attachment, with its time."""
    machine = machine_in(world, "running")
    made = await east.post("/v1/volumes", json={"name": "v", "size_gb": 10, "region": machine.region})
    volume_id = made.json()["id"]
    clock.advance(3)

    await east.post(f"/v1/machines/{machine.machine_id}/attach", json={"volume_id": volume_id})
    held = (await east.get(f"/v1/volumes/{volume_id}")).json()
    busy = await east.delete(f"/v1/volumes/{volume_id}")
    await east.post(f"/v1/machines/{machine.machine_id}/detach", json={"volume_id": volume_id})
    gone = await east.delete(f"/v1/volumes/{volume_id}")

    assert (201, "in_use") == (made.status_code, held["status"])
    assert [machine.machine_id] == [each["machine_id"] for each in held["attached_to"]]
    assert (409, 202, "deleting") == (busy.status_code, gone.status_code, gone.json()["status"])


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"[" * 50_000, b'{"name": 1}', b'{"name": "n", "sku": "none", "region": "us-east"}']
)
async def test_a_bad_body_is_refused(east: httpx.AsyncClient, body: bytes) -> None:
    """422 with a sentence, whatever the body is."""
    answer = await east.post("/v1/machines", content=body)

    assert (422, "bad_request") == (answer.status_code, answer.json()["error"]["code"])


async def test_offers_tell_every_set_of_terms(east: httpx.AsyncClient) -> None:
    """Offers page like everything else, and a spot rate is below the rate on demand."""
    ids = [item for page in await _walk(east, "offers", 50) for item in page]
    first = {offer["id"]: offer for offer in (await east.get("/v1/offers?limit=100")).json()["offers"]}

    assert (72, 72) == (len(ids), len(set(ids)))
    spot, ondemand = first["cpu.16:spot:us-east"], first["cpu.16:ondemand:us-east"]
    assert spot["price"]["running_hourly"] < ondemand["price"]["running_hourly"]
