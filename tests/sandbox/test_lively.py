"""In a lively world things happen by themselves, the same for the same seed."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.resources import MachineStatus, VolumeStatus
from sandbox.world import World
from tests.clock import ManualClock
from tests.sandbox.tenants import KEYS


def _watch(seed: int, steps: list[float]) -> list[object]:
    clock = ManualClock()
    world = World.default(clock, seed, KEYS)
    seen: list[object] = []
    for step in steps:
        clock.advance(step)
        seen.append([(world.machines(name), world.volumes(name)) for name in world.tenants])
    return seen


def test_a_visitor_sees_machines_and_volumes_move() -> None:
    """Within ten minutes machines pass through several statuses, and volumes come off and go on."""
    clock = ManualClock()
    world = World.default(clock, 7, KEYS)
    statuses: dict[str, set[str]] = defaultdict(set)
    for _ in range(120):
        clock.advance(5)
        for name in world.tenants:
            for machine in world.machines(name):
                statuses[machine.machine_id].add(machine.status)
            for volume in world.volumes(name):
                statuses[volume.volume_id].add(volume.status)

    assert any({"running", "stopping", "stopped"} <= seen for seen in statuses.values())
    assert any({"stopped", "provisioning", "running"} <= seen for seen in statuses.values())
    assert any({"available", "in_use"} <= seen for seen in statuses.values())


def test_the_same_seed_tells_the_same_story() -> None:
    """Two worlds of one seed agree at every look; another seed tells another story."""
    steps = [20.0] * 20

    assert _watch(7, steps) == _watch(7, steps)
    assert _watch(7, steps) != _watch(8, steps)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), steps=st.lists(st.floats(0, 5000), min_size=1, max_size=8))
def test_nobody_is_lost_however_long_nobody_looks(seed: int, steps: list[float]) -> None:
    """After any time, each machine and volume is there once, in a documented status, a block volume on one machine at most."""
    clock = ManualClock()
    world = World.default(clock, seed, KEYS)
    for step in steps:
        clock.advance(step)
        machines = [machine for name in world.tenants for machine in world.machines(name)]
        volumes = [volume for name in world.tenants for volume in world.volumes(name)]
        block = {volume.volume_id for volume in volumes if volume.form == "block"}
        held = [a.volume_id for machine in machines for a in machine.attachments if a.volume_id in block]

        assert (12, 6) == (len({m.machine_id for m in machines}), len({v.volume_id for v in volumes}))
        assert {m.status for m in machines} <= set(MachineStatus)
        assert {v.status for v in volumes} <= set(VolumeStatus)
        assert len(held) == len(set(held))
