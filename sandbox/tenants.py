"""The machines and volumes of one tenant, with their history."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sandbox.errors import no_such_machine, no_such_volume
from sandbox.resources import Machine, Volume, VolumeStatus
from sandbox.timeline import Timeline

T = TypeVar("T")


class Tenant:
    """The timelines of a tenant's machines and volumes."""

    def __init__(self) -> None:
        self._machines: dict[str, Timeline[Machine]] = {}
        self._volumes: dict[str, Timeline[Volume]] = {}

    def machines_at(self, at: datetime) -> tuple[Machine, ...]:
        """Return the machines that existed at the instant, ordered by id."""
        machines = (self._machines[machine_id].at(at) for machine_id in sorted(self._machines))
        return tuple(machine for machine in machines if machine is not None)

    def volumes_at(self, at: datetime) -> tuple[Volume, ...]:
        """Return the volumes that existed at the instant, ordered by id. An attached volume has the status `in_use`."""
        attached = {a.volume_id for machine in self.machines_at(at) for a in machine.attachments}
        volumes = (self._volumes[volume_id].at(at) for volume_id in sorted(self._volumes))
        return tuple(
            replace(v, status=VolumeStatus.IN_USE)
            if v.volume_id in attached and v.status == VolumeStatus.AVAILABLE
            else v
            for v in volumes
            if v is not None
        )

    def add_machine(self, machine: Machine) -> None:
        """Add a machine that has had its present state since it was created."""
        self._machines[machine.machine_id] = Timeline((machine.created_at, machine))

    def add_volume(self, volume: Volume) -> None:
        """Add a volume that has had its present state since it was created."""
        self._volumes[volume.volume_id] = Timeline((volume.created_at, volume))

    def plan_machine(self, now: datetime, *steps: tuple[datetime, Machine | None]) -> None:
        """Plan the states of a new or existing machine from now on. The first step identifies the machine."""
        first = steps[0][1]
        if first is not None:
            self._machines.setdefault(first.machine_id, Timeline()).plan(now, *steps)

    def plan_volume(self, now: datetime, *steps: tuple[datetime, Volume | None]) -> None:
        """Plan the states of a new or existing volume from now on. The first step identifies the volume."""
        first = steps[0][1]
        if first is not None:
            self._volumes.setdefault(first.volume_id, Timeline()).plan(now, *steps)

    def machine_timeline(self, machine_id: str, now: datetime) -> Timeline[Machine]:
        """Return the timeline of a machine. Raises ApiError unless the machine exists now."""
        timeline = self._machines.get(machine_id)
        if timeline is None or timeline.at(now) is None:
            raise no_such_machine(machine_id)
        return timeline

    def volume_timeline(self, volume_id: str, now: datetime) -> Timeline[Volume]:
        """Return the timeline of a volume. Raises ApiError unless the volume exists now."""
        timeline = self._volumes.get(volume_id)
        if timeline is None or timeline.at(now) is None:
            raise no_such_volume(volume_id)
        return timeline

    def current_machine(self, machine_id: str, now: datetime) -> Machine:
        """Return the present state of a machine. Raises ApiError unless it exists."""
        machine = self.machine_timeline(machine_id, now).at(now)
        if machine is None:
            raise no_such_machine(machine_id)
        return machine

    def current_volume(self, volume_id: str, now: datetime) -> Volume:
        """Return the present state of a volume, including `in_use`. Raises ApiError unless it exists."""
        self.volume_timeline(volume_id, now)
        return next(v for v in self.volumes_at(now) if v.volume_id == volume_id)

    def remove_volume(self, volume_id: str, now: datetime) -> None:
        """Remove a volume at once, and detach it from every machine. Raises ApiError unless it exists."""
        self.volume_timeline(volume_id, now).plan(now, (now, None))
        for machine in self.machines_at(now):
            if machine.has_volume(volume_id):
                self.machine_timeline(machine.machine_id, now).amend(now, lambda m: detach_volume(m, volume_id))

    def forget(self, before: datetime) -> None:
        """Drop the states that ended before the instant, and the machines and volumes that no longer existed then."""
        self._machines = _forget(self._machines, before)
        self._volumes = _forget(self._volumes, before)


def _forget(timelines: dict[str, Timeline[T]], before: datetime) -> dict[str, Timeline[T]]:
    for timeline in timelines.values():
        timeline.forget(before)
    return {key: timeline for key, timeline in timelines.items() if not timeline.is_over}


def detach_volume(machine: Machine, volume_id: str) -> Machine:
    """Return the machine without the attachment of the volume."""
    return replace(machine, attachments=tuple(a for a in machine.attachments if a.volume_id != volume_id))
