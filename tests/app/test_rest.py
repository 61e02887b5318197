"""The REST route over a real gateway: its answer, who may have it, and the ages that HTTP's headers tell."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from domain.enums import Permission
from domain.timestamps import to_text
from sandbox.faults import FaultKind
from supplygraph.http.rest_models import ResourceSummary
from tests.app.harness import GatewayHarness

READ = (Permission.READ,)


async def test_the_answer_is_the_whole_resource_in_the_contracts_keys(up: GatewayHarness) -> None:
    """Keys are snake case, enums lower case, instants canonical; nothing beyond the contract is in it."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)

    answer = await up.client.get(f"/resources/{resource_id}", headers=headers)

    assert 200 == answer.status_code
    body = answer.json()
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
    """A volume that was taken off is told after those that are attached."""
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

    answer = await up.client.get(f"/resources/{resource_id}", headers=headers)

    links = answer.json()["linked_resources"]
    assert [("spare-1", False), ("spare-0", True)] == [
        (link["name"], link["linked_until"] is not None) for link in links
    ]
    assert {"attached_storage"} == {link["link_type"] for link in links}


async def test_unknown_and_invisible_are_the_same_answer(up: GatewayHarness) -> None:
    """A viewer of another account learns nothing, not even that the resource exists."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    told = await up.graph(f'{{ resource(resourceId: "{resource_id}") {{ account {{ name }} }} }}', headers)
    other = {"east", "west"} - {told["data"]["resource"]["account"]["name"]}
    stranger = await up.token(accounts=other)

    unknown = await up.client.get(f"/resources/{uuid4()}", headers=stranger)
    invisible = await up.client.get(f"/resources/{resource_id}", headers=stranger)

    assert 404 == unknown.status_code == invisible.status_code
    assert unknown.content == invisible.content
    assert {"detail"} == set(unknown.json())
    for answer in (unknown, invisible):
        assert "Age" not in answer.headers
        assert "Cache-Status" not in answer.headers


async def test_who_has_no_token_is_told_so_before_anything_else(up: GatewayHarness) -> None:
    """401 comes before 422: what a stranger asks is not looked at."""
    answer = await up.client.get("/resources/nonsense")

    assert (401, "Bearer") == (answer.status_code, answer.headers["WWW-Authenticate"])
    assert {"detail"} == set(answer.json())


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/resources/s3cret", ["path", "resource_id"]),
        (f"/resources/{UUID(int=0)}?force_refresh=s3cret", ["query", "force_refresh"]),
    ],
)
async def test_a_422_repeats_nothing_of_what_was_sent(up: GatewayHarness, path: str, place: list[str]) -> None:
    """Each entry has loc, msg and type, and neither the input nor a context."""
    answer = await up.client.get(path, headers=await up.token())

    assert 422 == answer.status_code
    (entry,) = answer.json()["detail"]
    assert {"loc", "msg", "type"} == set(entry)
    assert place == entry["loc"]
    assert "s3cret" not in answer.text


async def test_what_is_fresh_enough_is_answered_from_the_record(up: GatewayHarness) -> None:
    """Within the cooldown no cloud is asked; Age and ttl add up to the cooldown."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    await up.client.get(f"/resources/{resource_id}", headers=headers)
    before = len(up.cloud.journal.calls())
    up.clock.advance(12)

    answer = await up.client.get(f"/resources/{resource_id}", headers=headers)

    assert "12" == answer.headers["Age"]
    assert "supplygraph; hit; ttl=18" == answer.headers["Cache-Status"]
    assert "private, no-cache" == answer.headers["Cache-Control"]
    assert "Authorization" in answer.headers["Vary"]
    assert before == len(up.cloud.journal.calls())


async def test_what_is_too_old_is_asked_again(up: GatewayHarness) -> None:
    """After the cooldown the answer is the state after reconciliation."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    machine = next(one for name in ("east", "west") for one in up.cloud.world.machines(name) if one.name == "trainer-1")
    tenant = next(name for name in ("east", "west") if machine in up.cloud.world.machines(name))
    up.cloud.world.set_status(tenant, machine.machine_id, "error")
    up.clock.advance(31)

    answer = await up.client.get(f"/resources/{resource_id}", headers=headers)

    assert ("error", "0") == (answer.json()["status"], answer.headers["Age"])
    assert "supplygraph; fwd=stale; stored" == answer.headers["Cache-Status"]


async def test_a_failing_cloud_is_an_age_and_a_reason(up: GatewayHarness) -> None:
    """The record is answered with 200, how much too old it is, and why."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    await up.client.get(f"/resources/{resource_id}", headers=headers)
    up.cloud.faults.switch_on(FaultKind.FORBIDDEN)
    up.clock.advance(72)

    answer = await up.client.get(f"/resources/{resource_id}", headers=headers)

    assert (200, "72") == (answer.status_code, answer.headers["Age"])
    assert "supplygraph; hit; ttl=-42; detail=AUTH_REJECTED" == answer.headers["Cache-Status"]


async def test_force_needs_the_permission(up: GatewayHarness) -> None:
    """Without `refresh` the parameter is refused before anything runs."""
    reader = await up.token(*READ)
    resource_id = await up.resource_id("trainer-1", reader)
    before = len(up.cloud.journal.calls())

    answer = await up.client.get(f"/resources/{resource_id}?force_refresh=true", headers=reader)

    assert 403 == answer.status_code
    assert "refresh" in answer.json()["detail"]
    assert before == len(up.cloud.journal.calls())


async def test_force_asks_however_fresh(up: GatewayHarness) -> None:
    """The cooldown does not hold a forced reader."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    up.clock.advance(1)

    answer = await up.client.get(f"/resources/{resource_id}?force_refresh=true", headers=headers)

    assert "supplygraph; fwd=stale; stored" == answer.headers["Cache-Status"]
    assert to_text(up.clock.now()) == answer.json()["last_synced_at"]


@pytest.mark.parametrize("header", ["no-cache", "max-age=0", "max-age=1"])
async def test_a_header_is_clamped_where_a_parameter_would_be_refused(up: GatewayHarness, header: str) -> None:
    """A token without `refresh` that sends what browsers send is answered by the floor of five seconds."""
    reader = await up.token(*READ)
    resource_id = await up.resource_id("trainer-1", reader)
    up.clock.advance(4)
    within = await up.client.get(f"/resources/{resource_id}", headers={**reader, "Cache-Control": header})
    up.clock.advance(2)
    beyond = await up.client.get(f"/resources/{resource_id}", headers={**reader, "Cache-Control": header})

    assert "supplygraph; hit; ttl=1" == within.headers["Cache-Status"]
    assert "supplygraph; fwd=stale; stored" == beyond.headers["Cache-Status"]


async def test_a_header_never_loosens_the_parameter(up: GatewayHarness) -> None:
    """Force is force, whatever max age a proxy wrote."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    up.clock.advance(3)

    answer = await up.client.get(
        f"/resources/{resource_id}?force_refresh=true", headers={**headers, "Cache-Control": "max-age=3600"}
    )

    assert answer.headers["Cache-Status"].startswith("supplygraph; fwd=stale")


async def test_whoever_waits_no_longer_gets_the_record(up: GatewayHarness) -> None:
    """`Prefer: wait=0` is answered at once, marked as waited for in vain."""
    headers = await up.token()
    resource_id = await up.resource_id("trainer-1", headers)
    fault = up.cloud.faults.switch_on(FaultKind.HOLD)
    up.clock.advance(40)

    answer = await up.client.get(f"/resources/{resource_id}", headers={**headers, "Prefer": "wait=0"})

    assert "supplygraph; hit; ttl=-10; detail=DEADLINE" == answer.headers["Cache-Status"]
    up.cloud.faults.switch_off(fault.fault_id)


async def test_what_did_not_change_is_not_sent_again(up: GatewayHarness) -> None:
    """The tag outlives a new sighting, and changes with the resource."""
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
