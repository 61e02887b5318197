"""A cloud of plain values that changes by a seed: the same turns lead to the same cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from domain.enums import PriceSource, ResourceKind, ResourceStatus
from domain.records.observation import Attachment, Observation, Price, ProbeResult, SweepOutcome, SweepResult
from tests.clock import START
from tests.observations import TERMS, attached, machine, volume

ACCOUNT = "lab"
MACHINES, VOLUMES = 12, 5
SECONDS_A_TURN = 600
_CREATED = START - timedelta(days=30)


def moment(turn: int) -> datetime:
    """Return when a turn happens. Turns are so far apart that every grace period is over by the next one."""
    return START + timedelta(seconds=SECONDS_A_TURN * turn)


@dataclass
class ScriptedWorld:
    """The vendor's resources. `turn` 0 is the initial state."""

    seed: int
    turn: int = 0

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._created_count = 0
        self.machines: dict[str, Observation] = {}
        self.volumes = {f"v-{n}": volume(f"v-{n}", created_at=_CREATED) for n in range(VOLUMES)}
        for _ in range(MACHINES):
            self.appear()
        for number in range(VOLUMES - 1):
            self.move_volume(f"m-{number}", f"v-{number}")

    def step(self) -> None:
        """Take one turn of a few random changes."""
        self.turn += 1
        moves: list[Callable[[], None]] = [
            self._change_status,
            self._rename,
            self._change_price,
            self._move,
            self._replace,
        ]
        for change in self._random.choices(moves, k=5):
            change()
        # One machine is deleted and one created, so that a listing never lacks so much that the scope becomes suspect.
        self._drop_deleted()
        self.vanish(self._random_machine())
        self.appear()

    def change_everything(self) -> None:
        """Take one turn with a change of every kind. The changes are the same for every seed."""
        self.turn += 1
        self.change("m-0", status=ResourceStatus.STOPPED, vendor_status="stopped")
        self.change("m-1", name="renamed")
        self.vanish("m-2")
        self.recreate("m-3")
        self.change("m-4", terms=replace(TERMS, running_rate=1.5), price=Price(1.5, "USD", PriceSource.VENDOR))
        self.move_volume("m-6", "v-0")
        self.change("m-7", status=ResourceStatus.DELETED, vendor_status="terminated")
        self.appear()
        self.volumes["v-new"] = volume("v-new", created_at=moment(self.turn))
        self.move_volume("m-8", "v-new")

    def appear(self) -> None:
        """Create a machine with a new id."""
        name = f"m-{self._created_count}"
        self._created_count += 1
        self.machines[name] = machine(name, created_at=_CREATED if self.turn == 0 else moment(self.turn))

    def vanish(self, name: str) -> None:
        """Delete a machine, which is then no longer listed."""
        del self.machines[name]

    def recreate(self, name: str) -> None:
        """Replace a machine by another one with the same id."""
        self.machines[name] = machine(name, created_at=moment(self.turn), name=f"another {name}")

    def change(self, machine_id: str, **fields: object) -> None:
        """Change fields of a machine."""
        self.machines[machine_id] = replace(self.machines[machine_id], **fields)  # type: ignore[arg-type] # what a test names

    def move_volume(self, name: str, volume_id: str) -> None:
        """Detach a volume and attach it to a machine."""
        link = attached(volume_id, moment(self.turn))
        for other, observation in self.machines.items():
            others = tuple(one for one in _links(observation) if one.vendor_id != volume_id)
            self.machines[other] = replace(observation, links=(*others, link) if other == name else others)

    def _random_machine(self) -> str:
        return self._random.choice(sorted(self.machines))

    def _change_status(self) -> None:
        status = self._random.choice((ResourceStatus.RUNNING, ResourceStatus.STOPPED, ResourceStatus.STOPPING))
        self.change(self._random_machine(), status=status, vendor_status=status.value.lower())

    def _rename(self) -> None:
        self.change(self._random_machine(), name=f"name {self._random.randrange(100)}")

    def _change_price(self) -> None:
        rate = self._random.randrange(1, 100) / 10
        self.change(
            self._random_machine(),
            terms=replace(TERMS, running_rate=rate),
            price=Price(rate, "USD", PriceSource.VENDOR),
        )

    def _move(self) -> None:
        self.move_volume(self._random_machine(), self._random.choice(sorted(self.volumes)))

    def _replace(self) -> None:
        self.recreate(self._random_machine())

    def _drop_deleted(self) -> None:
        deleted = [name for name, one in self.machines.items() if one.status is ResourceStatus.DELETED]
        for name in deleted:
            self.vanish(name)


def _links(observation: Observation) -> tuple[Attachment, ...]:
    return observation.links if isinstance(observation.links, tuple) else ()


def world_at(seed: int, turns: int) -> ScriptedWorld:
    """Return the world after this many random turns."""
    world = ScriptedWorld(seed)
    for _ in range(turns):
        world.step()
    return world


class ScriptedCloud:
    """`domain.ports.CloudClient` over a world. A call returns the world as it was on arrival, once the gate is open."""

    vendor = "scripted"
    links_owner = ResourceKind.MACHINES
    scopes: tuple[tuple[ResourceKind, str | None], ...] = tuple((kind, None) for kind in ResourceKind)

    def __init__(self, world: ScriptedWorld) -> None:
        self.world = world
        self.gate = asyncio.Event()
        self.gate.set()
        self.calls = 0
        self.pause_seconds = 0.0
        self._changed = asyncio.Condition()

    def sweep_calls(self, kind: ResourceKind) -> int:
        """Return one call."""
        return 1

    def probes(self, kind: ResourceKind) -> bool:
        """Return True."""
        return True

    def fingerprint(self, salt: str) -> str:
        """Return the hash of a credential that never changes."""
        return f"key with {salt}"

    async def sweep(self, kind: ResourceKind, region: str | None) -> SweepResult:
        """Return all resources of the kind."""
        snapshot = SweepResult(SweepOutcome.COMPLETE, tuple(self._resources(kind).values()), calls=1)
        await self._hold_response()
        return snapshot

    async def probe(self, kind: ResourceKind, region: str | None, vendor_id: str) -> ProbeResult:
        """Return the resource, or the vendor's own words that it is gone."""
        observation = self._resources(kind).get(vendor_id)
        await self._hold_response()
        return ProbeResult("gone", calls=1) if observation is None else ProbeResult("found", observation, calls=1)

    async def wait_for_calls(self, count: int) -> None:
        """Wait until this many calls have arrived in total."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.calls >= count)

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def _resources(self, kind: ResourceKind) -> dict[str, Observation]:
        return self.world.machines if kind is ResourceKind.MACHINES else self.world.volumes

    async def _hold_response(self) -> None:
        async with self._changed:
            self.calls += 1
            self._changed.notify_all()
        await asyncio.sleep(self.pause_seconds)
        await self.gate.wait()
