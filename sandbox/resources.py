"""What the simulated cloud rents out, as values. Its words are its own: lower case, and not ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

NO_SUCH_MACHINE: Final = "no_such_machine"
NO_SUCH_VOLUME: Final = "no_such_volume"


class MachineStatus(StrEnum):
    """The status words of machines that the simulated cloud documents."""

    PROVISIONING = "provisioning"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DELETING = "deleting"
    DELETED = "deleted"
    ERROR = "error"


class VolumeStatus(StrEnum):
    """The status words of volumes that the simulated cloud documents."""

    CREATING = "creating"
    AVAILABLE = "available"
    IN_USE = "in_use"
    DELETING = "deleting"
    DELETED = "deleted"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Sku:
    """A type of machine. Rates are in USD an hour, sizes in gigabytes; `form` is vm, container or bare_metal."""

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
        """The rate while running under `ondemand`, `spot` or `reserved`."""
        if contract == "spot":
            return self.spot_hourly
        return round(self.ondemand_hourly * (0.7 if contract == "reserved" else 1), 4)


@dataclass(frozen=True, slots=True)
class RentalOffer:
    """One set of terms that can be rented now."""

    offer_id: str
    sku: Sku
    contract: str
    region: str
    hourly: float


@dataclass(frozen=True, slots=True)
class VolumeAttachment:
    """A volume on a machine, since when."""

    volume_id: str
    attached_at: datetime


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine at one instant. `status` may be any text: a cloud may use a word that it never documented.

    `hourly` is the rate while running, `stopped_hourly` the rate while stopped, both in USD. `term_*` are of a reservation,
    `reclaim_at` is an announced end of a spot machine.
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
    def rate_now(self) -> float | None:
        """What it costs an hour in its present status; None in a status without a known meaning."""
        if self.status in {MachineStatus.RUNNING, MachineStatus.STOPPING, MachineStatus.ERROR}:
            return self.hourly
        if self.status == MachineStatus.STOPPED:
            return self.stopped_hourly
        if self.status in {MachineStatus.PROVISIONING, MachineStatus.DELETING, MachineStatus.DELETED}:
            return 0.0
        return None


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume at one instant. `form` is block (on one machine at a time) or shared (on any number)."""

    volume_id: str
    name: str
    status: str
    form: str
    size_gb: int
    region: str
    created_at: datetime
    hourly: float


class ApiError(Exception):
    """The simulated cloud says no: an HTTP status, a code of its own and a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def no_such_machine(machine_id: str) -> ApiError:
    """Its own words for a machine that does not exist, or no longer."""
    return ApiError(404, NO_SUCH_MACHINE, f"There is no machine {machine_id}.")


def no_such_volume(volume_id: str) -> ApiError:
    """Its own words for a volume that does not exist, or no longer."""
    return ApiError(404, NO_SUCH_VOLUME, f"There is no volume {volume_id}.")
