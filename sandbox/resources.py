"""The machines, volumes and offers of the simulated cloud. Its status words are its own and differ from the gateway's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MachineStatus(StrEnum):
    """The documented status words of machines."""

    PROVISIONING = "provisioning"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DELETING = "deleting"
    DELETED = "deleted"
    ERROR = "error"


class VolumeStatus(StrEnum):
    """The documented status words of volumes."""

    CREATING = "creating"
    AVAILABLE = "available"
    IN_USE = "in_use"
    DELETING = "deleting"
    DELETED = "deleted"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Sku:
    """A type of machine. Rates are in USD per hour, sizes in gigabytes. `form` is vm, container or bare_metal."""

    name: str
    form: str
    gpu_model: str | None
    gpu_count: int
    gpu_memory_gb: int
    vcpus: int
    memory_gb: int
    disk_gb: int
    ondemand_hourly: float
    spot_hourly: float
    stopped_hourly: float

    def hourly(self, contract: str) -> float:
        """Return the rate of a running machine under the contract `ondemand`, `spot` or `reserved`."""
        if contract == "spot":
            return self.spot_hourly
        return round(self.ondemand_hourly * (0.7 if contract == "reserved" else 1), 4)


@dataclass(frozen=True, slots=True)
class RentalOffer:
    """A type of machine that can be rented in a region under a contract. `hourly` is in USD."""

    offer_id: str
    sku: Sku
    contract: str
    region: str
    hourly: float


@dataclass(frozen=True, slots=True)
class VolumeAttachment:
    """The attachment of a volume to a machine."""

    volume_id: str
    attached_at: datetime


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine at one instant.

    `status` may be any text, because a cloud may use a word that it never documented. `hourly` is the rate while running and
    `stopped_hourly` the rate while stopped, both in USD. `term_starts_at` and `term_ends_at` belong to a reservation.
    `reclaim_at` is the announced end of a spot machine.
    """

    machine_id: str
    name: str
    status: str
    sku: Sku
    contract: str
    region: str
    image: str
    created_at: datetime
    hourly: float
    stopped_hourly: float
    public_ip: str
    private_ip: str
    ssh_user: str = "ubuntu"
    ssh_port: int = 22
    message: str | None = None
    attachments: tuple[VolumeAttachment, ...] = ()
    term_starts_at: datetime | None = None
    term_ends_at: datetime | None = None
    reclaim_at: datetime | None = None

    @property
    def current_hourly(self) -> float | None:
        """The rate in the present status, or `None` if the status is not documented."""
        if self.status in {MachineStatus.RUNNING, MachineStatus.STOPPING, MachineStatus.ERROR}:
            return self.hourly
        if self.status == MachineStatus.STOPPED:
            return self.stopped_hourly
        if self.status in {MachineStatus.PROVISIONING, MachineStatus.DELETING, MachineStatus.DELETED}:
            return 0.0
        return None

    def has_volume(self, volume_id: str) -> bool:
        """Return whether the volume is attached to the machine."""
        return any(attachment.volume_id == volume_id for attachment in self.attachments)


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume at one instant. `form` is block (attached to at most one machine) or shared (attached to any number)."""

    volume_id: str
    name: str
    status: str
    form: str
    size_gb: int
    region: str
    created_at: datetime
    hourly: float
