"""The engine over a real database: who joins which flight, who waits how long, and what is recorded."""

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
from domain.records.identity import account_identity, resource_uuid
from domain.records.model import ResourceRecord, ScopeKey
from domain.records.observation import Observation
from domain.rules import AbsenceRules, FreshnessRules
from reconcile.engine import Reconciler
from reconcile.requests import RefreshRequest, RefreshResult
from tests.clock import ManualClock
from tests.observations import complete, machine
from tests.reconcile.cloud import HeldCloud, failed_sweep
from tests.reconcile.listeners import ErrorCollector, ReportQueue

SCOPE = ScopeKey("lab", ResourceKind.MACHINES, None)
LONG = 30.0
OTHERS = {name: machine(name) for name in ("m-2", "m-3", "m-4", "m-5")}


@dataclass
class EngineBench:
    """A reconciler over one cloud, and its clock."""

    clock: ManualClock
    store: Store
    cloud: HeldCloud
    engine: Reconciler
    errors: ErrorCollector
    reports: ReportQueue

    def request(
        self, *, max_age: float = 30, forced: bool = False, wait: float = LONG, ids: tuple[UUID, ...] = ()
    ) -> RefreshRequest:
        """Return a request for the one scope."""
        not_before = self.clock.now() - timedelta(seconds=0 if forced else max_age)
        return RefreshRequest(SCOPE, not_before, forced, wait, ids)

    async def refresh(self, request: RefreshRequest) -> RefreshResult:
        """Refresh for a reader who arrives now."""
        return await self.engine.refresh([request], asyncio.get_running_loop().time())

    async def force(self) -> RefreshResult:
        """Refresh the scope for a forced reader."""
        return await self.refresh(self.request(forced=True))

    async def machine(self, vendor_id: str) -> ResourceRecord:
        """Return the record of a machine."""
        resource_id = resource_uuid(account_identity("lab", ()), ResourceKind.MACHINES, vendor_id, None, 0)
        (record,) = await self.store.resources([resource_id])
        return record

    async def status(self, vendor_id: str) -> ResourceStatus:
        """Return the recorded status of a machine."""
        return (await self.machine(vendor_id)).live.status

    async def list_others(self) -> None:
        """Add four machines, so that one more is too few to make the scope suspect, and let ten minutes pass."""
        self.cloud.machines.update(OTHERS)
        await self.refresh(self.request())
        self.clock.advance(600)

    def hold_responses(self) -> None:
        """Hold back the cloud's next responses."""
        self.cloud.gate.clear()
        self.cloud.arrived.clear()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[EngineBench]:
    """Two machines, swept once, ten minutes ago."""
    clock = ManualClock()
    database = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'record.db'}")
    await migrate(database)
    store = Store(database, clock)
    cloud = HeldCloud(machine("m-1"), machine("m-2"))
    setups = [AccountSetup("lab", "held", 30, cloud.scopes)]
    errors, reports = ErrorCollector(), ReportQueue()
    rules = FreshnessRules(force_gap_seconds=0)
    engine = Reconciler(store, {"lab": cloud}, setups, rules, AbsenceRules(), errors, observer=reports, clock=clock)
    await engine.start(background=False)
    bench = EngineBench(clock, store, cloud, engine, errors, reports)
    await bench.refresh(bench.request())
    clock.advance(600)
    yield bench
    cloud.gate.set()
    await engine.close()
    await database.dispose()
    assert [] == errors.errors


def stopped(vendor_id: str) -> Observation:
    """Return a stopped machine."""
    return machine(vendor_id, status=ResourceStatus.STOPPED, vendor_status="stopped")


async def test_readers_of_a_stale_scope_share_one_sweep(bench: EngineBench) -> None:
    """Fifty readers at once cost one listing. A third of them hang up, which the others do not notice."""
    bench.hold_responses()
    readers = [asyncio.create_task(bench.refresh(bench.request())) for _ in range(50)]
    await bench.cloud.arrived.wait()
    for reader in readers[::3]:
        reader.cancel()
    bench.cloud.gate.set()
    outcomes = await asyncio.gather(*readers, return_exceptions=True)
    results = [outcome for outcome in outcomes if isinstance(outcome, RefreshResult)]
    assert (2, 33, {}) == (bench.cloud.sweep_count, len(results), dict(results[0].scopes))


async def test_a_fresh_scope_is_not_swept(bench: EngineBench) -> None:
    """Within the cooldown no call is sent."""
    await bench.refresh(bench.request())
    bench.clock.advance(29)
    await bench.refresh(bench.request())
    assert 2 == bench.cloud.sweep_count


async def test_forced_readers_never_join_an_earlier_flight_and_share_the_next(bench: EngineBench) -> None:
    """Twenty readers who arrive while a sweep runs see what changed since, by one more sweep."""
    bench.hold_responses()
    first = asyncio.create_task(bench.force())
    await bench.cloud.arrived.wait()
    bench.cloud.machines["m-1"] = stopped("m-1")
    bench.clock.advance(0.001)
    late = [asyncio.create_task(bench.force()) for _ in range(20)]
    await asyncio.sleep(0.05)
    bench.cloud.gate.set()
    await asyncio.gather(first, *late)
    assert (3, 1) == (bench.cloud.sweep_count, bench.cloud.max_concurrent)
    assert ResourceStatus.STOPPED is await bench.status("m-1")


async def test_a_forced_reader_does_not_join_an_earlier_flight_after_the_clock_was_set_back(
    bench: EngineBench,
) -> None:
    """The order of events in the process decides if the clock is wrong."""
    bench.hold_responses()
    first = asyncio.create_task(bench.force())
    await bench.cloud.arrived.wait()
    bench.clock.step(-300)
    bench.cloud.machines["m-1"] = stopped("m-1")
    late = asyncio.create_task(bench.force())
    await asyncio.sleep(0.05)
    bench.cloud.gate.set()
    await asyncio.gather(first, late)
    assert ResourceStatus.STOPPED is await bench.status("m-1")


async def test_max_wait_limits_the_wait_and_not_the_flight(bench: EngineBench) -> None:
    """The reader's reason is DEADLINE, and the late response is recorded."""
    bench.cloud.gate.clear()
    bench.cloud.machines["m-1"] = stopped("m-1")
    result = await bench.refresh(bench.request(wait=0.01))
    assert {SCOPE: StaleReason.DEADLINE} == dict(result.scopes)
    assert ResourceStatus.RUNNING is await bench.status("m-1")
    bench.cloud.gate.set()
    await bench.refresh(bench.request())
    assert (2, ResourceStatus.STOPPED) == (bench.cloud.sweep_count, await bench.status("m-1"))


async def test_max_wait_zero_answers_at_once_and_refreshes_in_the_background(bench: EngineBench) -> None:
    """The flight is under way when the reader leaves."""
    result = await bench.refresh(bench.request(wait=0))
    await bench.cloud.arrived.wait()
    assert {SCOPE: StaleReason.DEADLINE} == dict(result.scopes)
    await bench.refresh(bench.request())
    assert 2 == bench.cloud.sweep_count


async def test_a_failure_is_held_and_shared_and_empties_nothing(bench: EngineBench) -> None:
    """Force does not skip the hold. After the hold the cloud is called again."""
    bench.cloud.responses.append(failed_sweep(StaleReason.VENDOR_DOWN))
    results = []
    for _ in range(3):
        results.append(await bench.force())
        bench.clock.advance(1)
    assert [{SCOPE: StaleReason.VENDOR_DOWN}] * 3 == [dict(result.scopes) for result in results]
    assert (2, ResourceStatus.RUNNING) == (bench.cloud.sweep_count, await bench.status("m-1"))
    bench.clock.advance(10)
    assert {} == dict((await bench.force()).scopes)


async def test_readers_queued_behind_a_failure_share_it(bench: EngineBench) -> None:
    """A failed sweep is not repeated at once, also not by the queued one."""
    bench.cloud.responses.append(failed_sweep(StaleReason.TIMED_OUT))
    bench.hold_responses()
    first = asyncio.create_task(bench.force())
    await bench.cloud.arrived.wait()
    bench.clock.advance(0.001)
    second = asyncio.create_task(bench.force())
    await asyncio.sleep(0.05)
    bench.cloud.gate.set()
    results = await asyncio.gather(first, second)
    assert [{SCOPE: StaleReason.TIMED_OUT}] * 2 == [dict(result.scopes) for result in results]
    assert 2 == bench.cloud.sweep_count


async def test_one_resource_is_probed_while_an_earlier_sweep_runs(bench: EngineBench) -> None:
    """The forced reader of one machine does not wait for the slow listing, which does not revert what the probe saw."""
    resource_id = (await bench.machine("m-1")).resource_id
    bench.hold_responses()
    slow = asyncio.create_task(bench.force())
    await bench.cloud.arrived.wait()
    bench.cloud.machines["m-1"] = stopped("m-1")
    bench.clock.advance(1)
    result = await bench.refresh(bench.request(forced=True, ids=(resource_id,)))
    assert (["m-1"], {}) == (bench.cloud.probed_ids, dict(result.resources))
    assert ResourceStatus.STOPPED is await bench.status("m-1")
    bench.cloud.gate.set()
    await slow
    assert ResourceStatus.STOPPED is await bench.status("m-1"), "the earlier listing reverted the status"


async def test_the_reader_of_a_vanished_machine_waits_for_its_probe(bench: EngineBench) -> None:
    """One read finds the machine missing, probes it, and answers that it was deleted."""
    bench.cloud.machines.update(OTHERS)
    await bench.force()
    bench.clock.advance(600)
    resource_id = (await bench.machine("m-1")).resource_id
    del bench.cloud.machines["m-1"]
    await bench.refresh(bench.request(ids=(resource_id,)))
    assert (await bench.machine("m-1")).deleted


async def test_the_reader_of_a_list_waits_for_resources_that_its_sweep_newly_lacks(bench: EngineBench) -> None:
    """Only for those that the reader selected."""
    await bench.list_others()
    resource_id = (await bench.machine("m-1")).resource_id
    del bench.cloud.machines["m-1"]
    await bench.refresh(replace(bench.request(), shown=(resource_id,)))
    assert (await bench.machine("m-1")).deleted


async def test_an_empty_listing_deletes_nothing_and_living_machines_are_seen_again(bench: EngineBench) -> None:
    """The probes that follow find the machines, which are then no longer missing."""
    bench.cloud.responses.append(complete())
    ids = tuple([(await bench.machine(name)).resource_id for name in ("m-1", "m-2")])
    await bench.refresh(bench.request(ids=ids))
    after = [await bench.machine(name) for name in ("m-1", "m-2")]
    assert [(False, None)] * 2 == [(record.deleted, record.missing_since) for record in after]
    assert ["m-1", "m-2"] == sorted(bench.cloud.probed_ids)


async def test_a_probe_that_reports_a_listed_machine_as_gone_starts_a_sweep(bench: EngineBench) -> None:
    """The probe is one piece of evidence, the listing that it starts the other. Then the machine is probed again."""
    bench.cloud.pages = 5
    await bench.list_others()
    resource_id = (await bench.machine("m-1")).resource_id
    del bench.cloud.machines["m-1"]
    result = await bench.refresh(bench.request(ids=(resource_id,)))
    assert {resource_id: StaleReason.ABSENT} == dict(result.resources)
    await bench.reports.wait_for("probe", 2)
    assert (await bench.machine("m-1")).deleted
    assert ["m-1", "m-1"] == bench.cloud.probed_ids


async def test_a_forced_reader_of_a_deleted_machine_costs_one_probe_and_may_revive_it(bench: EngineBench) -> None:
    """Being deleted settles every demand, so no listing is fetched. A probe that finds the machine revives the same resource."""
    await bench.list_others()
    gone, resource_id = bench.cloud.machines.pop("m-1"), (await bench.machine("m-1")).resource_id
    await bench.refresh(bench.request(ids=(resource_id,)))
    assert (await bench.machine("m-1")).deleted
    sweeps = bench.cloud.sweep_count
    for expected in (True, False):
        bench.clock.advance(10)
        await bench.refresh(replace(bench.request(forced=True), tombstones=(resource_id,)))
        assert expected == (await bench.machine("m-1")).deleted
        bench.cloud.machines["m-1"] = gone
    assert (sweeps, ["m-1"] * 3) == (bench.cloud.sweep_count, bench.cloud.probed_ids)


async def test_a_request_for_an_unconfigured_account_ends_at_once(bench: EngineBench) -> None:
    """No reader waits for an account that is no longer configured."""
    request = RefreshRequest(ScopeKey("gone", ResourceKind.MACHINES, None), bench.clock.now(), True, LONG)
    result = await bench.refresh(request)
    assert {request.scope: StaleReason.NOT_CONFIGURED} == dict(result.scopes)


async def test_a_flight_ends_after_flight_seconds(bench: EngineBench) -> None:
    """A cloud that never responds has timed out."""
    runner = bench.engine._runner
    runner.rules = replace(runner.rules, flight_seconds=0.02)
    bench.cloud.gate.clear()
    result = await bench.refresh(bench.request())
    assert {SCOPE: StaleReason.TIMED_OUT} == dict(result.scopes)


async def test_the_start_sweeps_scopes_that_were_never_swept(tmp_path: Path) -> None:
    """A first query of recorded fields is not empty."""
    database = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'record.db'}")
    await migrate(database)
    cloud = HeldCloud(machine("m-1"))
    errors = ErrorCollector()
    engine = Reconciler(
        Store(database, ManualClock()),
        {"lab": cloud},
        [AccountSetup("lab", "held", 30, cloud.scopes)],
        FreshnessRules(),
        AbsenceRules(),
        errors,
    )
    await engine.start()
    await cloud.arrived.wait()
    await engine.close()
    assert (1, []) == (cloud.sweep_count, errors.errors)
    assert [True] == [scope.swept_at is not None for scope in await Store(database, ManualClock()).scopes()]
    await database.dispose()
