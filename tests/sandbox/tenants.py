"""The tenants that the tests of the sandbox share, and helpers that select their resources."""

from __future__ import annotations

from sandbox.resources import Machine, Volume
from sandbox.world import World

EAST = "sandbox-east"
WEST = "sandbox-west"
EAST_KEY = "east-key-0123456789"
KEYS = {EAST: EAST_KEY, WEST: "west-key-0123456789"}


def machine_in(world: World, status: str, tenant: str = EAST) -> Machine:
    """Return the first machine of a tenant that has the status."""
    return next(machine for machine in world.machines(tenant) if machine.status == status)


def spot_machine(world: World, tenant: str = EAST) -> Machine:
    """Return a running spot machine."""
    return next(m for m in world.machines(tenant) if m.contract == "spot" and m.status == "running")


def attached_pair(world: World, tenant: str = EAST) -> tuple[Machine, Volume]:
    """Return a machine and a block volume that is attached to it."""
    for machine in world.machines(tenant):
        for attachment in machine.attachments:
            volume = world.volume(tenant, attachment.volume_id)
            if volume.form == "block":
                return machine, volume
    raise LookupError(f"{tenant} has no machine with a block volume")
