"""A cloud of values that changes by a seed: whoever replays the same turns stands before the same cloud."""

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
_BORN = START - timedelta(days=30)


def moment(turn: int) -> datetime:
    """When a turn's changes happen: so far apart that every grace period is over by the next turn."""
    return START + timedelta(seconds=SECONDS_A_TURN * turn)


@dataclass
class World:
    """What there is at the vendor. `turn` 0 is how it begins."""

    seed: int
    turn: int = 0

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._born = 0
        self.machines: dict[str, Observation] = {}
        self.volumes = {f"v-{n}": volume(f"v-{n}", created_at=_BORN) for n in range(VOLUMES)}
        for _ in range(MACHINES):
            self.appear()
        for number in range(VOLUMES - 1):
            self.move_volume(f"m-{number}", f"v-{number}")

    def step(self) -> None:
        """One turn: a handful of changes."""
        self.turn += 1
        moves: list[Callable[[], None]] = [self._flip, self._rename, self._dearer, self._move, self._replace]
        for change in self._random.choices(moves, k=5):
            change()
        # One goes and one comes, so that a listing never lacks so much that it is in doubt.
        self._forget_deleted()
        self.vanish(self._any())
        self.appear()

    def everything(self) -> None:
        """One turn with a change of every sort; what it does to whom is fixed."""
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
        """A machine that was never there."""
        name = f"m-{self._born}"
        self._born += 1
        self.machines[name] = machine(name, created_at=_BORN if self.turn == 0 else moment(self.turn))

    def vanish(self, name: str) -> None:
        """A machine is gone without a word."""
        del self.machines[name]

    def recreate(self, name: str) -> None:
        """The vendor gives a machine's id to another one."""
        self.machines[name] = machine(name, created_at=moment(self.turn), name=f"another {name}")

    def change(self, machine_id: str, **told: object) -> None:
        """A machine changes."""
        self.machines[machine_id] = replace(self.machines[machine_id], **told)  # type: ignore[arg-type] # what a test names

    def move_volume(self, name: str, volume_id: str) -> None:
        """A volume is taken off whatever it is on, and put on a machine."""
        link = attached(volume_id, moment(self.turn))
        for other, told in self.machines.items():
            kept = tuple(one for one in _links(told) if one.vendor_id != volume_id)
            self.machines[other] = replace(told, links=(*kept, link) if other == name else kept)

    def _any(self) -> str:
        return self._random.choice(sorted(self.machines))

    def _flip(self) -> None:
        status = self._random.choice((ResourceStatus.RUNNING, ResourceStatus.STOPPED, ResourceStatus.STOPPING))
        self.change(self._any(), status=status, vendor_status=status.value.lower())

    def _rename(self) -> None:
        self.change(self._any(), name=f"name {self._random.randrange(100)}")

    def _dearer(self) -> None:
        rate = self._random.randrange(1, 100) / 10
        self.change(self._any(), terms=replace(TERMS, running_rate=rate), price=Price(rate, "USD", PriceSource.VENDOR))

    def _move(self) -> None:
        self.move_volume(self._any(), self._random.choice(sorted(self.volumes)))

    def _replace(self) -> None:
        self.recreate(self._any())

    def _forget_deleted(self) -> None:
        deleted = [name for name, told in self.machines.items() if told.status is ResourceStatus.DELETED]
        for name in deleted:
            self.vanish(name)


def _links(told: Observation) -> tuple[Attachment, ...]:
    return told.links if isinstance(told.links, tuple) else ()


def world_at(seed: int, turns: int) -> World:
    """The world after so many turns of chance."""
    world = World(seed)
    for _ in range(turns):
        world.step()
    return world


class ScriptedCloud:
    """`domain.ports.CloudClient` over a world. Calls answer with the world at arrival, returned once the gate opens."""

    vendor = "scripted"
    links_owner = ResourceKind.MACHINES
    scopes: tuple[tuple[ResourceKind, str | None], ...] = tuple((kind, None) for kind in ResourceKind)

    def __init__(self, world: World) -> None:
        self.world = world
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = 0
        self.pause_seconds = 0.0
        self._changed = asyncio.Condition()

    def sweep_calls(self, kind: ResourceKind) -> int:
        """One page."""
        return 1

    def probes(self, kind: ResourceKind) -> bool:
        """Always."""
        return True

    def fingerprint(self, salt: str) -> str:
        """Always of the same credential."""
        return f"key with {salt}"

    async def sweep(self, kind: ResourceKind, region: str | None) -> SweepResult:
        """Everything of the kind."""
        snapshot = SweepResult(SweepOutcome.COMPLETE, tuple(self._held(kind).values()), calls=1)
        await self._answer()
        return snapshot

    async def probe(self, kind: ResourceKind, region: str | None, vendor_id: str) -> ProbeResult:
        """The one, or the vendor's own words that it is gone."""
        told = self._held(kind).get(vendor_id)
        await self._answer()
        return ProbeResult("gone", calls=1) if told is None else ProbeResult("found", told, calls=1)

    async def until_arrived(self, count: int) -> None:
        """Wait until so many calls have come in all."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.arrived >= count)

    async def close(self) -> None:
        """Nothing to close."""

    def _held(self, kind: ResourceKind) -> dict[str, Observation]:
        return self.world.machines if kind is ResourceKind.MACHINES else self.world.volumes

    async def _answer(self) -> None:
        async with self._changed:
            self.arrived += 1
            self._changed.notify_all()
        await asyncio.sleep(self.pause_seconds)
        await self.gate.wait()
