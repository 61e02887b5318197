"""The REST route over a real gateway: its response, permissions, and the ages in HTTP headers."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from domain.enums import Permission
from domain.timestamps import to_text
from sandbox.faults import FaultKind
from supplygraph.http.rest_models import ResourceSummary
from tests.app.harness import GatewayHarness

READ = (Permission.READ,)


async def test_the_body_has_the_keys_of_the_contract(up: GatewayHarness) -> None:
    """Keys are in snake case, enums in lower case, instants canonical. The body has no other key."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)

    response = await up.client.get(f"/resources/{resource_id}", headers=headers)

    assert 200 == response.status_code
    body = response.json()
    assert set(ResourceSummary.model_fields) == set(body)
    ResourceSummary.model_validate(body, strict=False, extra="forbid")
    assert ("vm", "sandbox", "running", resource_id) == (
        body["resource_type"], body["vendor"], body["status"], body["resource_id"],
    )  # fmt: skip
    assert body["last_synced_at"].endswith("Z")
    assert body["spec"]["gpu_count"] == 8
    assert None not in body["spec"].values()
    assert {"observed"} == {entry["role"] for entry in body["offer_history"]}
    assert isinstance(body["pricing_total_hourly"], float)


async def test_open_links_stand_before_ended_ones(up: GatewayHarness) -> None:
    """A volume that was detached comes after those that are attached."""
    headers = await up.token()
    world = up.cloud.world
    region = "us-east"
    volume = [world.create_volume("east", f"spare-{number}", "block", 100, region) for number in range(2)]
    sku = next(offer.sku.name for offer in world.offers() if offer.region == region)
    machine = world.create_machine("east", "worker", sku=sku, region=region)
    up.clock.advance(300)
    for each in volume:
        world.attach("east", machine.machine_id, each.volume_id)
        up.clock.advance(60)
    resource_id = await up.resource_id("worker", headers)
    world.detach("east", machine.machine_id, volume[0].volume_id)
    up.clock.advance(60)

    response = await up.client.get(f"/resources/{resource_id}", headers=headers)

    links = response.json()["linked_resources"]
    assert [("spare-1", False), ("spare-0", True)] == [
        (link["name"], link["linked_until"] is not None) for link in links
    ]
    assert {"attached_storage"} == {link["link_type"] for link in links}


async def test_unknown_and_invisible_resources_get_the_same_response(up: GatewayHarness) -> None:
    """A viewer of another account does not learn that the resource exists."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    body = await up.graph(f'{{ resource(resourceId: "{resource_id}") {{ account {{ name }} }} }}', headers)
    other = {"east", "west"} - {body["data"]["resource"]["account"]["name"]}
    stranger = await up.token(accounts=other)

    unknown = await up.client.get(f"/resources/{uuid4()}", headers=stranger)
    invisible = await up.client.get(f"/resources/{resource_id}", headers=stranger)

    assert 404 == unknown.status_code == invisible.status_code
    assert unknown.content == invisible.content
    assert {"detail"} == set(unknown.json())
    for response in (unknown, invisible):
        assert "Age" not in response.headers
        assert "Cache-Status" not in response.headers


async def test_a_missing_token_is_reported_before_invalid_parameters(up: GatewayHarness) -> None:
    """401 comes before 422: nothing of the request is parsed."""
    response = await up.client.get("/resources/nonsense")

    assert (401, "Bearer") == (response.status_code, response.headers["WWW-Authenticate"])
    assert {"detail"} == set(response.json())


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/resources/s3cret", ["path", "resource_id"]),
        (f"/resources/{UUID(int=0)}?force_refresh=s3cret", ["query", "force_refresh"]),
    ],
)
async def test_a_422_does_not_repeat_the_input(up: GatewayHarness, path: str, place: list[str]) -> None:
    """Each entry has `loc`, `msg` and `type`, and neither the input nor a context."""
    response = await up.client.get(path, headers=await up.token())

    assert 422 == response.status_code
    (entry,) = response.json()["detail"]
    assert {"loc", "msg", "type"} == set(entry)
    assert place == entry["loc"]
    assert "s3cret" not in response.text


async def test_a_fresh_resource_costs_no_call(up: GatewayHarness) -> None:
    """Within the cooldown no cloud is called. Age and ttl add up to the cooldown."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    await up.client.get(f"/resources/{resource_id}", headers=headers)
    before = len(up.cloud.journal.calls())
    up.clock.advance(12)

    response = await up.client.get(f"/resources/{resource_id}", headers=headers)

    assert "12" == response.headers["Age"]
    assert "supplygraph; hit; ttl=18" == response.headers["Cache-Status"]
    assert "private, no-cache" == response.headers["Cache-Control"]
    assert "Authorization" in response.headers["Vary"]
    assert before == len(up.cloud.journal.calls())


async def test_an_old_resource_is_refreshed(up: GatewayHarness) -> None:
    """After the cooldown the response shows the state after reconciliation."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    machine = next(one for name in ("east", "west") for one in up.cloud.world.machines(name) if one.name == "trainer-1")
    tenant = next(name for name in ("east", "west") if machine in up.cloud.world.machines(name))
    up.cloud.world.set_status(tenant, machine.machine_id, "error")
    up.clock.advance(31)

    response = await up.client.get(f"/resources/{resource_id}", headers=headers)

    assert ("error", "0") == (response.json()["status"], response.headers["Age"])
    assert "supplygraph; fwd=stale; stored" == response.headers["Cache-Status"]


async def test_a_failing_cloud_is_reported_as_age_and_reason(up: GatewayHarness) -> None:
    """The status is 200, and the headers say how much too old the values are, and why."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    await up.client.get(f"/resources/{resource_id}", headers=headers)
    up.cloud.faults.switch_on(FaultKind.FORBIDDEN)
    up.clock.advance(72)

    response = await up.client.get(f"/resources/{resource_id}", headers=headers)

    assert (200, "72") == (response.status_code, response.headers["Age"])
    assert "supplygraph; hit; ttl=-42; detail=AUTH_REJECTED" == response.headers["Cache-Status"]


async def test_force_needs_the_permission(up: GatewayHarness) -> None:
    """Without `refresh` the request is refused before anything runs."""
    reader = await up.token(*READ)
    resource_id = await up.resource_id("trainer-1", reader)
    before = len(up.cloud.journal.calls())

    response = await up.client.get(f"/resources/{resource_id}?force_refresh=true", headers=reader)

    assert 403 == response.status_code
    assert "refresh" in response.json()["detail"]
    assert before == len(up.cloud.journal.calls())


async def test_force_ignores_the_cooldown(up: GatewayHarness) -> None:
    """A forced read calls the cloud, however fresh the values are."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    up.clock.advance(1)

    response = await up.client.get(f"/resources/{resource_id}?force_refresh=true", headers=headers)

    assert "supplygraph; fwd=stale; stored" == response.headers["Cache-Status"]
    assert to_text(up.clock.now()) == response.json()["last_synced_at"]


@pytest.mark.parametrize("header", ["no-cache", "max-age=0", "max-age=1"])
async def test_a_header_is_clamped_instead_of_refused(up: GatewayHarness, header: str) -> None:
    """Browsers send such headers. For a token without `refresh` the floor of five seconds counts."""
    reader = await up.token(*READ)
    resource_id = await up.resource_id("trainer-1", reader)
    up.clock.advance(4)
    within = await up.client.get(f"/resources/{resource_id}", headers={**reader, "Cache-Control": header})
    up.clock.advance(2)
    beyond = await up.client.get(f"/resources/{resource_id}", headers={**reader, "Cache-Control": header})

    assert "supplygraph; hit; ttl=1" == within.headers["Cache-Status"]
    assert "supplygraph; fwd=stale; stored" == beyond.headers["Cache-Status"]


async def test_a_header_does_not_loosen_the_force_parameter(up: GatewayHarness) -> None:
    """The refresh is forced, whatever max age a proxy added."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    up.clock.advance(3)

    response = await up.client.get(
        f"/resources/{resource_id}?force_refresh=true", headers={**headers, "Cache-Control": "max-age=3600"}
    )

    assert response.headers["Cache-Status"].startswith("supplygraph; fwd=stale")


async def test_a_short_wait_returns_the_recorded_values(up: GatewayHarness) -> None:
    """`Prefer: wait=0` is answered at once, and the headers give the deadline as the reason."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    fault = up.cloud.faults.switch_on(FaultKind.HOLD)
    up.clock.advance(40)

    response = await up.client.get(f"/resources/{resource_id}", headers={**headers, "Prefer": "wait=0"})

    assert "supplygraph; hit; ttl=-10; detail=DEADLINE" == response.headers["Cache-Status"]
    up.cloud.faults.switch_off(fault.fault_id)


async def test_an_unchanged_resource_is_not_sent_again(up: GatewayHarness) -> None:
    """The tag does not change with a new sighting of the same values."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    first = await up.client.get(f"/resources/{resource_id}", headers=headers)
    tag = first.headers["ETag"]
    up.clock.advance(31)

    same = await up.client.get(f"/resources/{resource_id}", headers={**headers, "If-None-Match": f'"other", {tag}'})
    other = await up.client.get(f"/resources/{resource_id}", headers={**headers, "If-None-Match": '"other"'})

    assert tag.startswith('W/"')
    assert (304, b"", tag, "0") == (same.status_code, same.content, same.headers["ETag"], same.headers["Age"])
    assert (200, tag) == (other.status_code, other.headers["ETag"])
    assert first.json()["last_synced_at"] < other.json()["last_synced_at"]
