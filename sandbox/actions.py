"""The orders that change what a tenant holds: each plans what becomes of a thing from an instant on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from sandbox.catalogue import CONTRACTS, IMAGES, REGIONS, SKUS, VOLUME_FORMS, volume_hourly
from sandbox.events import SimulatedEvent
from sandbox.population import new_addresses, new_machine_id, new_volume_id
from sandbox.resources import ApiError, Machine, MachineStatus, Volume, VolumeAttachment, VolumeStatus
from sandbox.tenants import Tenant, without

_NAME_LENGTH: Final = 100
_LARGEST_GB: Final = 100_000


@dataclass(frozen=True, slots=True)
class TransitionTimes:
    """How long things take, in seconds. `deleted_listed` is how long a deleted thing is still shown."""

    provisioning: float = 8
    stopping: float = 5
    deleting: float = 5
    deleted_listed: float = 60
    creating_volume: float = 3
    reclaim_notice: float = 120


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ApiError(422, "bad_request", f"{what} must be one of: {', '.join(allowed)}.")
    return value


def _name(value: str) -> str:
    if not 0 < len(value) <= _NAME_LENGTH:
        raise ApiError(422, "bad_request", f"name must have 1 to {_NAME_LENGTH} characters.")
    return value


class TenantActions:
    """What a tenant may order at one instant. Refusals are the cloud's own."""

    def __init__(self, tenant: Tenant, random: Random, pace: TransitionTimes, now: datetime) -> None:
        self._tenant = tenant
        self._random = random
        self._pace = pace
        self._now = now

    def _after(self, seconds: float) -> datetime:
        return self._now + timedelta(seconds=seconds)

    def _in(self, machine_id: str, action: str, *statuses: MachineStatus) -> Machine:
        machine = self._tenant.living_machine(machine_id, self._now)
        if machine.status not in statuses:
            raise ApiError(409, "wrong_status", f"A machine that is {machine.status} cannot {action}.")
        return machine

    def obey(self, move: SimulatedEvent) -> None:
        """Let happen what happens by itself."""
        if move.action == "start":
            self.start(move.machine_id)
        elif move.action == "stop":
            self.stop(move.machine_id)
        elif move.action == "reclaim":
            self.announce_reclaim(move.machine_id, None)
        elif move.action == "attach":
            self.attach(move.machine_id, move.volume_id)
        else:
            self.detach(move.machine_id, move.volume_id)

    def create_machine(self, name: str, sku: str, region: str, contract: str, image: str) -> Machine:
        """As World.create_machine."""
        kind = SKUS[_one_of("sku", sku, tuple(SKUS))]
        public_ip, private_ip = new_addresses(self._random)
        machine = Machine(
            machine_id=new_machine_id(self._random),
            name=_name(name),
            status=MachineStatus.PROVISIONING,
            sku=kind,
            contract=_one_of("contract", contract, CONTRACTS),
            region=_one_of("region", region, REGIONS),
            image=_one_of("image", image, IMAGES),
            created_at=self._now,
            hourly=kind.hourly(contract),
            stopped_hourly=kind.stopped_hourly,
            public_ip=public_ip,
            private_ip=private_ip,
        )
        return self._bring_up(machine)

    def start(self, machine_id: str) -> Machine:
        """As World.start."""
        machine = self._in(machine_id, "start", MachineStatus.STOPPED)
        return self._bring_up(replace(machine, status=MachineStatus.PROVISIONING, message=None))

    def _bring_up(self, machine: Machine) -> Machine:
        up = replace(machine, status=MachineStatus.RUNNING)
        self._tenant.plan_machine(self._now, (self._now, machine), (self._after(self._pace.provisioning), up))
        return machine

    def stop(self, machine_id: str) -> Machine:
        """As World.stop."""
        machine = replace(self._in(machine_id, "stop", MachineStatus.RUNNING), reclaim_at=None)
        stopping = replace(machine, status=MachineStatus.STOPPING)
        stopped = replace(machine, status=MachineStatus.STOPPED)
        self._tenant.plan_machine(self._now, (self._now, stopping), (self._after(self._pace.stopping), stopped))
        return stopping

    def terminate(self, machine_id: str) -> Machine:
        """As World.terminate. Volumes come off when the machine is deleted."""
        machine = self._tenant.living_machine(machine_id, self._now)
        if machine.status in {MachineStatus.DELETING, MachineStatus.DELETED}:
            return machine
        deleting = replace(machine, status=MachineStatus.DELETING, reclaim_at=None)
        deleted_at = self._after(self._pace.deleting)
        deleted = replace(deleting, status=MachineStatus.DELETED, attachments=())
        gone_at = deleted_at + timedelta(seconds=self._pace.deleted_listed)
        self._tenant.plan_machine(self._now, (self._now, deleting), (deleted_at, deleted), (gone_at, None))
        return deleting

    def announce_reclaim(self, machine_id: str, seconds: float | None) -> Machine:
        """As World.announce_reclaim."""
        machine = self._in(machine_id, "be reclaimed", MachineStatus.RUNNING)
        if machine.contract != "spot":
            raise ApiError(409, "not_spot", "Only a spot machine is taken back.")
        at = self._after(self._pace.reclaim_notice if seconds is None else seconds)
        announced = replace(machine, reclaim_at=at)
        stopping = replace(machine, status=MachineStatus.STOPPING, message="Taken back by the cloud.")
        stopped = replace(stopping, status=MachineStatus.STOPPED)
        stopped_at = at + timedelta(seconds=self._pace.stopping)
        self._tenant.plan_machine(self._now, (self._now, announced), (at, stopping), (stopped_at, stopped))
        return announced

    def attach(self, machine_id: str, volume_id: str) -> Machine:
        """As World.attach."""
        usable = (MachineStatus.PROVISIONING, MachineStatus.RUNNING, MachineStatus.STOPPED)
        machine = self._in(machine_id, "take a volume", *usable)
        volume = self._tenant.living_volume(volume_id, self._now)
        free = volume.status == VolumeStatus.AVAILABLE
        shared = volume.form == "shared" and volume.status == VolumeStatus.IN_USE
        if not (free or shared) or any(a.volume_id == volume_id for a in machine.attachments):
            raise ApiError(409, "volume_busy", f"The volume is {volume.status} and cannot be attached.")
        if volume.region != machine.region:
            raise ApiError(409, "other_region", f"The volume is in {volume.region}, the machine in {machine.region}.")
        attachment = VolumeAttachment(volume_id, self._now)
        self._tenant.machine_line(machine_id, self._now).amend(
            self._now, lambda m: replace(m, attachments=(*m.attachments, attachment))
        )
        return self._tenant.living_machine(machine_id, self._now)

    def detach(self, machine_id: str, volume_id: str) -> Machine:
        """As World.detach."""
        machine = self._tenant.living_machine(machine_id, self._now)
        if all(a.volume_id != volume_id for a in machine.attachments):
            raise ApiError(409, "not_attached", "The volume is not attached to this machine.")
        self._tenant.machine_line(machine_id, self._now).amend(self._now, lambda m: without(m, volume_id))
        return self._tenant.living_machine(machine_id, self._now)

    def create_volume(self, name: str, form: str, size_gb: int, region: str) -> Volume:
        """As World.create_volume."""
        if not 0 < size_gb <= _LARGEST_GB:
            raise ApiError(422, "bad_request", f"size_gb must be 1 to {_LARGEST_GB}.")
        volume = Volume(
            volume_id=new_volume_id(self._random),
            name=_name(name),
            status=VolumeStatus.CREATING,
            form=_one_of("form", form, VOLUME_FORMS),
            size_gb=size_gb,
            region=_one_of("region", region, REGIONS),
            created_at=self._now,
            hourly=volume_hourly(form, size_gb),
        )
        ready = replace(volume, status=VolumeStatus.AVAILABLE)
        self._tenant.plan_volume(self._now, (self._now, volume), (self._after(self._pace.creating_volume), ready))
        return volume

    def delete_volume(self, volume_id: str) -> Volume:
        """As World.delete_volume."""
        volume = self._tenant.living_volume(volume_id, self._now)
        if volume.status == VolumeStatus.IN_USE:
            raise ApiError(409, "volume_busy", "The volume is attached; detach it first.")
        if volume.status in {VolumeStatus.DELETING, VolumeStatus.DELETED}:
            return volume
        deleting = replace(volume, status=VolumeStatus.DELETING)
        deleted_at = self._after(self._pace.deleting)
        gone_at = deleted_at + timedelta(seconds=self._pace.deleted_listed)
        deleted = replace(deleting, status=VolumeStatus.DELETED)
        self._tenant.plan_volume(self._now, (self._now, deleting), (deleted_at, deleted), (gone_at, None))
        return deleting
