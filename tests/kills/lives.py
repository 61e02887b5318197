"""What the processes that are killed live through: the real engine over a file, and the start after each death."""

from __future__ import annotations

import asyncio
import mmap
import sys
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import UUID

from db.engine import make_engine
from db.migrations import migrate
from domain.enums import ResourceKind
from domain.ports import AccountSetup
from domain.records.identity import resource_uuid
from domain.records.model import ScopeKey
from domain.rules import AbsenceRules, FreshnessRules
from reconcile.engine import Reconciler
from reconcile.requests import RefreshRequest
from tests.clock import ManualClock
from tests.kills.fuse import Fuse, FusedStore
from tests.kills.vendor import ACCOUNT, ScriptedCloud, World, moment

SCOPES = {kind: ScopeKey(ACCOUNT, kind, None) for kind in ResourceKind}
_LONG = 60.0
# Long enough that probes start while the listings are under way.
_PAUSE = 0.005


class Turns:
    """How many turns a process has taken, in memory that outlives it."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 8)

    def set(self, turns: int) -> None:
        """So many."""
        self._shared[:8] = turns.to_bytes(8, "big")

    def get(self) -> int:
        """How many."""
        return int.from_bytes(self._shared[:8], "big")

    def await_first(self) -> None:
        """Wait until the first turn has begun. Raises RuntimeError after a minute."""
        until = time.monotonic() + _LONG
        while not self.get():
            if time.monotonic() > until:
                raise RuntimeError("the process did not begin")
            time.sleep(0.001)

    def close(self) -> None:
        """Give the memory back."""
        self._shared.close()


class Broken:
    """Keeps errors of our own for the end, and says them."""

    def __init__(self) -> None:
        self.seen: list[BaseException] = []

    def task_failed(self, what: str, error: BaseException) -> None:
        """Keep it."""
        self.seen.append(error)
        traceback.print_exception(error, file=sys.stderr)


@dataclass
class Life:
    """One process's gateway: its engine, the cloud before it, the clock."""

    engine: Reconciler
    cloud: ScriptedCloud
    clock: ManualClock

    async def refresh(self, kind: ResourceKind, *machines: str) -> None:
        """A forced reader of a whole scope, or of these machines of it."""
        ids = tuple(self.machine(name) for name in machines)
        want = RefreshRequest(SCOPES[kind], self.clock.now(), forced=True, max_wait_seconds=_LONG, resources=ids)
        await self.engine.refresh([want], asyncio.get_running_loop().time())

    def machine(self, name: str) -> UUID:
        """The UUID of the machine that now has this vendor id."""
        told = self.cloud.world.machines[name]
        return resource_uuid(ACCOUNT, told.kind, name, told.created_at, 0)


@asynccontextmanager
async def living(file: Path, world: World, fuse: Fuse | None = None, *, narrow: bool = False) -> AsyncIterator[Life]:
    """Open the record, start, and at the end close as a gateway does. Raises what broke meanwhile."""
    clock = ManualClock(moment(world.turn))
    database = make_engine(f"sqlite+aiosqlite:///{file}")
    store = FusedStore(database, clock, fuse or Fuse(), narrow=narrow)
    cloud, broken = ScriptedCloud(world), Broken()
    engine = Reconciler(
        store,
        {ACCOUNT: cloud},
        [AccountSetup(ACCOUNT, cloud.vendor, 30, cloud.scopes)],
        FreshnessRules(force_gap_seconds=0),
        AbsenceRules(),
        broken,
        random=Random(world.seed),
        clock=clock,
    )
    try:
        yield Life(engine, cloud, clock)
    finally:
        cloud.gate.set()
        await engine.close()
        await database.dispose()
    if broken.seen:
        raise broken.seen[0]


async def beginning(file: Path, seed: int) -> None:
    """A record of the world as it begins."""
    database = make_engine(f"sqlite+aiosqlite:///{file}")
    await migrate(database)
    await database.dispose()
    async with living(file, World(seed)) as life:
        await life.engine.start(background=False)
        for scope in SCOPES.values():
            await life.engine.sweep(scope)


async def one_apply(file: Path, seed: int, fuse: Fuse, *, narrow: bool) -> None:
    """Everything changes; a sweep of each scope and a probe are in flight, and are answered at once."""
    world = World(seed)
    world.everything()
    async with living(file, world, fuse, narrow=narrow) as life:
        await life.engine.start()
        life.cloud.gate.clear()
        sweeps = [asyncio.ensure_future(life.refresh(kind)) for kind in ResourceKind]
        await life.cloud.until_arrived(2)
        # What the probe is to tell, no listing under way has seen.
        after_the_listing(world)
        life.clock.advance(1)
        probe = asyncio.ensure_future(life.refresh(ResourceKind.MACHINES, "m-1"))
        await life.cloud.until_arrived(3)
        life.cloud.gate.set()
        await asyncio.gather(probe, *sweeps)


def after_the_listing(world: World) -> None:
    """What changes once the listings are under way."""
    world.change("m-1", name="renamed again")


async def endless(file: Path, seed: int, turns: Turns) -> None:
    """Turn after turn, sweeps and probes in flight all the time, until somebody kills the process."""
    async with living(file, World(seed)) as life:
        life.cloud.pause_seconds = _PAUSE
        await life.engine.start()
        while True:
            # Told before it happens: a turn that was begun has changed the world for good.
            turns.set(life.cloud.world.turn + 1)
            life.cloud.world.step()
            life.clock.advance((moment(life.cloud.world.turn) - life.clock.now()).total_seconds())
            arrived = life.cloud.arrived
            sweeps = [asyncio.ensure_future(life.refresh(kind)) for kind in ResourceKind]
            await life.cloud.until_arrived(arrived + 2)
            life.clock.advance(1)
            names = sorted(life.cloud.world.machines)[:3]
            await asyncio.gather(*sweeps, *(life.refresh(ResourceKind.MACHINES, name) for name in names))


async def next_start(file: Path, world: World) -> list[str]:
    """Start again a minute later and sweep; says what went wrong."""
    async with living(file, world) as life:
        life.clock.advance(60)
        await life.engine.start()
        for scope in SCOPES.values():
            outcome = await life.engine.sweep(scope)
            if outcome.reason is not None or outcome.error is not None:
                return [f"the sweep after the start ended with {outcome}"]
    return []
