"""The work of the processes that are killed: the real engine over a database file, and the start after each kill."""

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
from domain.records.identity import account_identity, resource_uuid
from domain.records.model import ScopeKey
from domain.rules import AbsenceRules, FreshnessRules
from reconcile.engine import Reconciler
from reconcile.requests import RefreshRequest
from tests.clock import ManualClock
from tests.kills.cloud import ACCOUNT, ScriptedCloud, ScriptedWorld, moment
from tests.kills.fuse import Fuse, FusedStore

SCOPES = {kind: ScopeKey(ACCOUNT, kind, None) for kind in ResourceKind}
_LONG = 60.0
# Long enough for probes to start while the listings are under way.
_PAUSE = 0.005


class TurnCounter:
    """The number of turns that a process has started, in memory that outlives the process."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    def set(self, turns: int) -> None:
        """Store the number."""
        self._memory[:8] = turns.to_bytes(8, "big")

    def get(self) -> int:
        """Return the number."""
        return int.from_bytes(self._memory[:8], "big")

    def wait_for_first(self) -> None:
        """Wait until the first turn has started. Raises RuntimeError after a minute."""
        until = time.monotonic() + _LONG
        while not self.get():
            if time.monotonic() > until:
                raise RuntimeError("the process did not start a turn within a minute")
            time.sleep(0.001)

    def close(self) -> None:
        """Free the memory."""
        self._memory.close()


class ErrorPrinter:
    """Prints internal errors, and collects them for the end."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    def task_failed(self, what: str, error: BaseException) -> None:
        """Print and collect the error."""
        self.errors.append(error)
        traceback.print_exception(error, file=sys.stderr)


@dataclass
class KilledGateway:
    """One process: its engine, cloud and clock."""

    engine: Reconciler
    cloud: ScriptedCloud
    clock: ManualClock

    async def force(self, kind: ResourceKind, *machines: str) -> None:
        """Refresh a whole scope, or these machines, for a forced reader."""
        ids = tuple(self.machine_id(name) for name in machines)
        request = RefreshRequest(SCOPES[kind], self.clock.now(), forced=True, max_wait_seconds=_LONG, resources=ids)
        await self.engine.refresh([request], asyncio.get_running_loop().time())

    def machine_id(self, name: str) -> UUID:
        """Return the UUID of the machine that has this vendor id now."""
        observation = self.cloud.world.machines[name]
        return resource_uuid(account_identity(ACCOUNT, ()), observation.kind, name, observation.created_at, 0)


@asynccontextmanager
async def open_gateway(
    file: Path, world: ScriptedWorld, fuse: Fuse | None = None, *, narrow: bool = False
) -> AsyncIterator[KilledGateway]:
    """Open the database and create an engine, and close both at the end. Raises the first internal error."""
    clock = ManualClock(moment(world.turn))
    database = make_engine(f"sqlite+aiosqlite:///{file}")
    store = FusedStore(database, clock, fuse or Fuse(), narrow=narrow)
    cloud, printer = ScriptedCloud(world), ErrorPrinter()
    engine = Reconciler(
        store,
        {ACCOUNT: cloud},
        [AccountSetup(ACCOUNT, cloud.vendor, 30, cloud.scopes)],
        FreshnessRules(force_gap_seconds=0),
        AbsenceRules(),
        printer,
        random=Random(world.seed),
        clock=clock,
    )
    try:
        yield KilledGateway(engine, cloud, clock)
    finally:
        cloud.gate.set()
        await engine.close()
        await database.dispose()
    if printer.errors:
        raise printer.errors[0]


async def create_database(file: Path, seed: int) -> None:
    """Create a database of the initial world."""
    database = make_engine(f"sqlite+aiosqlite:///{file}")
    await migrate(database)
    await database.dispose()
    async with open_gateway(file, ScriptedWorld(seed)) as gateway:
        await gateway.engine.start(background=False)
        for scope in SCOPES.values():
            await gateway.engine.sweep(scope)


async def run_once(file: Path, seed: int, fuse: Fuse, *, narrow: bool) -> None:
    """Change everything, send a sweep of each scope and a probe, and answer them at the same time."""
    world = ScriptedWorld(seed)
    world.change_everything()
    async with open_gateway(file, world, fuse, narrow=narrow) as gateway:
        await gateway.engine.start()
        gateway.cloud.gate.clear()
        sweeps = [asyncio.ensure_future(gateway.force(kind)) for kind in ResourceKind]
        await gateway.cloud.wait_for_calls(2)
        # The probe must show something that no running listing has seen.
        change_after_listing(world)
        gateway.clock.advance(1)
        probe = asyncio.ensure_future(gateway.force(ResourceKind.MACHINES, "m-1"))
        await gateway.cloud.wait_for_calls(3)
        gateway.cloud.gate.set()
        await asyncio.gather(probe, *sweeps)


def change_after_listing(world: ScriptedWorld) -> None:
    """Make the change that happens once the listings are under way."""
    world.change("m-1", name="renamed again")


async def run_endless(file: Path, seed: int, turns: TurnCounter) -> None:
    """Take turn after turn, always with sweeps and probes in flight, until the process is killed."""
    async with open_gateway(file, ScriptedWorld(seed)) as gateway:
        cloud = gateway.cloud
        cloud.pause_seconds = _PAUSE
        await gateway.engine.start()
        while True:
            # Counted before it happens: a turn that has started changes the world for good.
            turns.set(cloud.world.turn + 1)
            cloud.world.step()
            gateway.clock.advance((moment(cloud.world.turn) - gateway.clock.now()).total_seconds())
            calls = cloud.calls
            sweeps = [asyncio.ensure_future(gateway.force(kind)) for kind in ResourceKind]
            await cloud.wait_for_calls(calls + 2)
            gateway.clock.advance(1)
            names = sorted(cloud.world.machines)[:3]
            await asyncio.gather(*sweeps, *(gateway.force(ResourceKind.MACHINES, name) for name in names))


async def start_again(file: Path, world: ScriptedWorld) -> list[str]:
    """Start again a minute later and sweep. Return the problems."""
    async with open_gateway(file, world) as gateway:
        gateway.clock.advance(60)
        await gateway.engine.start()
        for scope in SCOPES.values():
            outcome = await gateway.engine.sweep(scope)
            if outcome.reason is not None:
                return [f"the sweep after the start ended with {outcome}"]
    return []
