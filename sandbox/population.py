"""The machines and volumes that a simulated cloud starts with. They depend on the seed, not on the time of the start."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from sandbox.catalogue import IMAGES, REGIONS, SKUS, volume_hourly
from sandbox.resources import Machine, MachineStatus, Volume, VolumeAttachment, VolumeStatus
from sandbox.tenants import Tenant

EPOCH: Final = datetime(2025, 6, 1, 9, tzinfo=UTC)
"""The earliest time of creation. It is fixed, so that a restarted cloud shows the same machines, not new ones with old ids."""

# Name, type, contract and status.
_MACHINE_PATTERNS: Final = (
    ("trainer", "h100-sxm.8x", "ondemand", MachineStatus.RUNNING),
    ("inference", "l40s.1x", "ondemand", MachineStatus.RUNNING),
    ("sweep", "a100-80gb.4x", "spot", MachineStatus.RUNNING),
    ("notebook", "h100-sxm.1x", "ondemand", MachineStatus.STOPPED),
    ("foundation", "h200-sxm.8x", "reserved", MachineStatus.RUNNING),
    ("render", "rtx-4090.2x", "spot", MachineStatus.STOPPED),
    ("eval", "h100-sxm.1x", "spot", MachineStatus.RUNNING),
    ("broken", "a100-80gb.4x", "ondemand", MachineStatus.ERROR),
    ("pretrain", "b200.8x", "ondemand", MachineStatus.RUNNING),
    ("login", "cpu.16", "ondemand", MachineStatus.RUNNING),
    ("batch", "l40s.1x", "spot", MachineStatus.RUNNING),
    ("scratch", "rtx-4090.2x", "ondemand", MachineStatus.STOPPED),
)
_VOLUME_PATTERNS: Final = (("datasets", "shared", 4000), ("checkpoints", "block", 2000), ("home", "block", 250))


def new_id(prefix: str, random: Random) -> str:
    """Return the prefix, `m` or `v`, and twelve hexadecimal digits."""
    return f"{prefix}-{random.getrandbits(48):012x}"


def new_addresses(random: Random) -> tuple[str, str]:
    """Return a public address from a range reserved for documentation (RFC 5737), and a private one."""
    return f"203.0.113.{random.randint(1, 254)}", f"10.{random.randint(0, 63)}.{random.randint(0, 255)}.7"


def _machine(number: int, created_at: datetime, random: Random) -> Machine:
    name, sku_name, contract, status = _MACHINE_PATTERNS[number % len(_MACHINE_PATTERNS)]
    sku = SKUS[sku_name]
    public_ip, private_ip = new_addresses(random)
    is_reserved = contract == "reserved"
    return Machine(
        machine_id=new_id("m", random),
        name=f"{name}-{number // len(_MACHINE_PATTERNS) + 1}",
        status=status,
        sku=sku,
        contract=contract,
        region=REGIONS[number % len(REGIONS)],
        image=IMAGES[number % len(IMAGES)],
        created_at=created_at,
        hourly=sku.hourly(contract),
        stopped_hourly=sku.stopped_hourly,
        public_ip=public_ip,
        private_ip=private_ip,
        ssh_user="root" if sku.form == "container" else "ubuntu",
        ssh_port=random.randint(20000, 29999) if sku.form == "container" else 22,
        message="GPU 3 fell off the bus (Xid 79)." if status is MachineStatus.ERROR else None,
        term_starts_at=created_at if is_reserved else None,
        term_ends_at=created_at + timedelta(days=730) if is_reserved else None,
    )


def _volume(number: int, region: str, created_at: datetime, random: Random) -> Volume:
    name, form, size_gb = _VOLUME_PATTERNS[number % len(_VOLUME_PATTERNS)]
    return Volume(
        volume_id=new_id("v", random),
        name=f"{name}-{number // len(_VOLUME_PATTERNS) + 1}",
        status=VolumeStatus.AVAILABLE,
        form=form,
        size_gb=size_gb,
        region=region,
        created_at=created_at,
        hourly=volume_hourly(form, size_gb),
    )


def _share(position: int, tenants: int, count: int) -> range:
    """Return the numbers of the objects that belong to the tenant at `position`."""
    return range(position * count // tenants, (position + 1) * count // tenants)


def populate(seed: int, position: int, tenants: int, machines: int, volumes: int, *, now: datetime) -> Tenant:
    """Return one tenant with its share in the `machines` and `volumes` of all tenants.

    `position` is the tenant's index among `tenants`. Volumes are in the regions of the tenant's machines; two of three are
    attached to a machine.
    """
    random = Random(f"{seed}/{position}")  # noqa: S311 - simulated data, not a secret
    start = min(EPOCH, now - timedelta(days=90))
    own_machines = [
        _machine(n, start + timedelta(minutes=37 * n + 7), random) for n in _share(position, tenants, machines)
    ]
    own_volumes: list[Volume] = []
    for n in _share(position, tenants, volumes):
        host = random.randrange(len(own_machines)) if own_machines else None
        region = REGIONS[n % len(REGIONS)] if host is None else own_machines[host].region
        volume = _volume(n, region, start + timedelta(minutes=37 * n), random)
        own_volumes.append(volume)
        if host is not None and n % 3 != 2:  # noqa: PLR2004 - every third volume stays free
            own_machines[host] = _attach(own_machines[host], volume)
    tenant = Tenant()
    for machine in own_machines:
        tenant.machines.plan(machine.machine_id, now, (machine.created_at, machine))
    for volume in own_volumes:
        tenant.volumes.plan(volume.volume_id, now, (volume.created_at, volume))
    return tenant


def _attach(machine: Machine, volume: Volume) -> Machine:
    attached_at = max(machine.created_at, volume.created_at) + timedelta(minutes=20)
    return replace(machine, attachments=(*machine.attachments, VolumeAttachment(volume.volume_id, attached_at)))
