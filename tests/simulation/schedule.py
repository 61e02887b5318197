"""A random schedule: readers, changes at the vendors, faults, restarts and clock steps; and the reckoning at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random

from domain.enums import ResourceKind, StaleReason
from domain.freshness import Demand
from domain.ports import AccountSetup
from domain.records.model import ScopeKey, ScopeRecord
from domain.rules import AbsenceRules
from reconcile.confirmation import confirm
from reconcile.rules.absence import EvidenceWindows
from reconcile.rules.decision import Credential
from tests.simulation.faults import ScopeFaults
from tests.simulation.ledger import Ledger, Violation
from tests.simulation.loop import SteppedClock
from tests.simulation.process import Keeper, Process, Sharing
from tests.simulation.readers import Wish, random_wish, start_reader
from tests.simulation.tally import Tally
from tests.simulation.traffic import Traffic
from tests.simulation.truth import Profile, Tenant, random_profile
from tests.simulation.vendor import SimulatedCloud, Surroundings, Vendor, lie_of_both

# Mean seconds from one event to the next.
_PACES = (0.05, 0.3, 0.3, 2.0, 2.0, 15.0, 120.0)
_LADDER_SECONDS = 2 * 3600 * 1.05 + 900
_LONGEST_HOLD_SECONDS = 3600.0 * 1.25


class Schedule:
    """One run: made of a seed, it does the same every time."""

    def __init__(self, seed: int, keeper: Keeper, clock: SteppedClock) -> None:
        self.random = Random(seed)
        self.tally = Tally()
        self._clock = clock
        around = Surroundings(Ledger(self.tally), keeper.tables, clock, Random(seed + 1), self.tally, Traffic())
        self.vendors = {f"account-{number}": self._vendor(f"account-{number}") for number in (1, 2)}
        self.sharing = Sharing(keeper, around, self.vendors, Random(seed + 2))
        self._keep_days = self.random.choice((90.0, 90.0, 0.05))
        self._number = 0
        self._away: ScopeKey | None = None
        self._process = self._new_process()

    def _vendor(self, account: str) -> Vendor:
        profile = random_profile(self.random)
        home = Tenant(f"{account}-h", profile, self.random)
        foreign = Tenant(f"{account}-f", profile, self.random)
        for tenant in (home, foreign):
            for _ in range(self.random.randint(2, 5) * len(profile.scopes)):
                tenant.create(-1000.0)
        faults = {ScopeKey(account, kind, region): ScopeFaults() for kind, region in profile.scopes}
        return Vendor(account, home, foreign, profile, faults)

    def _new_process(self) -> Process:
        self._number += 1
        setups = [
            AccountSetup(name, "simulated", vendor.profile.cooldown_seconds, self._configured(name, vendor.profile))
            for name, vendor in self.vendors.items()
        ]
        return Process(self._number, self.sharing, setups, self._keep_days)

    def _configured(self, account: str, profile: Profile) -> tuple[tuple[ResourceKind, str | None], ...]:
        return tuple(scope for scope in profile.scopes if ScopeKey(account, *scope) != self._away)

    # Events

    async def play(self, steps: int) -> None:
        """Play until so many steps were made, then reckon."""
        await self._process.start()
        events = self._events()
        what, weights = list(events), list(events.values())
        pace = 1.0
        while self.tally.steps < steps:
            if self.random.random() < 0.01:
                pace = self.random.choice(_PACES)
            await asyncio.sleep(self.random.expovariate(1 / pace))
            (event,) = self.random.choices(what, weights)
            done = event()
            if done is not None:
                await done
            self._raise_broken()
        await self._reckon()
        self._raise_broken()

    def _events(self) -> dict[Callable[[], Coroutine[None, None, None] | None], float]:
        return {
            self._reader: 50,
            self._crowd: 2,
            self._change: 14,
            self._terminate: 3,
            self._fault: 5,
            self._lie: 1.5,
            self._hang_up: 3,
            self._step_clock: 0.4,
            self._restart: 0.5,
            self._quiet: 0.15,
        }

    def _raise_broken(self) -> None:
        if self.sharing.broken:
            raise self.sharing.broken[0]

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _reader(self) -> None:
        if len(self._process.readers) < 60:
            start_reader(random_wish(self.random, self.sharing.keeper.tables), self._process, self.sharing)

    def _crowd(self) -> None:
        """Many who want the same."""
        wish = random_wish(self.random, self.sharing.keeper.tables)
        for _ in range(self.random.randint(2, 8)):
            start_reader(wish, self._process, self.sharing)

    def _hang_up(self) -> None:
        if self._process.readers:
            self.random.choice(list(self._process.readers)).cancel()
            self.tally.step("reader hung up")

    def _change(self) -> None:
        vendor = self.random.choice(list(self.vendors.values()))
        tenant = vendor.foreign if self.random.random() < 0.1 else vendor.home
        few = sum(1 for _ in tenant.every_living()) < 3 * len(vendor.profile.scopes)
        made = few and self.random.random() < 0.4
        self.tally.step(f"vendor: {tenant.create(self._now()) if made else tenant.change(self._now())}")

    def _terminate(self) -> None:
        vendor = self.random.choice(list(self.vendors.values()))
        self.tally.step(f"vendor: {vendor.home.terminate(self._now())}")

    def _scope(self) -> tuple[Vendor, ScopeKey, ScopeFaults]:
        vendor = self.random.choice(list(self.vendors.values()))
        scope, faults = self.random.choice(list(vendor.faults.items()))
        return vendor, scope, faults

    def _fault(self) -> None:
        _, _, faults = self._scope()
        self.tally.count("fault switched", faults.switch(self.random))
        self.tally.step("fault switched")

    def _lie(self) -> None:
        vendor, scope, faults = self._scope()
        lie = lie_of_both(vendor, scope, self.sharing.around, self._now())
        if lie is not None:
            faults.both = lie
            self.tally.count("fault switched", "over half neither listed nor found")
            self.tally.step("fault switched")

    def _step_clock(self) -> None:
        seconds = self.random.choice((-7200, -300, -60, -5, 5, 60, 150, 300, 7200)) * self.random.uniform(0.5, 1)
        # Back towards the truth, or hours add up to years.
        away = self._clock.offset
        self._set_clock(-away if abs(away) > 10_000 else seconds)

    def _set_clock(self, seconds: float) -> None:
        self._clock.step(seconds)
        self.sharing.around.traffic.stepped = self._now()
        self.tally.step("clock forwards" if seconds > 0 else "clock backwards")

    async def _quiet(self) -> None:
        """Hours without a reader."""
        await asyncio.sleep(self.random.uniform(300, 9000))

    # Restarts

    async def _restart(self) -> None:
        old = self._process
        self._rekey()
        self._away = None
        if self.random.random() < 0.15:
            self._away = self._scope()[1]
        how = self.random.random()
        if how < 0.2:
            self.tally.step("second process beside the first")
            self._process = self._new_process()
            await self._process.start()
            await self._beside(old)
            await old.kill()
            return
        if how < 0.75:
            await old.kill()
            self.tally.step("killed")
        else:
            await old.close()
            self.tally.step("closed")
        await asyncio.sleep(self.random.choice((0.0, 1.0, 20.0, 600.0)) * self.random.random())
        self._process = self._new_process()
        await self._process.start()

    async def _beside(self, old: Process) -> None:
        """Up to a minute of two processes, whose readers want the same at the same moment."""
        for _ in range(self.random.randint(1, 10)):
            await asyncio.sleep(self.random.uniform(0, 6))
            wish = random_wish(self.random, self.sharing.keeper.tables)
            for process in (old, self._process):
                start_reader(wish, process, self.sharing)

    def _rekey(self) -> None:
        for vendor in self.vendors.values():
            chance = self.random.random()
            if vendor.key.startswith("foreign"):
                vendor.key = "home-1" if chance < 0.6 else vendor.key
            elif chance < 0.25:
                vendor.key = self.random.choice(("home-1", "home-2", "foreign-1"))
                self.tally.count("restart", f"key {vendor.key}")

    # The reckoning

    async def _reckon(self) -> None:
        """The vendors tell the truth; one reader; then hours without any: (d)."""
        for vendor in self.vendors.values():
            vendor.key = "home-1"
            for faults in vendor.faults.values():
                faults.listing = faults.probing = faults.both = None
        self._away = None
        await self._process.kill()
        self._process = self._new_process()
        await self._process.start()
        await asyncio.sleep(_LONGEST_HOLD_SECONDS)
        await self._last_reader()
        if await self._confirm():
            await self._last_reader()
        await asyncio.sleep(_LADDER_SECONDS)
        self._raise_broken()
        self._check_truth()
        self.sharing.invariants.replays.check_whole(self.sharing.keeper.tables)
        await self._process.close()

    async def _last_reader(self) -> None:
        scopes = tuple(scope.scope_id for scope in self.sharing.keeper.tables.scopes())
        wish = Wish(scopes, (), Demand(force=True, max_wait_seconds=60.0), links=True)
        await start_reader(wish, self._process, self.sharing)

    async def _confirm(self) -> bool:
        """Where only the operator can tell that another key shows the same account, the operator does."""
        shown = {scope.key.account: None for scope in self.sharing.keeper.tables.scopes() if _by_another_key(scope)}
        for account in shown:
            cloud = SimulatedCloud(self.vendors[account], 0, self.sharing.around)
            credential = Credential("salt", cloud.fingerprint)
            word = confirm(self._process.record, account, credential, EvidenceWindows(AbsenceRules()))
            await asyncio.get_running_loop().create_task(word)
            self.tally.count("restart", "operator confirmed")
        return bool(shown)

    def _check_truth(self) -> None:
        for name, table in self.sharing.keeper.tables.accounts.items():
            vendor = self.vendors[name]
            living = {thing.key: thing for thing in vendor.home.every_living()}
            for key, record in table.living.items():
                if key not in living:
                    raise Violation("d", f"{key} is gone and was not found to be: {record}")
                if record.missing_since is not None:
                    raise Violation("d", f"{key} lives and is marked missing: {record}")
            lost = [key for key in living if key not in table.living]
            if lost:
                raise Violation("d", f"{lost} live and are not recorded")
            self.tally.count("reckoned", "living and told so")


def _by_another_key(scope: ScopeRecord) -> bool:
    return (
        scope.problem is StaleReason.SUSPECT_SWEEP
        and scope.problem_detail is not None
        and "another" in scope.problem_detail
    )
