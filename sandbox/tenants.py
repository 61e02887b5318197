"""The machines and volumes of one tenant, with their history."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sandbox.resources import Machine, Volume, VolumeStatus
from sandbox.timeline import Timelines


class Tenant:
    """The timelines of a tenant's machines and volumes."""

    def __init__(self) -> None:
        self.machines: Timelines[Machine] = Timelines("machine")
        self.volumes: Timelines[Volume] = Timelines("volume")

    def volumes_at(self, at: datetime) -> tuple[Volume, ...]:
        """Return the volumes that existed at the instant, ordered by id. An attached volume has the status `in_use`."""
        attached = {a.volume_id for machine in self.machines.at(at) for a in machine.attachments}
        return tuple(
            replace(v, status=VolumeStatus.IN_USE)
            if v.volume_id in attached and v.status == VolumeStatus.AVAILABLE
            else v
            for v in self.volumes.at(at)
        )

    def current_volume(self, volume_id: str, now: datetime) -> Volume:
        """Return the state of a volume, including `in_use`. Raises ApiError unless it exists at the instant."""
        self.volumes.current(volume_id, now)
        return next(v for v in self.volumes_at(now) if v.volume_id == volume_id)

    def remove_volume(self, volume_id: str, now: datetime) -> None:
        """Remove a volume at once, and detach it from every machine. Raises ApiError unless it exists."""
        self.volumes.existing(volume_id, now).plan(now, (now, None))
        for machine in self.machines.at(now):
            if machine.has_volume(volume_id):
                self.machines.existing(machine.machine_id, now).amend(now, lambda m: detach_volume(m, volume_id))


def detach_volume(machine: Machine, volume_id: str) -> Machine:
    """Return the machine without the attachment of the volume."""
    return replace(machine, attachments=tuple(a for a in machine.attachments if a.volume_id != volume_id))
