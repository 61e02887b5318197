"""The machines and volumes that a simulated cloud starts with: the same for the same seed, whenever it starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from sandbox.catalogue import IMAGES, REGIONS, SKUS, volume_hourly
from sandbox.resources import Machine, MachineStatus, Volume, VolumeAttachment, VolumeStatus

# Fixed, so that a cloud started again shows the same machines and not new ones under old ids.
EPOCH: Final = datetime(2025, 6, 1, 9, tzinfo=UTC)


class _Pattern(NamedTuple):
    name: str
    sku: str
    contract: str
    status: MachineStatus


_PATTERNS: Final = (
    _Pattern("trainer", "h100-sxm.8x", "ondemand", MachineStatus.RUNNING),
    _Pattern("inference", "l40s.1x", "ondemand", MachineStatus.RUNNING),
    _Pattern("sweep", "a100-80gb.4x", "spot", MachineStatus.RUNNING),
    _Pattern("notebook", "h100-sxm.1x", "ondemand", MachineStatus.STOPPED),
    _Pattern("foundation", "h200-sxm.8x", "reserved", MachineStatus.RUNNING),
    _Pattern("render", "rtx-4090.2x", "spot", MachineStatus.STOPPED),
    _Pattern("eval", "h100-sxm.1x", "spot", MachineStatus.RUNNING),
    _Pattern("broken", "a100-80gb.4x", "ondemand", MachineStatus.ERROR),
    _Pattern("pretrain", "b200.8x", "ondemand", MachineStatus.RUNNING),
    _Pattern("login", "cpu.16", "ondemand", MachineStatus.RUNNING),
    _Pattern("batch", "l40s.1x", "spot", MachineStatus.RUNNING),
    _Pattern("scratch", "rtx-4090.2x", "ondemand", MachineStatus.STOPPED),
)
_VOLUMES: Final = (("datasets", "shared", 4000), ("checkpoints", "block", 2000), ("home", "block", 250))


@dataclass(frozen=True, slots=True)
class Population:
    """What one tenant starts with."""

    machines: tuple[Machine, ...]
    volumes: tuple[Volume, ...]


def new_machine_id(random: Random) -> str:
    """`m-` and twelve hexadecimal digits."""
    return f"m-{random.getrandbits(48):012x}"


def new_volume_id(random: Random) -> str:
    """`v-` and twelve hexadecimal digits."""
    return f"v-{random.getrandbits(48):012x}"


def new_addresses(random: Random) -> tuple[str, str]:
    """A public address out of a range for documentation (RFC 5737), and a private one."""
    return f"203.0.113.{random.randint(1, 254)}", f"10.{random.randint(0, 63)}.{random.randint(0, 255)}.7"


def _machine(number: int, born: datetime, random: Random) -> Machine:
    pattern = _PATTERNS[number % len(_PATTERNS)]
    sku = SKUS[pattern.sku]
    public_ip, private_ip = new_addresses(random)
    reserved = pattern.contract == "reserved"
    return Machine(
        machine_id=new_machine_id(random),
        name=f"{pattern.name}-{number // len(_PATTERNS) + 1}",
        status=pattern.status,
        sku=sku,
        contract=pattern.contract,
        region=REGIONS[number % len(REGIONS)],
        image=IMAGES[number % len(IMAGES)],
        created_at=born,
        hourly=sku.hourly(pattern.contract),
        stopped_hourly=sku.stopped_hourly,
        public_ip=public_ip,
        private_ip=private_ip,
        ssh_user="root" if sku.form == "container" else "ubuntu",
        ssh_port=random.randint(20000, 29999) if sku.form == "container" else 22,
        message="GPU 3 fell off the bus (Xid 79)." if pattern.status is MachineStatus.ERROR else None,
        term_starts_at=born if reserved else None,
        term_ends_at=born + timedelta(days=730) if reserved else None,
    )


def _volume(number: int, region: str, born: datetime, random: Random) -> Volume:
    name, form, size = _VOLUMES[number % len(_VOLUMES)]
    return Volume(
        volume_id=new_volume_id(random),
        name=f"{name}-{number // len(_VOLUMES) + 1}",
        status=VolumeStatus.AVAILABLE,
        form=form,
        size_gb=size,
        region=region,
        created_at=born,
        hourly=volume_hourly(form, size),
    )


def _share(place: int, places: int, count: int) -> range:
    return range(place * count // places, (place + 1) * count // places)


def populate(seed: int, place: int, places: int, machines: int, volumes: int, *, now: datetime) -> Population:
    """The share of the tenant at `place` among `places` tenants that have `machines` and `volumes` between them.

    Volumes stand in the regions of the tenant's machines; two of three are attached to one.
    """
    random = Random(f"{seed}/{place}")  # noqa: S311 - an invented cloud, no secret
    start = min(EPOCH, now - timedelta(days=90))
    own = [_machine(n, start + timedelta(minutes=37 * n + 7), random) for n in _share(place, places, machines)]
    kept: list[Volume] = []
    for n in _share(place, places, volumes):
        host = random.randrange(len(own)) if own else None
        region = REGIONS[n % len(REGIONS)] if host is None else own[host].region
        volume = _volume(n, region, start + timedelta(minutes=37 * n), random)
        kept.append(volume)
        if host is not None and n % 3 != 2:  # noqa: PLR2004 - the third of three stays free
            since = max(own[host].created_at, volume.created_at) + timedelta(minutes=20)
            attached = (*own[host].attachments, VolumeAttachment(volume.volume_id, since))
            own[host] = replace(own[host], attachments=attached)
    return Population(tuple(own), tuple(kept))
