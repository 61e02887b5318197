"""The simulated cloud moves with the clock that it is given, and by its own rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sandbox.population import EPOCH
from sandbox.resources import ApiError
from sandbox.world import World
from tests.clock import ManualClock
from tests.sandbox.tenants import EAST, EAST_KEY, KEYS, WEST, attached_pair, machine_in, spot_machine


def _status(world: World, machine_id: str) -> str:
    return world.machine(EAST, machine_id).status


def test_the_default_world_has_a_bit_of_everything(world: World) -> None:
    """A dozen machines and six volumes over two tenants: several contracts, stopped ones, one in error, some attached."""
    machines = [machine for tenant in world.tenants for machine in world.machines(tenant)]
    volumes = [volume for tenant in world.tenants for volume in world.volumes(tenant)]

    assert (EAST, WEST) == world.tenants
    assert (12, 6) == (len(machines), len(volumes))
    assert {"ondemand", "spot", "reserved"} == {machine.contract for machine in machines}
    assert {"running", "stopped", "error"} == {machine.status for machine in machines}
    assert {"available", "in_use"} == {volume.status for volume in volumes}
    assert len({machine.name for machine in machines}) == 12
    assert all(EPOCH <= machine.created_at for machine in machines)


def test_a_cloud_that_is_started_again_shows_the_same_machines(world: World) -> None:
    """Ids and times of creation come from the seed, not from the time of the start."""
    later = ManualClock()
    later.advance(86_400 * 30)

    again = World.default(later, 7, KEYS, lively=False)

    assert world.machines(EAST) == again.machines(EAST)
    assert world.volumes(WEST) == again.volumes(WEST)
    assert world.machines(EAST) != World.default(later, 8, KEYS, lively=False).machines(EAST)


def test_every_machine_is_there_however_many_are_asked_for(clock: ManualClock) -> None:
    """The machines of a large cloud have distinct ids and were all created before now."""
    large = World.default(clock, 7, KEYS, machines=2000, volumes=301, lively=False)

    shares = [(len(large.machines(tenant)), len(large.volumes(tenant))) for tenant in large.tenants]

    assert [(1000, 150), (1000, 151)] == shares


def test_a_machine_provisions_and_then_runs(world: World, clock: ManualClock) -> None:
    """Time alone brings a new machine up."""
    made = world.create_machine(EAST, "fresh", sku="l40s.1x", region="us-east")

    assert _status(world, made.machine_id) == "provisioning"
    clock.advance(8)
    assert _status(world, made.machine_id) == "running"
    assert made.created_at == world.machine(EAST, made.machine_id).created_at


def test_a_machine_stops_and_starts_again(world: World, clock: ManualClock) -> None:
    """Stopping takes a while, and so does starting."""
    machine_id = machine_in(world, "running").machine_id

    seen = [world.stop(EAST, machine_id).status]
    clock.advance(5)
    seen.append(_status(world, machine_id))
    seen.append(world.start(EAST, machine_id).status)
    clock.advance(7.9)
    seen.append(_status(world, machine_id))
    clock.advance(0.1)
    seen.append(_status(world, machine_id))

    assert ["stopping", "stopped", "provisioning", "provisioning", "running"] == seen


def test_a_deleted_machine_is_listed_for_a_minute_and_then_unknown(world: World, clock: ManualClock) -> None:
    """Deleting, deleted, and then no longer listed and "no such machine" by its id."""
    machine, volume = attached_pair(world)

    assert world.terminate(EAST, machine.machine_id).status == "deleting"
    assert world.volume(EAST, volume.volume_id).status == "in_use"
    clock.advance(5)
    assert _status(world, machine.machine_id) == "deleted"
    assert world.volume(EAST, volume.volume_id).status == "available"
    clock.advance(60)
    assert machine.machine_id not in {m.machine_id for m in world.machines(EAST)}
    with pytest.raises(ApiError) as refused:
        world.machine(EAST, machine.machine_id)
    assert (404, "no_such_machine") == (refused.value.status, refused.value.code)


def test_what_a_machine_cannot_do_now_is_refused(world: World) -> None:
    """A stopped machine cannot stop, one in error cannot start, and only spot machines are taken back."""
    orders: tuple[Callable[[], object], ...] = (
        lambda: world.stop(EAST, machine_in(world, "stopped").machine_id),
        lambda: world.start(WEST, machine_in(world, "error", WEST).machine_id),
        lambda: world.announce_reclaim(WEST, next(m for m in world.machines(WEST) if m.contract != "spot").machine_id),
    )
    for order in orders:
        with pytest.raises(ApiError) as refused:
            order()
        assert refused.value.status == 409


def test_a_spot_machine_announces_its_end_and_keeps_to_it(world: World, clock: ManualClock) -> None:
    """The announcement stands on the machine until it stops at that time."""
    spot = spot_machine(world)

    announced = world.announce_reclaim(EAST, spot.machine_id, 30)

    assert announced.reclaim_at is not None
    assert 30 == (announced.reclaim_at - clock.now()).total_seconds()
    clock.advance(29.9)
    assert _status(world, spot.machine_id) == "running"
    clock.advance(0.1)
    assert _status(world, spot.machine_id) == "stopping"
    clock.advance(5)
    assert (world.machine(EAST, spot.machine_id).status, world.machine(EAST, spot.machine_id).message) == (
        "stopped",
        "Taken back by the cloud.",
    )


def test_a_new_order_calls_off_what_was_planned(world: World, clock: ManualClock) -> None:
    """A machine that was stopped and started after the announcement is not taken back, whatever else is changed on it."""
    spot = spot_machine(world)
    world.announce_reclaim(EAST, spot.machine_id, 30)
    world.stop(EAST, spot.machine_id)
    clock.advance(5)
    world.start(EAST, spot.machine_id)
    world.amend_machine(EAST, spot.machine_id, lambda m: replace(m, name="kept"))
    clock.advance(60)

    machine = world.machine(EAST, spot.machine_id)

    assert ("kept", "running", None) == (machine.name, machine.status, machine.reclaim_at)


def test_volumes_come_off_and_go_on_with_their_time(world: World, clock: ManualClock) -> None:
    """A block volume is on one machine at a time, and the attachment tells since when."""
    machine, volume = attached_pair(world)

    with pytest.raises(ApiError, match="in_use"):
        world.attach(EAST, machine.machine_id, volume.volume_id)
    world.detach(EAST, machine.machine_id, volume.volume_id)
    assert world.volume(EAST, volume.volume_id).status == "available"
    clock.advance(40)
    attached = world.attach(EAST, machine.machine_id, volume.volume_id)

    since = {a.volume_id: a.attached_at for a in attached.attachments}[volume.volume_id]
    assert clock.now() == since
    with pytest.raises(ApiError, match="detach it first"):
        world.delete_volume(EAST, volume.volume_id)


def test_a_volume_of_another_region_is_refused(world: World, clock: ManualClock) -> None:
    """Volumes attach within their region only."""
    made = world.create_volume(EAST, "far", "block", 10, "eu-north")
    near = next(m for m in world.machines(EAST) if m.region != "eu-north")

    with pytest.raises(ApiError, match="creating"):
        world.attach(EAST, near.machine_id, made.volume_id)
    clock.advance(3)
    with pytest.raises(ApiError, match="eu-north"):
        world.attach(EAST, near.machine_id, made.volume_id)


def test_a_volume_that_is_attached_while_its_machine_comes_up_stays(world: World, clock: ManualClock) -> None:
    """What is changed in passing holds in what the machine was about to become."""
    machine = machine_in(world, "stopped")
    made = world.create_volume(EAST, "late", "block", 10, machine.region)
    clock.advance(3)

    world.start(EAST, machine.machine_id)
    world.attach(EAST, machine.machine_id, made.volume_id)
    clock.advance(8)

    up = world.machine(EAST, machine.machine_id)
    assert up.status == "running"
    assert made.volume_id in {a.volume_id for a in up.attachments}


def test_a_deleted_volume_goes_the_same_way(world: World, clock: ManualClock) -> None:
    """Deleting, deleted, unknown."""
    volume_id = next(v.volume_id for v in world.volumes(EAST) if v.status == "available")

    seen = [world.delete_volume(EAST, volume_id).status]
    clock.advance(5)
    seen.append(world.volume(EAST, volume_id).status)
    clock.advance(60)

    assert ["deleting", "deleted"] == seen
    with pytest.raises(ApiError) as refused:
        world.volume(EAST, volume_id)
    assert refused.value.code == "no_such_volume"


def test_the_past_can_be_shown(world: World, clock: ManualClock) -> None:
    """An answer may show an instant of the last hour, whatever was done since."""
    machine_id = machine_in(world, "running").machine_id
    before = clock.now()
    clock.advance(10)
    world.stop(EAST, machine_id)
    clock.advance(100)
    world.vanish_machine(EAST, machine_id)

    assert world.machine(EAST, machine_id, before).status == "running"
    clock.advance(3600)
    assert machine_id not in {m.machine_id for m in world.machines(EAST)}


def test_the_hand_of_a_test_passes_every_rule(world: World) -> None:
    """An undocumented status and another price at once; a volume that vanishes takes its attachment along."""
    machine, volume = attached_pair(world)

    world.set_status(EAST, machine.machine_id, "hibernating")
    world.amend_machine(EAST, machine.machine_id, lambda m: replace(m, hourly=1.25))
    world.vanish_volume(EAST, volume.volume_id)

    changed = world.machine(EAST, machine.machine_id)
    assert ("hibernating", 1.25, None) == (changed.status, changed.hourly, changed.rate_now)
    assert volume.volume_id not in {a.volume_id for a in changed.attachments}


def test_a_key_names_its_tenant_and_is_not_shown(world: World) -> None:
    """A key of nobody names nobody; no key is in what a world prints of itself."""
    assert EAST == world.tenant_of(EAST_KEY)
    assert world.tenant_of(EAST_KEY + "x") is None
    assert world.tenant_of("\udcff") is None
    assert EAST_KEY not in repr(vars(world))
