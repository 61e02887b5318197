"""The simulated cloud changes with its clock and by its own rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sandbox.errors import ApiError
from sandbox.population import EPOCH
from sandbox.world import World
from tests.clock import ManualClock
from tests.sandbox.tenants import EAST, EAST_KEY, KEYS, WEST, attached_pair, machine_in, spot_machine


def _status(world: World, machine_id: str) -> str:
    return world.machine(EAST, machine_id).status


def test_the_default_world_is_varied(world: World) -> None:
    """Twelve machines and six volumes over two tenants cover every contract and several statuses."""
    machines = [machine for tenant in world.tenants for machine in world.machines(tenant)]
    volumes = [volume for tenant in world.tenants for volume in world.volumes(tenant)]

    assert (EAST, WEST) == world.tenants
    assert (12, 6) == (len(machines), len(volumes))
    assert {"ondemand", "spot", "reserved"} == {machine.contract for machine in machines}
    assert {"running", "stopped", "error"} == {machine.status for machine in machines}
    assert {"available", "in_use"} == {volume.status for volume in volumes}
    assert len({machine.name for machine in machines}) == 12
    assert all(EPOCH <= machine.created_at for machine in machines)


def test_a_restarted_cloud_shows_the_same_machines(world: World) -> None:
    """Ids and times of creation depend on the seed, not on the time of the start."""
    later = ManualClock()
    later.advance(86_400 * 30)

    restarted = World.default(later, 7, KEYS, lively=False)

    assert world.machines(EAST) == restarted.machines(EAST)
    assert world.volumes(WEST) == restarted.volumes(WEST)
    assert world.machines(EAST) != World.default(later, 8, KEYS, lively=False).machines(EAST)


def test_a_large_cloud_is_shared_evenly(clock: ManualClock) -> None:
    """Every machine and volume belongs to one tenant, and the ids are distinct."""
    large = World.default(clock, 7, KEYS, machines=2000, volumes=301, lively=False)

    shares = [(len(large.machines(tenant)), len(large.volumes(tenant))) for tenant in large.tenants]

    assert [(1000, 150), (1000, 151)] == shares


def test_a_machine_provisions_and_then_runs(world: World, clock: ManualClock) -> None:
    """A new machine runs after its provisioning time."""
    created = world.create_machine(EAST, "fresh", sku="l40s.1x", region="us-east")

    assert _status(world, created.machine_id) == "provisioning"
    clock.advance(8)
    assert _status(world, created.machine_id) == "running"
    assert created.created_at == world.machine(EAST, created.machine_id).created_at


def test_a_machine_stops_and_starts_again(world: World, clock: ManualClock) -> None:
    """Stopping and starting take their transition times."""
    machine_id = machine_in(world, "running").machine_id

    statuses = [world.stop(EAST, machine_id).status]
    clock.advance(5)
    statuses.append(_status(world, machine_id))
    statuses.append(world.start(EAST, machine_id).status)
    clock.advance(7.9)
    statuses.append(_status(world, machine_id))
    clock.advance(0.1)
    statuses.append(_status(world, machine_id))

    assert ["stopping", "stopped", "provisioning", "provisioning", "running"] == statuses


def test_a_deleted_machine_is_listed_for_a_minute_and_then_removed(world: World, clock: ManualClock) -> None:
    """The machine is deleting, then deleted, then no longer listed, and its id returns `no_such_machine`."""
    machine, volume = attached_pair(world)

    assert world.terminate(EAST, machine.machine_id).status == "deleting"
    assert world.volume(EAST, volume.volume_id).status == "in_use"
    clock.advance(5)
    assert _status(world, machine.machine_id) == "deleted"
    assert world.volume(EAST, volume.volume_id).status == "available"
    clock.advance(60)
    assert machine.machine_id not in {m.machine_id for m in world.machines(EAST)}
    with pytest.raises(ApiError) as error:
        world.machine(EAST, machine.machine_id)
    assert (404, "no_such_machine") == (error.value.status, error.value.code)


def test_an_impossible_action_is_refused(world: World) -> None:
    """A stopped machine cannot stop, one in error cannot start, and only spot machines can be reclaimed."""
    actions: tuple[Callable[[], object], ...] = (
        lambda: world.stop(EAST, machine_in(world, "stopped").machine_id),
        lambda: world.start(WEST, machine_in(world, "error", WEST).machine_id),
        lambda: world.announce_reclaim(WEST, next(m for m in world.machines(WEST) if m.contract != "spot").machine_id),
    )
    for action in actions:
        with pytest.raises(ApiError) as error:
            action()
        assert error.value.status == 409


def test_a_spot_machine_stops_at_its_announced_reclaim(world: World, clock: ManualClock) -> None:
    """The machine shows the time of its reclaim and stops then."""
    spot = spot_machine(world)

    announced = world.announce_reclaim(EAST, spot.machine_id, 30)

    assert announced.reclaim_at is not None
    assert 30 == (announced.reclaim_at - clock.now()).total_seconds()
    clock.advance(29.9)
    assert _status(world, spot.machine_id) == "running"
    clock.advance(0.1)
    assert _status(world, spot.machine_id) == "stopping"
    clock.advance(5)
    stopped = world.machine(EAST, spot.machine_id)
    assert ("stopped", "Reclaimed by the cloud.") == (stopped.status, stopped.message)


def test_a_new_action_cancels_planned_changes(world: World, clock: ManualClock) -> None:
    """A machine that was stopped and started after the announcement is not reclaimed."""
    spot = spot_machine(world)
    world.announce_reclaim(EAST, spot.machine_id, 30)
    world.stop(EAST, spot.machine_id)
    clock.advance(5)
    world.start(EAST, spot.machine_id)
    world.amend_machine(EAST, spot.machine_id, lambda m: replace(m, name="renamed"))
    clock.advance(60)

    machine = world.machine(EAST, spot.machine_id)

    assert ("renamed", "running", None) == (machine.name, machine.status, machine.reclaim_at)


def test_a_volume_is_detached_and_attached_again(world: World, clock: ManualClock) -> None:
    """A block volume is on one machine at a time, and an attachment has its own time."""
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
    """A volume can be attached only within its region, and only once it is available."""
    created = world.create_volume(EAST, "far", "block", 10, "eu-north")
    near = next(m for m in world.machines(EAST) if m.region != "eu-north")

    with pytest.raises(ApiError, match="creating"):
        world.attach(EAST, near.machine_id, created.volume_id)
    clock.advance(3)
    with pytest.raises(ApiError, match="eu-north"):
        world.attach(EAST, near.machine_id, created.volume_id)


def test_a_volume_attached_during_provisioning_stays_attached(world: World, clock: ManualClock) -> None:
    """A change during a transition also applies to the planned states."""
    machine = machine_in(world, "stopped")
    created = world.create_volume(EAST, "late", "block", 10, machine.region)
    clock.advance(3)

    world.start(EAST, machine.machine_id)
    world.attach(EAST, machine.machine_id, created.volume_id)
    clock.advance(8)

    running = world.machine(EAST, machine.machine_id)
    assert running.status == "running"
    assert created.volume_id in {a.volume_id for a in running.attachments}


def test_a_deleted_volume_is_listed_for_a_minute_and_then_removed(world: World, clock: ManualClock) -> None:
    """The volume is deleting, then deleted, then its id returns `no_such_volume`."""
    volume_id = next(v.volume_id for v in world.volumes(EAST) if v.status == "available")

    statuses = [world.delete_volume(EAST, volume_id).status]
    clock.advance(5)
    statuses.append(world.volume(EAST, volume_id).status)
    clock.advance(60)

    assert ["deleting", "deleted"] == statuses
    with pytest.raises(ApiError) as error:
        world.volume(EAST, volume_id)
    assert error.value.code == "no_such_volume"


def test_a_past_instant_can_be_shown(world: World, clock: ManualClock) -> None:
    """The state at an instant of the last hour is available, whatever changed since then."""
    machine_id = machine_in(world, "running").machine_id
    before = clock.now()
    clock.advance(10)
    world.stop(EAST, machine_id)
    clock.advance(100)
    world.vanish_machine(EAST, machine_id)

    assert world.machine(EAST, machine_id, before).status == "running"
    clock.advance(3600)
    assert machine_id not in {m.machine_id for m in world.machines(EAST)}


def test_a_test_can_change_resources_without_validation(world: World) -> None:
    """An undocumented status and another price apply at once. A volume that vanishes is detached."""
    machine, volume = attached_pair(world)

    world.set_status(EAST, machine.machine_id, "hibernating")
    world.amend_machine(EAST, machine.machine_id, lambda m: replace(m, hourly=1.25))
    world.vanish_volume(EAST, volume.volume_id)

    changed = world.machine(EAST, machine.machine_id)
    assert ("hibernating", 1.25, None) == (changed.status, changed.hourly, changed.current_hourly)
    assert volume.volume_id not in {a.volume_id for a in changed.attachments}


def test_a_key_identifies_its_tenant_and_is_not_shown(world: World) -> None:
    """An unknown key has no tenant. The repr of the world's attributes contains no key."""
    assert EAST == world.tenant_of(EAST_KEY)
    assert world.tenant_of(EAST_KEY + "x") is None
    assert world.tenant_of("\udcff") is None
    assert EAST_KEY not in repr(vars(world))
