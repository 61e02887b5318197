"""The background tasks and the holds after failures, in simulated time and with a store of plain values."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.enums import ResourceKind, StaleReason
from domain.ports import AccountSetup
from domain.records.model import Changes, FlightTicket, LockedState, ResourceRecord, ScopeKey, ScopeRecord, VendorKey
from domain.records.observation import SweepResult
from domain.records.timeline import AccountTimeline, Advance
from domain.rules import AbsenceRules, FreshnessRules
from reconcile.engine import Reconciler
from reconcile.requests import RefreshRequest, RefreshResult
from tests.observations import machine
from tests.reconcile.cloud import HeldCloud, failed_sweep
from tests.reconcile.listeners import ErrorCollector
from tests.simulation.loop import SimulatedLoop, SteppedClock, run
from tests.simulation.storage.memory import MemoryTables

SCOPE = ScopeKey("lab", ResourceKind.MACHINES, None)
MACHINES = tuple(machine(f"m-{number}") for number in range(5))


class MemoryStore:
    """`domain.ports.RecordStore` over plain values. While `broken`, writing raises OSError."""

    def __init__(self, clock: SteppedClock) -> None:
        self.tables = MemoryTables(clock)
        self.broken = False

    def now(self) -> datetime:
        """As the port says."""
        return self.tables.now()

    async def configure(self, accounts: Sequence[AccountSetup]) -> None:
        """As the port says."""
        self.tables.configure(accounts)

    async def draw(self, account: str, advance: Advance = AccountTimeline.add_pause) -> FlightTicket:
        """As the port says."""
        return self.tables.draw(account, advance)

    async def scopes(self) -> tuple[ScopeRecord, ...]:
        """As the port says."""
        return self.tables.scopes()

    async def missing(self, scope: ScopeKey, limit: int) -> tuple[ResourceRecord, ...]:
        """As the port says."""
        return self.tables.missing(scope, limit)

    async def resources(self, ids: Iterable[UUID]) -> tuple[ResourceRecord, ...]:
        """As the port says."""
        return self.tables.resources(ids)

    async def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """As the port says."""
        if self.broken:
            raise OSError("the disk is full")
        return self.tables.apply(scope, named, whole, decide)

    async def prune(self, before: datetime) -> int:
        """As the port says."""
        return self.tables.prune(before)


class BackgroundScene:
    """One store, one cloud, and any number of processes."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self.clock = SteppedClock(loop)
        self.store = MemoryStore(self.clock)
        self.cloud = HeldCloud(*MACHINES)
        self.errors = ErrorCollector()

    async def start(self, *, background: bool = True) -> Reconciler:
        """Start a gateway or, without background work, a `sync`."""
        engine = Reconciler(
            self.store,
            {"lab": self.cloud},
            [AccountSetup("lab", "held", 30, self.cloud.scopes)],
            FreshnessRules(),
            AbsenceRules(),
            self.errors,
            clock=self.clock,
        )
        await engine.start(background=background)
        return engine

    async def force(self, engine: Reconciler, **fields: tuple[UUID, ...]) -> RefreshResult:
        """Refresh for a forced reader. `fields` are fields of the request."""
        request = RefreshRequest(SCOPE, self.store.now(), forced=True, max_wait_seconds=30, **fields)
        return await engine.refresh([request], asyncio.get_running_loop().time())

    def machine(self, number: int) -> ResourceRecord:
        """Return the record of a machine."""
        return next(one for one in self.store.tables.by_id.values() if one.vendor_id == f"m-{number}")


def play(story: Callable[[BackgroundScene], Awaitable[None]]) -> None:
    """Run a story in simulated time."""
    loop = SimulatedLoop()
    scene = BackgroundScene(loop)

    async def main() -> None:
        await story(scene)

    run(loop, main())


def test_a_scope_that_only_failed_before_is_swept_on_start_once_its_hold_is_over() -> None:
    """The only sweep before the restart failed. A first query of recorded fields must not stay empty for that."""

    async def story(scene: BackgroundScene) -> None:
        scene.cloud.responses.append(failed_sweep(StaleReason.VENDOR_DOWN))
        first = await scene.start(background=False)
        await scene.force(first)
        second = await scene.start()
        await asyncio.sleep(1)
        during_hold = scene.cloud.sweep_count
        await asyncio.sleep(10)
        assert (1, 2, 5) == (during_hold, scene.cloud.sweep_count, len(scene.store.tables.by_id))
        await second.close()

    play(story)


def test_resources_that_another_process_finds_missing_are_probed_and_watched() -> None:
    """`sync` finds a machine missing and ends. The gateway, which keeps running, finds out whether it was deleted."""

    async def story(scene: BackgroundScene) -> None:
        gateway = await scene.start()
        await asyncio.sleep(3600)
        sync = await scene.start(background=False)
        del scene.cloud.machines["m-0"]
        await sync.sweep(SCOPE)
        await sync.close()
        await asyncio.sleep(400)
        assert scene.machine(0).deleted
        await gateway.close()

    play(story)


@pytest.mark.parametrize("reason", [StaleReason.RATE_LIMITED, StaleReason.VENDOR_DOWN])
def test_no_probe_is_sent_while_a_scope_is_held(reason: StaleReason) -> None:
    """Not for missing resources, not after the failed sweep, not for tombstones: force skips only the cooldown."""

    async def story(scene: BackgroundScene) -> None:
        gateway = await scene.start()
        await asyncio.sleep(3600)
        for number in (0, 1):
            del scene.cloud.machines[f"m-{number}"]
            await scene.force(gateway)
            await asyncio.sleep(1)
        assert scene.machine(0).deleted
        scene.cloud.machines.pop("m-2")
        scene.cloud.probing = False
        await scene.force(gateway)
        scene.cloud.probing, scene.cloud.probed_ids = True, []
        assert scene.machine(2).missing_since is not None
        scene.cloud.responses.append(failed_sweep(reason))
        await asyncio.sleep(1)
        await scene.force(gateway)
        missing, tombstones = (scene.machine(2).resource_id,), (scene.machine(0).resource_id,)
        result = await scene.force(gateway, missing=missing)
        await scene.force(gateway, tombstones=tombstones)
        assert (reason, []) == (result.resources[missing[0]], scene.cloud.probed_ids)
        await asyncio.sleep(30)
        await scene.force(gateway, tombstones=tombstones)
        assert 1 == scene.cloud.probed_ids.count("m-0")
        await gateway.close()

    play(story)


def test_an_internal_error_is_held_and_shared() -> None:
    """Otherwise each reader would send a call to the cloud whose response cannot be recorded."""

    async def story(scene: BackgroundScene) -> None:
        gateway = await scene.start()
        await asyncio.sleep(60)
        scene.store.broken = True
        for _ in range(3):
            result = await scene.force(gateway)
            assert {StaleReason.GATEWAY_ERROR} == set(result.scopes.values())
        assert (2, 1) == (scene.cloud.sweep_count, len(scene.errors.errors))
        scene.store.broken = False
        await asyncio.sleep(10)
        await scene.force(gateway)
        assert (3, scene.store.now()) == (scene.cloud.sweep_count, scene.store.tables.scopes()[0].swept_at)
        await gateway.close()

    play(story)


def test_periodic_work_that_fails_is_repeated() -> None:
    """If pruning fails once, the history is pruned an hour later."""

    async def story(scene: BackgroundScene) -> None:
        failures = [OSError("away"), None]

        async def prune(before: datetime) -> int:
            error = failures.pop(0)
            if error is not None:
                raise error
            return scene.store.tables.prune(before)

        scene.store.prune = prune  # type: ignore[method-assign]
        gateway = await scene.start()
        await asyncio.sleep(timedelta(hours=1.2).total_seconds())
        assert ([], ["away"]) == (failures, [str(error) for error in scene.errors.errors])
        await gateway.close()

    play(story)


def test_a_malformed_listing_does_not_hold_back_probes() -> None:
    """Asking for one machine by its id does no harm to a vendor whose list cannot be parsed."""

    async def story(scene: BackgroundScene) -> None:
        gateway = await scene.start()
        await asyncio.sleep(3600)
        scene.cloud.probing = False
        scene.cloud.machines.pop("m-0")
        await scene.force(gateway)
        scene.cloud.probing = True
        malformed: SweepResult = failed_sweep(StaleReason.MALFORMED_ANSWER)
        scene.cloud.responses.append(malformed)
        await asyncio.sleep(1)
        await scene.force(gateway)
        await asyncio.sleep(1)
        assert ["m-0"] == scene.cloud.probed_ids
        await gateway.close()

    play(story)


def test_a_hold_from_before_the_clock_was_set_back_does_not_come_up_again() -> None:
    """The vendor asked for an hour, then the clock lost more than that. No reader is held when it has nearly caught up."""

    async def story(scene: BackgroundScene) -> None:
        limited = failed_sweep(StaleReason.RATE_LIMITED)
        assert limited.problem is not None
        problem = replace(limited.problem, retry_at=scene.store.now() + timedelta(hours=1))
        scene.cloud.responses.append(replace(limited, problem=problem))
        first = await scene.start(background=False)
        await scene.force(first)
        await first.close()
        scene.clock.step(-5000)
        second = await scene.start(background=False)
        await asyncio.sleep(4800)
        assert ({}, 2) == (dict((await scene.force(second)).scopes), scene.cloud.sweep_count)
        await second.close()

    play(story)
