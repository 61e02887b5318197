"""A random schedule of readers, changes at the vendors, faults, restarts and clock steps, and the final check."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random

from domain.enums import ResourceKind, ScopeState, StaleReason
from domain.freshness import Demand
from domain.ports import AccountSetup
from domain.records.model import ScopeKey, ScopeRecord
from domain.rules import AbsenceRules
from reconcile.confirmation import confirm
from reconcile.rules.decision import Credential
from tests.simulation.cloud.faults import ScopeFaults
from tests.simulation.cloud.ledger import SimulationLedger, Violation
from tests.simulation.cloud.traffic import Traffic
from tests.simulation.cloud.truth import SimulatedTenant, VendorProfile, random_profile
from tests.simulation.cloud.vendor import SimulatedCloud, SimulatedVendor, SimulationEnvironment, choose_joint_fault
from tests.simulation.counts import EventCounts
from tests.simulation.loop import SteppedClock
from tests.simulation.process import GatewayProcess, RecordBackend, SharedState
from tests.simulation.readers import ReaderQuery, random_query, start_reader

# Mean seconds from one event to the next.
_PACES = (0.05, 0.3, 0.3, 2.0, 2.0, 15.0, 120.0)
# After this time without readers, every absence is decided, also where probes are never answered.
_ABSENCE_SECONDS = 2 * 3600 * 1.05 + 900
_UNANSWERED_SECONDS = _ABSENCE_SECONDS + 24 * 900
_MAX_HOLD_SECONDS = 3600.0 * 1.25


class RandomSchedule:
    """One run. The same seed gives the same run."""

    def __init__(self, seed: int, backend: RecordBackend, clock: SteppedClock) -> None:
        self.random = Random(seed)
        self.counts = EventCounts()
        self._clock = clock
        environment = SimulationEnvironment(
            SimulationLedger(self.counts), backend.tables, clock, Random(seed + 1), self.counts, Traffic()
        )
        self.vendors = {f"account-{number}": self._create_vendor(f"account-{number}") for number in (1, 2)}
        self.shared = SharedState(backend, environment, self.vendors, Random(seed + 2))
        self._keep_days = self.random.choice((90.0, 90.0, 0.05))
        self._number = 0
        self._unconfigured: ScopeKey | None = None
        self._clock_is_set = False
        self._next_pause_step = 0.0
        self._process = self._create_process()

    def _create_vendor(self, account: str) -> SimulatedVendor:
        profile = random_profile(self.random)
        home = SimulatedTenant(f"{account}-h", profile, self.random)
        foreign = SimulatedTenant(f"{account}-f", profile, self.random)
        for tenant in (home, foreign):
            for _ in range(self.random.randint(2, 5) * len(profile.scopes)):
                tenant.create(-1000.0)
        faults = {ScopeKey(account, kind, region): ScopeFaults() for kind, region in profile.scopes}
        return SimulatedVendor(account, home, foreign, profile, faults)

    def _create_process(self) -> GatewayProcess:
        self._number += 1
        setups = [
            AccountSetup(name, "simulated", vendor.profile.cooldown_seconds, self._scopes_of(name, vendor.profile))
            for name, vendor in self.vendors.items()
        ]
        return GatewayProcess(self._number, self.shared, setups, self._keep_days)

    def _scopes_of(self, account: str, profile: VendorProfile) -> tuple[tuple[ResourceKind, str | None], ...]:
        return tuple(scope for scope in profile.scopes if ScopeKey(account, *scope) != self._unconfigured)

    # Events

    async def play(self, steps: int) -> None:
        """Play events until this many steps have occurred, then do the final check."""
        await self._process.start()
        weights = self._event_weights()
        pace = 1.0
        while self.counts.steps < steps:
            if self.random.random() < 0.01:
                pace = self.random.choice(_PACES)
            await asyncio.sleep(self.random.expovariate(1 / pace))
            (event,) = self.random.choices(list(weights), list(weights.values()))
            work = event()
            if work is not None:
                await work
            self._raise_error()
        await self._check_end()
        self._raise_error()

    def _event_weights(self) -> dict[Callable[[], Coroutine[None, None, None] | None], float]:
        return {
            self._start_reader: 50,
            self._start_crowd: 2,
            self._change_resource: 14,
            self._delete_resource: 3,
            self._switch_fault: 5,
            self._start_joint_fault: 1.5,
            self._hang_up: 3,
            self._step_clock: 0.4,
            self._restart: 0.5,
            self._sync_from_cron: 0.4,
            self._pause_readers: 0.15,
        }

    def _raise_error(self) -> None:
        if self.shared.errors:
            raise self.shared.errors[0]

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _start_reader(self) -> None:
        if len(self._process.readers) < 60:
            start_reader(random_query(self.random, self.shared.backend.tables), self._process, self.shared)

    def _start_crowd(self) -> None:
        """Start several readers with the same query."""
        query = random_query(self.random, self.shared.backend.tables)
        for _ in range(self.random.randint(2, 8)):
            start_reader(query, self._process, self.shared)

    def _hang_up(self) -> None:
        if self._process.readers:
            self.random.choice(list(self._process.readers)).cancel()
            self.counts.step("reader hung up")

    def _change_resource(self) -> None:
        vendor = self.random.choice(list(self.vendors.values()))
        tenant = vendor.foreign if self.random.random() < 0.1 else vendor.home
        has_few = sum(1 for _ in tenant.every_living()) < 3 * len(vendor.profile.scopes)
        creates = has_few and self.random.random() < 0.4
        self.counts.step(f"vendor: {tenant.create(self._now()) if creates else tenant.change(self._now())}")

    def _delete_resource(self) -> None:
        vendor = self.random.choice(list(self.vendors.values()))
        self.counts.step(f"vendor: {vendor.home.terminate(self._now())}")

    def _random_scope(self) -> tuple[SimulatedVendor, ScopeKey, ScopeFaults]:
        vendor = self.random.choice(list(self.vendors.values()))
        scope, faults = self.random.choice(list(vendor.faults.items()))
        return vendor, scope, faults

    def _switch_fault(self) -> None:
        _, _, faults = self._random_scope()
        self.counts.count("fault switched", faults.switch(self.random))
        self.counts.step("fault switched")

    def _start_joint_fault(self) -> None:
        vendor, scope, faults = self._random_scope()
        joint = choose_joint_fault(vendor, scope, self.shared.environment, self._now())
        if joint is not None:
            faults.joint = joint
            self.counts.count("fault switched", "over half neither listed nor probed")
            self.counts.step("fault switched")

    def _step_clock(self) -> None:
        seconds = self.random.choice((-7200, -300, -60, -5, 5, 60, 150, 300, 7200)) * self.random.uniform(0.5, 1)
        # Go back towards the true time, or hours add up to years.
        offset = self._clock.offset
        self._set_clock(-offset if abs(offset) > 10_000 else seconds)

    def _set_clock(self, seconds: float) -> None:
        self._clock_is_set = True
        self._clock.step(seconds)
        self.shared.environment.traffic.last_clock_step = self._now()
        self.counts.step("clock forwards" if seconds > 0 else "clock backwards")

    async def _pause_readers(self) -> None:
        """Let up to hours pass without a reader."""
        await asyncio.sleep(self.random.uniform(300, 9000))

    # Restarts

    def _may_restart(self) -> bool:
        """Whether a process may end now: between two processes, the clock is set at most once in every span of evidence.

        If it was set while the process ran, but after its last flight, only the next process notices.
        """
        if self._clock_is_set and self._now() < self._next_pause_step:
            return False
        if self._clock_is_set:
            self._next_pause_step, self._clock_is_set = self._now() + _UNANSWERED_SECONDS, False
        return True

    def _set_clock_in_pause(self) -> None:
        """Sometimes set the clock while no process runs."""
        if self._now() >= self._next_pause_step and self.random.random() < 0.6:
            self.counts.count("between processes", "clock set")
            self._step_clock()
            self._next_pause_step, self._clock_is_set = self._now() + _UNANSWERED_SECONDS, False

    async def _sync_from_cron(self) -> None:
        """For a while, only one-shot processes run."""
        if not self._may_restart():
            return
        await self._process.kill()
        gap = self.random.choice((1.0, 30.0, 130.0, 600.0, 3600.0))
        for _ in range(self.random.randint(1, 5)):
            await asyncio.sleep(gap * self.random.random())
            self._set_clock_in_pause()
            self._process = self._create_process()
            await self._process.sync()
            self.counts.count("between processes", "one-shot sync")
            self.counts.step("one-shot sync")
        await asyncio.sleep(gap * self.random.random())
        self._process = self._create_process()
        await self._process.start()

    async def _restart(self) -> None:
        if not self._may_restart():
            return
        old = self._process
        self._change_keys()
        self._unconfigured = None
        if self.random.random() < 0.15:
            self._unconfigured = self._random_scope()[1]
        choice = self.random.random()
        if choice < 0.2:
            self.counts.step("second process next to the first")
            self._process = self._create_process()
            await self._process.start()
            await self._run_both(old)
            await old.kill()
            return
        if choice < 0.75:
            await old.kill()
            self.counts.step("killed")
        else:
            await old.close()
            self.counts.step("closed")
        await asyncio.sleep(self.random.choice((0.0, 1.0, 20.0, 600.0)) * self.random.random())
        self._set_clock_in_pause()
        self._process = self._create_process()
        await self._process.start()

    async def _run_both(self, old: GatewayProcess) -> None:
        """For up to a minute, run two processes whose readers send the same queries at the same moment."""
        for _ in range(self.random.randint(1, 10)):
            await asyncio.sleep(self.random.uniform(0, 6))
            query = random_query(self.random, self.shared.backend.tables)
            for process in (old, self._process):
                start_reader(query, process, self.shared)

    def _change_keys(self) -> None:
        for vendor in self.vendors.values():
            chance = self.random.random()
            if vendor.key.startswith("foreign"):
                vendor.key = "home-1" if chance < 0.6 else vendor.key
            elif chance < 0.25:
                vendor.key = self.random.choice(("home-1", "home-2", "foreign-1"))
                self.counts.count("restart", f"key {vendor.key}")

    # The final check

    async def _check_end(self) -> None:
        """Check (d): with honest vendors, one reader, and then hours without readers, the records are true."""
        for vendor in self.vendors.values():
            vendor.key = "home-1"
            for faults in vendor.faults.values():
                faults.listing = faults.probe = faults.joint = None
        self._unconfigured = None
        await self._process.kill()
        self._process = self._create_process()
        await self._process.start()
        await asyncio.sleep(_MAX_HOLD_SECONDS)
        await self._force_all()
        if await self._confirm(_has_other_key):
            await self._force_all()
        answers = {vendor.profile.absent_answer for vendor in self.vendors.values()}
        await asyncio.sleep(_UNANSWERED_SECONDS if "down" in answers else _ABSENCE_SECONDS)
        await self._confirm(self._needs_operator)
        self._raise_error()
        self._check_truth()
        self.shared.invariants.replays.check_whole(self.shared.backend.tables)
        await self._process.close()

    async def _force_all(self) -> None:
        scopes = tuple(scope.scope_id for scope in self.shared.backend.tables.scopes())
        query = ReaderQuery(scopes, (), Demand(force=True, max_wait_seconds=60.0), links=True)
        await start_reader(query, self._process, self.shared)

    def _needs_operator(self, scope: ScopeRecord) -> bool:
        """Whether the scope stays suspect because no probe confirms what its listings lack."""
        profile = self.vendors[scope.key.account].profile
        is_vague = scope.key.kind in profile.probed_kinds and profile.absent_answer in {"generic 404", "down"}
        return scope.state is ScopeState.SUSPECT and is_vague

    async def _confirm(self, needs_operator: Callable[[ScopeRecord], bool]) -> bool:
        """Confirm the accounts with a scope that only the operator can settle."""
        accounts = {scope.key.account: None for scope in self.shared.backend.tables.scopes() if needs_operator(scope)}
        for account in accounts:
            cloud = SimulatedCloud(self.vendors[account], 0, self.shared.environment)
            credential = Credential("salt", cloud.fingerprint)
            confirmation = confirm(self._process.store, account, credential, AbsenceRules())
            await asyncio.get_running_loop().create_task(confirmation)
            self.counts.count("restart", "operator confirmed")
        return bool(accounts)

    def _check_truth(self) -> None:
        for name, table in self.shared.backend.tables.accounts.items():
            vendor = self.vendors[name]
            living = {resource.key for resource in vendor.home.every_living()}
            for key, record in table.living.items():
                if key not in living:
                    raise Violation("d", f"{key} is deleted at the vendor and recorded as living: {record}")
                if record.missing_since is not None:
                    raise Violation("d", f"{key} lives at the vendor and is recorded as missing: {record}")
            unrecorded = [key for key in living if key not in table.living]
            if unrecorded:
                raise Violation("d", f"{unrecorded} live at the vendor and are not recorded")
            self.counts.count("final check", "records are true")


def _has_other_key(scope: ScopeRecord) -> bool:
    return (
        scope.problem is StaleReason.SUSPECT_SWEEP
        and scope.problem_detail is not None
        and "another" in scope.problem_detail
    )
