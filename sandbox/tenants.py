"""What one tenant holds, through time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sandbox.resources import Machine, Volume, VolumeStatus, no_such_machine, no_such_volume
from sandbox.timeline import Timeline

T = TypeVar("T")


class Tenant:
    """The machines and volumes of one tenant through time."""

    def __init__(self) -> None:
        self._machines: dict[str, Timeline[Machine]] = {}
        self._volumes: dict[str, Timeline[Volume]] = {}

    def machines_at(self, at: datetime) -> tuple[Machine, ...]:
        """Every machine that was there at the instant, by id."""
        found = (self._machines[key].at(at) for key in sorted(self._machines))
        return tuple(machine for machine in found if machine is not None)

    def volumes_at(self, at: datetime) -> tuple[Volume, ...]:
        """Every volume that was there at the instant, by id; one that is on a machine says so."""
        held = {a.volume_id for machine in self.machines_at(at) for a in machine.attachments}
        found = (self._volumes[key].at(at) for key in sorted(self._volumes))
        return tuple(
            replace(v, status=VolumeStatus.IN_USE) if v.volume_id in held and v.status == VolumeStatus.AVAILABLE else v
            for v in found
            if v is not None
        )

    def add_machine(self, machine: Machine) -> None:
        """A machine that has been as it is since it was created."""
        self._machines[machine.machine_id] = Timeline((machine.created_at, machine))

    def add_volume(self, volume: Volume) -> None:
        """A volume that has been as it is since it was created."""
        self._volumes[volume.volume_id] = Timeline((volume.created_at, volume))

    def plan_machine(self, now: datetime, *steps: tuple[datetime, Machine | None]) -> None:
        """What becomes of a machine, new or known, from now on. The first step tells which it is."""
        first = steps[0][1]
        if first is not None:
            self._machines.setdefault(first.machine_id, Timeline()).plan(now, *steps)

    def plan_volume(self, now: datetime, *steps: tuple[datetime, Volume | None]) -> None:
        """What becomes of a volume, new or known, from now on. The first step tells which it is."""
        first = steps[0][1]
        if first is not None:
            self._volumes.setdefault(first.volume_id, Timeline()).plan(now, *steps)

    def machine_line(self, machine_id: str, now: datetime) -> Timeline[Machine]:
        """The machine through time. Raises Refusal unless it is there now."""
        line = self._machines.get(machine_id)
        if line is None or line.at(now) is None:
            raise no_such_machine(machine_id)
        return line

    def volume_line(self, volume_id: str, now: datetime) -> Timeline[Volume]:
        """The volume through time. Raises Refusal unless it is there now."""
        line = self._volumes.get(volume_id)
        if line is None or line.at(now) is None:
            raise no_such_volume(volume_id)
        return line

    def living_machine(self, machine_id: str, now: datetime) -> Machine:
        """The machine as it is now. Raises Refusal unless it is there."""
        machine = self.machine_line(machine_id, now).at(now)
        if machine is None:
            raise no_such_machine(machine_id)
        return machine

    def living_volume(self, volume_id: str, now: datetime) -> Volume:
        """The volume as it is now, in use or not. Raises Refusal unless it is there."""
        self.volume_line(volume_id, now)
        return next(v for v in self.volumes_at(now) if v.volume_id == volume_id)

    def forget(self, before: datetime) -> None:
        """Drop the past before the instant, and what was already gone then."""
        self._machines = _remembered(self._machines, before)
        self._volumes = _remembered(self._volumes, before)


def _remembered(lines: dict[str, Timeline[T]], before: datetime) -> dict[str, Timeline[T]]:
    for line in lines.values():
        line.forget(before)
    return {key: line for key, line in lines.items() if not line.over}


def vanish_volume(tenant: Tenant, volume_id: str, now: datetime) -> None:
    """Take a volume away at once, and off every machine."""
    tenant.volume_line(volume_id, now).plan(now, (now, None))
    for machine in tenant.machines_at(now):
        if any(a.volume_id == volume_id for a in machine.attachments):
            tenant.machine_line(machine.machine_id, now).amend(now, lambda m: without(m, volume_id))


def without(machine: Machine, volume_id: str) -> Machine:
    """The machine with the volume taken off."""
    return replace(machine, attachments=tuple(a for a in machine.attachments if a.volume_id != volume_id))
