"""What happens when nobody reads, and what is held back, over simulated time and a record of plain values."""

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
from domain.rules import AbsenceRules, FreshnessRules
from reconcile.engine import Reconciler
from reconcile.requests import RefreshRequest, RefreshResult
from tests.observations import machine
from tests.reconcile.cloud import HeldCloud, failing
from tests.reconcile.test_engine import Breakdowns
from tests.simulation.loop import SimulatedLoop, SteppedClock, run
from tests.simulation.memory import MemoryTables

SCOPE = ScopeKey("lab", ResourceKind.MACHINES, None)
MACHINES = tuple(machine(f"m-{number}") for number in range(5))


class MemoryRecord:
    """`domain.ports.RecordStore` in plain values; `broken` makes it refuse to be written."""

    def __init__(self, clock: SteppedClock) -> None:
        self.tables = MemoryTables(clock)
        self.broken = False

    def now(self) -> datetime:
        """As the port says."""
        return self.tables.now()

    async def configure(self, accounts: Sequence[AccountSetup]) -> None:
        """As the port says."""
        self.tables.configure(accounts)

    async def draw(self, account: str) -> FlightTicket:
        """As the port says."""
        return self.tables.draw(account)

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


class Scene:
    """One record, one cloud, and as many processes as are started."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self.clock = SteppedClock(loop)
        self.record = MemoryRecord(self.clock)
        self.cloud = HeldCloud(*MACHINES)
        self.breakdowns = Breakdowns()

    async def process(self, *, background: bool = True) -> Reconciler:
        """A gateway, or `sync`, which does nothing in the background."""
        engine = Reconciler(
            self.record,
            {"lab": self.cloud},
            [AccountSetup("lab", "held", 30, self.cloud.scopes)],
            FreshnessRules(),
            AbsenceRules(),
            self.breakdowns,
            clock=self.clock,
        )
        await engine.start(background=background)
        return engine

    async def read(self, engine: Reconciler, **wanted: tuple[UUID, ...]) -> RefreshResult:
        """A forced reader."""
        want = RefreshRequest(SCOPE, self.record.now(), forced=True, max_wait_seconds=30, **wanted)
        return await engine.refresh([want], asyncio.get_running_loop().time())

    def machine(self, number: int) -> ResourceRecord:
        """The newest record of a machine."""
        return next(one for one in self.record.tables.by_id.values() if one.vendor_id == f"m-{number}")


def play(story: Callable[[Scene], Awaitable[None]]) -> None:
    """Play a story in simulated time."""
    loop = SimulatedLoop()
    scene = Scene(loop)

    async def told() -> None:
        await story(scene)

    run(loop, told())


def test_what_was_tried_and_never_swept_is_swept_on_start_once_its_hold_is_over() -> None:
    """The only sweep before the restart had failed: a first look at recorded fields must not stay empty for that."""

    async def story(scene: Scene) -> None:
        scene.cloud.answers.append(failing(StaleReason.VENDOR_DOWN))
        first = await scene.process(background=False)
        await scene.read(first)
        second = await scene.process()
        await asyncio.sleep(1)
        held = scene.cloud.swept
        await asyncio.sleep(10)
        assert (1, 2, 5) == (held, scene.cloud.swept, len(scene.record.tables.by_id))
        await second.close()

    play(story)


def test_marks_that_were_made_beside_us_are_probed_and_watched() -> None:
    """`sync` finds a machine missing and ends; the gateway that runs all the while finds out whether it is gone."""

    async def story(scene: Scene) -> None:
        gateway = await scene.process()
        await asyncio.sleep(3600)
        sync = await scene.process(background=False)
        del scene.cloud.machines["m-0"]
        await sync.sweep(SCOPE)
        await sync.close()
        await asyncio.sleep(400)
        assert scene.machine(0).deleted
        await gateway.close()

    play(story)


@pytest.mark.parametrize("reason", [StaleReason.RATE_LIMITED, StaleReason.VENDOR_DOWN])
def test_while_a_scope_is_held_no_probe_is_sent_either(reason: StaleReason) -> None:
    """Of marks, of the work list after the failed sweep, of tombstones: force skips the cooldown and nothing else."""

    async def story(scene: Scene) -> None:
        gateway = await scene.process()
        await asyncio.sleep(3600)
        for number in (0, 1):
            del scene.cloud.machines[f"m-{number}"]
            await scene.read(gateway)
            await asyncio.sleep(1)
        assert scene.machine(0).deleted
        scene.cloud.machines.pop("m-2")
        scene.cloud.probing = False
        await scene.read(gateway)
        scene.cloud.probing, scene.cloud.probed = True, []
        assert scene.machine(2).missing_since is not None
        scene.cloud.answers.append(failing(reason))
        await asyncio.sleep(1)
        await scene.read(gateway)
        marked, gone = (scene.machine(2).resource_id,), (scene.machine(0).resource_id,)
        told = await scene.read(gateway, missing=marked)
        await scene.read(gateway, tombstones=gone)
        assert (reason, []) == (told.resources[marked[0]], scene.cloud.probed)
        await asyncio.sleep(30)
        await scene.read(gateway, tombstones=gone)
        assert ["m-0"] == [one for one in scene.cloud.probed if one == "m-0"]
        await gateway.close()

    play(story)


def test_an_error_of_ours_is_held_and_shared() -> None:
    """Each reader would otherwise send a call to the cloud whose answer cannot be kept."""

    async def story(scene: Scene) -> None:
        gateway = await scene.process()
        await asyncio.sleep(60)
        scene.record.broken = True
        for _ in range(3):
            with pytest.raises(OSError, match="the disk is full"):
                await scene.read(gateway)
        assert (2, 1) == (scene.cloud.swept, len(scene.breakdowns.seen))
        scene.record.broken = False
        await asyncio.sleep(10)
        await scene.read(gateway)
        assert (3, scene.record.now()) == (scene.cloud.swept, scene.record.tables.scopes()[0].swept_at)
        await gateway.close()

    play(story)


def test_what_fails_in_the_background_is_tried_again() -> None:
    """A record that cannot be pruned once is pruned an hour later."""

    async def story(scene: Scene) -> None:
        failures = [OSError("away"), None]

        async def prune(before: datetime) -> int:
            error = failures.pop(0)
            if error is not None:
                raise error
            return scene.record.tables.prune(before)

        scene.record.prune = prune  # type: ignore[method-assign]
        gateway = await scene.process()
        await asyncio.sleep(timedelta(hours=1.2).total_seconds())
        assert ([], ["away"]) == (failures, [str(error) for error in scene.breakdowns.seen])
        await gateway.close()

    play(story)


def test_a_listing_of_a_wrong_shape_holds_back_listings_alone() -> None:
    """Asking for one machine by its id does no harm to a vendor whose list cannot be read."""

    async def story(scene: Scene) -> None:
        gateway = await scene.process()
        await asyncio.sleep(3600)
        scene.cloud.probing = False
        scene.cloud.machines.pop("m-0")
        await scene.read(gateway)
        scene.cloud.probing = True
        wrong: SweepResult = failing(StaleReason.MALFORMED_ANSWER)
        scene.cloud.answers.append(wrong)
        await asyncio.sleep(1)
        await scene.read(gateway)
        await asyncio.sleep(1)
        assert ["m-0"] == scene.cloud.probed
        await gateway.close()

    play(story)


def test_a_hold_from_before_the_clock_was_set_back_does_not_come_up_again() -> None:
    """The vendor asked for an hour; the clock then lost more than that. When it has nearly caught up nobody is held anew."""

    async def story(scene: Scene) -> None:
        told = failing(StaleReason.RATE_LIMITED)
        assert told.problem is not None
        an_hour = replace(told.problem, retry_at=scene.record.now() + timedelta(hours=1))
        scene.cloud.answers.append(replace(told, problem=an_hour))
        first = await scene.process(background=False)
        await scene.read(first)
        await first.close()
        scene.clock.step(-5000)
        second = await scene.process(background=False)
        await asyncio.sleep(4800)
        assert ({}, 2) == (dict((await scene.read(second)).scopes), scene.cloud.swept)
        await second.close()

    play(story)
