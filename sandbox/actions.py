"""The actions that change a tenant's machines and volumes. Each plans the states of its object from one instant on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final, TypeVar

from sandbox.catalogue import CONTRACTS, IMAGES, REGIONS, SKUS, VOLUME_FORMS, volume_hourly
from sandbox.errors import ApiError, bad_request
from sandbox.events import SimulatedEvent
from sandbox.population import new_addresses, new_id
from sandbox.resources import Machine, MachineStatus, Volume, VolumeAttachment, VolumeStatus
from sandbox.tenants import Tenant, detach_volume

_MAX_NAME_LENGTH: Final = 100
_MAX_SIZE_GB: Final = 100_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TransitionTimes:
    """Durations of the transitions, in seconds. A deleted object stays listed for `deleted_listed`."""

    provisioning: float = 8
    stopping: float = 5
    deleting: float = 5
    deleted_listed: float = 60
    creating_volume: float = 3
    reclaim_notice: float = 120


def _validate_choice(field: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise bad_request(f"{field} must be one of: {', '.join(choices)}.")
    return value


def _validate_name(value: str) -> str:
    if not 0 < len(value) <= _MAX_NAME_LENGTH:
        raise bad_request(f"name must have 1 to {_MAX_NAME_LENGTH} characters.")
    return value


class TenantActions:
    """The actions of one tenant at one instant. Methods raise ApiError if an action is not possible."""

    def __init__(self, tenant: Tenant, random: Random, times: TransitionTimes, now: datetime) -> None:
        self._tenant = tenant
        self._random = random
        self._times = times
        self._now = now

    def _after(self, seconds: float) -> datetime:
        return self._now + timedelta(seconds=seconds)

    def _machine_with_status(self, machine_id: str, action: str, *statuses: MachineStatus) -> Machine:
        machine = self._tenant.machines.current(machine_id, self._now)
        if machine.status not in statuses:
            raise ApiError(409, "wrong_status", f"A machine with status {machine.status} cannot {action}.")
        return machine

    def _plan_machine(self, machine: Machine, *later: tuple[datetime, Machine | None]) -> Machine:
        self._tenant.machines.plan(machine.machine_id, self._now, (self._now, machine), *later)
        return machine

    def _plan_volume(self, volume: Volume, *later: tuple[datetime, Volume | None]) -> Volume:
        self._tenant.volumes.plan(volume.volume_id, self._now, (self._now, volume), *later)
        return volume

    def _deletion(self, deleted: T) -> tuple[tuple[datetime, T | None], tuple[datetime, T | None]]:
        """Return the steps from now to `deleted`, and from there until it is no longer listed."""
        deleted_at = self._after(self._times.deleting)
        return (deleted_at, deleted), (deleted_at + timedelta(seconds=self._times.deleted_listed), None)

    def apply(self, event: SimulatedEvent) -> None:
        """Carry out a spontaneous event."""
        if event.action == "start":
            self.start(event.machine_id)
        elif event.action == "stop":
            self.stop(event.machine_id)
        elif event.action == "reclaim":
            self.announce_reclaim(event.machine_id, None)
        elif event.action == "attach":
            self.attach(event.machine_id, event.volume_id)
        else:
            self.detach(event.machine_id, event.volume_id)

    def create_machine(self, name: str, sku: str, region: str, contract: str, image: str) -> Machine:
        """Create a machine. See World.create_machine."""
        machine_type = SKUS[_validate_choice("sku", sku, tuple(SKUS))]
        public_ip, private_ip = new_addresses(self._random)
        machine = Machine(
            machine_id=new_id("m", self._random),
            name=_validate_name(name),
            status=MachineStatus.PROVISIONING,
            sku=machine_type,
            contract=_validate_choice("contract", contract, CONTRACTS),
            region=_validate_choice("region", region, REGIONS),
            image=_validate_choice("image", image, IMAGES),
            created_at=self._now,
            hourly=machine_type.hourly(contract),
            stopped_hourly=machine_type.stopped_hourly,
            public_ip=public_ip,
            private_ip=private_ip,
        )
        return self._provision(machine)

    def start(self, machine_id: str) -> Machine:
        """Start a machine. See World.start."""
        machine = self._machine_with_status(machine_id, "start", MachineStatus.STOPPED)
        return self._provision(replace(machine, status=MachineStatus.PROVISIONING, message=None))

    def _provision(self, machine: Machine) -> Machine:
        running = replace(machine, status=MachineStatus.RUNNING)
        return self._plan_machine(machine, (self._after(self._times.provisioning), running))

    def stop(self, machine_id: str) -> Machine:
        """Stop a machine. See World.stop."""
        machine = replace(self._machine_with_status(machine_id, "stop", MachineStatus.RUNNING), reclaim_at=None)
        stopping = replace(machine, status=MachineStatus.STOPPING)
        stopped = replace(machine, status=MachineStatus.STOPPED)
        return self._plan_machine(stopping, (self._after(self._times.stopping), stopped))

    def terminate(self, machine_id: str) -> Machine:
        """Delete a machine. Its volumes are detached once it is deleted. See World.terminate."""
        machine = self._tenant.machines.current(machine_id, self._now)
        if machine.status in {MachineStatus.DELETING, MachineStatus.DELETED}:
            return machine
        deleting = replace(machine, status=MachineStatus.DELETING, reclaim_at=None)
        deleted = replace(deleting, status=MachineStatus.DELETED, attachments=())
        return self._plan_machine(deleting, *self._deletion(deleted))

    def announce_reclaim(self, machine_id: str, seconds: float | None) -> Machine:
        """Announce that a spot machine will be reclaimed. See World.announce_reclaim."""
        machine = self._machine_with_status(machine_id, "be reclaimed", MachineStatus.RUNNING)
        if machine.contract != "spot":
            raise ApiError(409, "not_spot", "Only a spot machine can be reclaimed.")
        reclaim_at = self._after(self._times.reclaim_notice if seconds is None else seconds)
        announced = replace(machine, reclaim_at=reclaim_at)
        stopping = replace(machine, status=MachineStatus.STOPPING, message="Reclaimed by the cloud.")
        stopped = replace(stopping, status=MachineStatus.STOPPED)
        stopped_at = reclaim_at + timedelta(seconds=self._times.stopping)
        return self._plan_machine(announced, (reclaim_at, stopping), (stopped_at, stopped))

    def attach(self, machine_id: str, volume_id: str) -> Machine:
        """Attach a volume. See World.attach."""
        statuses = (MachineStatus.PROVISIONING, MachineStatus.RUNNING, MachineStatus.STOPPED)
        machine = self._machine_with_status(machine_id, "attach a volume", *statuses)
        volume = self._tenant.current_volume(volume_id, self._now)
        is_free = volume.status == VolumeStatus.AVAILABLE
        is_shareable = volume.form == "shared" and volume.status == VolumeStatus.IN_USE
        if not (is_free or is_shareable) or machine.has_volume(volume_id):
            raise ApiError(409, "volume_busy", f"A volume with status {volume.status} cannot be attached.")
        if volume.region != machine.region:
            raise ApiError(409, "other_region", f"The volume is in {volume.region}, the machine in {machine.region}.")
        attachment = VolumeAttachment(volume_id, self._now)
        return self._amend_machine(machine_id, lambda m: replace(m, attachments=(*m.attachments, attachment)))

    def detach(self, machine_id: str, volume_id: str) -> Machine:
        """Detach a volume. See World.detach."""
        machine = self._tenant.machines.current(machine_id, self._now)
        if not machine.has_volume(volume_id):
            raise ApiError(409, "not_attached", "The volume is not attached to this machine.")
        return self._amend_machine(machine_id, lambda m: detach_volume(m, volume_id))

    def _amend_machine(self, machine_id: str, change: Callable[[Machine], Machine]) -> Machine:
        self._tenant.machines.existing(machine_id, self._now).amend(self._now, change)
        return self._tenant.machines.current(machine_id, self._now)

    def create_volume(self, name: str, form: str, size_gb: int, region: str) -> Volume:
        """Create a volume. See World.create_volume."""
        if not 0 < size_gb <= _MAX_SIZE_GB:
            raise bad_request(f"size_gb must be 1 to {_MAX_SIZE_GB}.")
        volume = Volume(
            volume_id=new_id("v", self._random),
            name=_validate_name(name),
            status=VolumeStatus.CREATING,
            form=_validate_choice("form", form, VOLUME_FORMS),
            size_gb=size_gb,
            region=_validate_choice("region", region, REGIONS),
            created_at=self._now,
            hourly=volume_hourly(form, size_gb),
        )
        available = replace(volume, status=VolumeStatus.AVAILABLE)
        return self._plan_volume(volume, (self._after(self._times.creating_volume), available))

    def delete_volume(self, volume_id: str) -> Volume:
        """Delete a volume. See World.delete_volume."""
        volume = self._tenant.current_volume(volume_id, self._now)
        if volume.status == VolumeStatus.IN_USE:
            raise ApiError(409, "volume_busy", "The volume is attached; detach it first.")
        if volume.status in {VolumeStatus.DELETING, VolumeStatus.DELETED}:
            return volume
        deleting = replace(volume, status=VolumeStatus.DELETING)
        return self._plan_volume(deleting, *self._deletion(replace(deleting, status=VolumeStatus.DELETED)))
