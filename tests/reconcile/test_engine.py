"""The shell over a real record: who joins whom, who waits how long, and what is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from db.engine import make_engine
from db.migrations import migrate
from db.record.store import Store
from domain.enums import ResourceKind, ResourceStatus, StaleReason
from domain.ports import AccountSetup
from domain.records.identity import resource_uuid
from domain.records.model import ResourceRecord, ScopeKey
from domain.records.observation import Observation
from domain.rules import AbsenceRules, FreshnessRules
from reconcile.engine import Reconciler
from reconcile.reports import FlightReport
from reconcile.requests import RefreshRequest, RefreshResult
from tests.clock import ManualClock
from tests.observations import complete, machine
from tests.reconcile.cloud import HeldCloud, failing

SCOPE = ScopeKey("lab", ResourceKind.MACHINES, None)
LONG = 30.0


class Breakdowns:
    """Collects errors of our own."""

    def __init__(self) -> None:
        self.seen: list[BaseException] = []

    def task_failed(self, what: str, error: BaseException) -> None:
        """Keep it."""
        self.seen.append(error)


class Reports:
    """Hands out reports of ended flights as they come."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[FlightReport] = asyncio.Queue()

    def flight_ended(self, report: FlightReport) -> None:
        """Keep it."""
        self._queue.put_nowait(report)

    async def until(self, what: str, times: int) -> None:
        """Wait until so many flights of a kind have ended."""
        while times:
            times -= (await self._queue.get()).what == what


@dataclass
class Bench:
    """A reconciler over one cloud, and its clock."""

    clock: ManualClock
    store: Store
    cloud: HeldCloud
    engine: Reconciler
    breakdowns: Breakdowns
    reports: Reports

    def want(
        self, *, max_age: float = 30, forced: bool = False, wait: float = LONG, ids: tuple[UUID, ...] = ()
    ) -> RefreshRequest:
        """A want of the one scope."""
        not_before = self.clock.now() - timedelta(seconds=0 if forced else max_age)
        return RefreshRequest(SCOPE, not_before, forced, wait, ids)

    async def read(self, want: RefreshRequest) -> RefreshResult:
        """Settle one want, arriving now."""
        return await self.engine.refresh([want], asyncio.get_running_loop().time())

    async def machine(self, vendor_id: str) -> ResourceRecord:
        """The record of a machine."""
        (record,) = await self.store.resources([resource_uuid("lab", ResourceKind.MACHINES, vendor_id, None, 0)])
        return record


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Two machines, swept once, a minute ago."""
    clock = ManualClock()
    database = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'record.db'}")
    await migrate(database)
    store = Store(database, clock)
    cloud = HeldCloud(machine("m-1"), machine("m-2"))
    setups = [AccountSetup("lab", "held", 30, cloud.scopes)]
    breakdowns, reports = Breakdowns(), Reports()
    rules = FreshnessRules(force_gap_seconds=0)
    engine = Reconciler(store, {"lab": cloud}, setups, rules, AbsenceRules(), breakdowns, observer=reports, clock=clock)
    await engine.start(background=False)
    made = Bench(clock, store, cloud, engine, breakdowns, reports)
    await made.read(made.want())
    clock.advance(600)
    yield made
    cloud.gate.set()
    await engine.close()
    await database.dispose()
    assert [] == breakdowns.seen


def stopped(vendor_id: str) -> Observation:
    """A stopped machine."""
    return machine(vendor_id, status=ResourceStatus.STOPPED, vendor_status="stopped")


async def test_readers_of_a_stale_scope_share_one_sweep(bench: Bench) -> None:
    """Fifty at once cost one listing; a third of them hang up, and the others never notice."""
    bench.cloud.gate.clear()
    bench.cloud.arrived.clear()
    readers = [asyncio.create_task(bench.read(bench.want())) for _ in range(50)]
    await bench.cloud.arrived.wait()
    for reader in readers[::3]:
        reader.cancel()
    bench.cloud.gate.set()
    told = await asyncio.gather(*readers, return_exceptions=True)
    kept = [one for one in told if isinstance(one, RefreshResult)]
    assert (2, 33, {}) == (bench.cloud.swept, len(kept), dict(kept[0].scopes))


async def test_a_fresh_scope_is_not_asked(bench: Bench) -> None:
    """Within the cooldown nothing is sent."""
    await bench.read(bench.want())
    bench.clock.advance(29)
    await bench.read(bench.want())
    assert 2 == bench.cloud.swept


async def test_forced_readers_never_join_what_was_sent_before_them_and_share_the_next(bench: Bench) -> None:
    """Twenty who arrive while a sweep runs see what changed since, by one more sweep."""
    bench.cloud.gate.clear()
    bench.cloud.arrived.clear()
    first = asyncio.create_task(bench.read(bench.want(forced=True)))
    await bench.cloud.arrived.wait()
    bench.cloud.machines["m-1"] = stopped("m-1")
    bench.clock.advance(0.001)
    late = [asyncio.create_task(bench.read(bench.want(forced=True))) for _ in range(20)]
    await asyncio.sleep(0.05)
    bench.cloud.gate.set()
    await asyncio.gather(first, *late)
    assert (3, 1) == (bench.cloud.swept, bench.cloud.most_under_way)
    assert ResourceStatus.STOPPED is (await bench.machine("m-1")).live.status


async def test_a_forced_reader_does_not_join_an_older_flight_though_the_clock_stepped_back(bench: Bench) -> None:
    """The order of events decides where the clock lies."""
    bench.cloud.gate.clear()
    bench.cloud.arrived.clear()
    first = asyncio.create_task(bench.read(bench.want(forced=True)))
    await bench.cloud.arrived.wait()
    bench.clock.step(-300)
    bench.cloud.machines["m-1"] = stopped("m-1")
    late = asyncio.create_task(bench.read(bench.want(forced=True)))
    await asyncio.sleep(0.05)
    bench.cloud.gate.set()
    await asyncio.gather(first, late)
    assert ResourceStatus.STOPPED is (await bench.machine("m-1")).live.status


async def test_max_wait_bounds_the_wait_and_not_the_flight(bench: Bench) -> None:
    """The reader is told DEADLINE; the late answer is kept."""
    bench.cloud.gate.clear()
    bench.cloud.machines["m-1"] = stopped("m-1")
    told = await bench.read(bench.want(wait=0.01))
    assert {SCOPE: StaleReason.DEADLINE} == dict(told.scopes)
    assert ResourceStatus.RUNNING is (await bench.machine("m-1")).live.status
    bench.cloud.gate.set()
    await bench.read(bench.want())
    assert (2, ResourceStatus.STOPPED) == (bench.cloud.swept, (await bench.machine("m-1")).live.status)


async def test_max_wait_zero_answers_at_once_and_refreshes_behind(bench: Bench) -> None:
    """The flight is under way when the reader leaves."""
    told = await bench.read(bench.want(wait=0))
    await bench.cloud.arrived.wait()
    assert {SCOPE: StaleReason.DEADLINE} == dict(told.scopes)
    await bench.read(bench.want())
    assert 2 == bench.cloud.swept


async def test_a_failure_is_held_shared_and_empties_nothing(bench: Bench) -> None:
    """Force does not skip the hold; after it the cloud is asked again."""
    bench.cloud.answers.append(failing(StaleReason.VENDOR_DOWN))
    told = []
    for _ in range(3):
        told.append(await bench.read(bench.want(forced=True)))
        bench.clock.advance(1)
    assert [{SCOPE: StaleReason.VENDOR_DOWN}] * 3 == [dict(one.scopes) for one in told]
    assert (2, ResourceStatus.RUNNING) == (bench.cloud.swept, (await bench.machine("m-1")).live.status)
    bench.clock.advance(10)
    assert {} == dict((await bench.read(bench.want(forced=True))).scopes)


async def test_those_who_queued_behind_a_failure_share_it(bench: Bench) -> None:
    """A failed sweep is not repeated at once, also not by the one that waited its turn."""
    bench.cloud.answers.append(failing(StaleReason.TIMED_OUT))
    bench.cloud.gate.clear()
    bench.cloud.arrived.clear()
    first = asyncio.create_task(bench.read(bench.want(forced=True)))
    await bench.cloud.arrived.wait()
    bench.clock.advance(0.001)
    second = asyncio.create_task(bench.read(bench.want(forced=True)))
    await asyncio.sleep(0.05)
    bench.cloud.gate.set()
    told = await asyncio.gather(first, second)
    assert [{SCOPE: StaleReason.TIMED_OUT}] * 2 == [dict(one.scopes) for one in told]
    assert 2 == bench.cloud.swept


async def test_one_resource_goes_by_probe_when_an_older_sweep_is_in_the_way(bench: Bench) -> None:
    """The forced reader of one machine does not wait for the slow listing."""
    resource_id = (await bench.machine("m-1")).resource_id
    bench.cloud.gate.clear()
    bench.cloud.arrived.clear()
    slow = asyncio.create_task(bench.read(bench.want(forced=True)))
    await bench.cloud.arrived.wait()
    bench.cloud.machines["m-1"] = stopped("m-1")
    bench.clock.advance(1)
    told = await bench.read(bench.want(forced=True, ids=(resource_id,)))
    assert (["m-1"], {}) == (bench.cloud.probed, dict(told.resources))
    assert ResourceStatus.STOPPED is (await bench.machine("m-1")).live.status
    bench.cloud.gate.set()
    await slow
    assert ResourceStatus.STOPPED is (await bench.machine("m-1")).live.status, "the older listing reverted it"


async def test_the_reader_of_a_vanished_machine_waits_for_its_probe(bench: Bench) -> None:
    """One read finds it missing, asks for it by id, and learns that it is gone."""
    keep = [f"m-{number}" for number in range(2, 6)]
    bench.cloud.machines.update({name: machine(name) for name in keep})
    await bench.read(bench.want(forced=True))
    bench.clock.advance(600)
    resource_id = (await bench.machine("m-1")).resource_id
    del bench.cloud.machines["m-1"]
    await bench.read(bench.want(ids=(resource_id,)))
    assert (await bench.machine("m-1")).deleted


async def test_the_reader_of_a_list_waits_for_what_its_sweep_newly_lacks(bench: Bench) -> None:
    """As far as the list shows it: those were selected."""
    keep = [f"m-{number}" for number in range(2, 6)]
    bench.cloud.machines.update({name: machine(name) for name in keep})
    await bench.read(bench.want())
    bench.clock.advance(600)
    resource_id = (await bench.machine("m-1")).resource_id
    del bench.cloud.machines["m-1"]
    await bench.read(replace(bench.want(), shown=(resource_id,)))
    assert (await bench.machine("m-1")).deleted


async def test_an_empty_listing_deletes_nothing_and_what_lives_is_seen_again(bench: Bench) -> None:
    """The probes that follow find the machines alive and clear their marks."""
    bench.cloud.answers.append(complete())
    ids = tuple([(await bench.machine(name)).resource_id for name in ("m-1", "m-2")])
    await bench.read(bench.want(ids=ids))
    after = [await bench.machine(name) for name in ("m-1", "m-2")]
    assert [(False, None)] * 2 == [(one.deleted, one.missing_since) for one in after]
    assert ["m-1", "m-2"] == sorted(bench.cloud.probed)


async def test_words_of_absence_for_an_unmarked_machine_bring_a_listing(bench: Bench) -> None:
    """A probe that says gone is one witness; the listing that it brings is the other, and then it is probed again."""
    bench.cloud._pages = 5
    keep = [f"m-{number}" for number in range(2, 6)]
    bench.cloud.machines.update({name: machine(name) for name in keep})
    await bench.read(bench.want())
    bench.clock.advance(600)
    resource_id = (await bench.machine("m-1")).resource_id
    del bench.cloud.machines["m-1"]
    told = await bench.read(bench.want(ids=(resource_id,)))
    assert {resource_id: StaleReason.ABSENT} == dict(told.resources)
    await bench.reports.until("probe", 2)
    assert (await bench.machine("m-1")).deleted
    assert ["m-1", "m-1"] == bench.cloud.probed


async def test_a_forced_reader_of_a_deleted_machine_costs_one_probe_and_may_see_it_back(bench: Bench) -> None:
    """Deleted settles every demand, so no listing is fetched; found alive by its id, it is the same resource again."""
    keep = [f"m-{number}" for number in range(2, 6)]
    bench.cloud.machines.update({name: machine(name) for name in keep})
    await bench.read(bench.want())
    bench.clock.advance(600)
    gone, resource_id = bench.cloud.machines.pop("m-1"), (await bench.machine("m-1")).resource_id
    await bench.read(bench.want(ids=(resource_id,)))
    assert (await bench.machine("m-1")).deleted
    swept = bench.cloud.swept
    for expected in (True, False):
        bench.clock.advance(10)
        want = bench.want(forced=True)
        await bench.read(replace(want, tombstones=(resource_id,)))
        assert expected == (await bench.machine("m-1")).deleted
        bench.cloud.machines["m-1"] = gone
    assert (swept, ["m-1"] * 3) == (bench.cloud.swept, bench.cloud.probed)


async def test_what_is_not_configured_settles_at_once(bench: Bench) -> None:
    """Nobody waits for an account that is no longer there."""
    want = RefreshRequest(ScopeKey("gone", ResourceKind.MACHINES, None), bench.clock.now(), True, LONG)
    told = await bench.read(want)
    assert {want.scope: StaleReason.NOT_CONFIGURED} == dict(told.scopes)


async def test_a_flight_ends_after_its_seconds(bench: Bench) -> None:
    """A cloud that never answers is a timed-out one."""
    shell = bench.engine._shell
    shell.rules = replace(shell.rules, flight_seconds=0.02)
    bench.cloud.gate.clear()
    told = await bench.read(bench.want())
    assert {SCOPE: StaleReason.TIMED_OUT} == dict(told.scopes)


async def test_starting_sweeps_what_was_never_swept(tmp_path: Path) -> None:
    """A first look at recorded fields is not empty."""
    database = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'record.db'}")
    await migrate(database)
    cloud = HeldCloud(machine("m-1"))
    breakdowns = Breakdowns()
    engine = Reconciler(
        Store(database, ManualClock()),
        {"lab": cloud},
        [AccountSetup("lab", "held", 30, cloud.scopes)],
        FreshnessRules(),
        AbsenceRules(),
        breakdowns,
    )
    await engine.start()
    await cloud.arrived.wait()
    await engine.close()
    assert (1, []) == (cloud.swept, breakdowns.seen)
    assert [True] == [scope.swept_at is not None for scope in await Store(database, ManualClock()).scopes()]
    await database.dispose()
