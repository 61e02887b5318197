"""A simulated cloud: honest answers, made late, wrong or missing by the faults of the scope, within the fault model.

The model: listings may be empty, cut, reordered, repeated, up to 60 s behind, another tenant's, or of a wrong shape, for any
length of time; probes may fail in any way, answer a generic 404, or be up to 60 s behind. Never, for a living resource past
its grace period: the vendor's own "no such thing" together with a complete listing without it, except to over half of a scope
at once for less than `witness_seconds`, and to another tenant's key. Where there is no probe, complete listings that agree on
an absence for `witness_seconds` (suspect: `suspect_seconds`) are true.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from random import Random

from domain.enums import ResourceKind, StaleReason
from domain.records.model import ScopeKey, VendorKey
from domain.records.observation import NOT_REPORTED, Observation, ProbeResult, Problem, SweepOutcome, SweepResult
from reconcile.rules.absence import is_suspect
from tests.simulation.faults import (
    MOST_BOTH_SECONDS,
    MOST_LISTINGS_SECONDS,
    MOST_SUSPECT_LISTINGS_SECONDS,
    REASONS,
    BothLie,
    Listing,
    Probing,
    ScopeFaults,
)
from tests.simulation.ledger import Flight, Ledger, Violation
from tests.simulation.loop import SteppedClock
from tests.simulation.memory import MemoryTables
from tests.simulation.tally import Tally
from tests.simulation.traffic import Traffic
from tests.simulation.truth import Profile, Tenant, Thing

_GRACE_SECONDS = 120.0
_NEVER = 10_000.0


@dataclass
class Vendor:
    """One account's side of the world: two tenants, of which a key shows one, and what is wrong at this time."""

    account: str
    home: Tenant
    foreign: Tenant
    profile: Profile
    faults: dict[ScopeKey, ScopeFaults]
    key: str = "home-1"

    def things(self, scope: ScopeKey) -> list[Thing]:
        """What truly lives in a scope."""
        return self.home.living(scope.kind, scope.region)


@dataclass(frozen=True)
class Surroundings:
    """What every cloud of a run shares."""

    ledger: Ledger
    tables: MemoryTables
    clock: SteppedClock
    random: Random
    tally: Tally
    traffic: Traffic


class SimulatedCloud:
    """`domain.ports.CloudClient` of one account in one process, with the key that it was started with."""

    vendor = "simulated"

    def __init__(self, vendor: Vendor, process: int, around: Surroundings) -> None:
        self._vendor = vendor
        self._key = vendor.key
        self._process = process
        self._around = around
        self.links_owner = vendor.profile.links_owner

    @property
    def scopes(self) -> tuple[tuple[ResourceKind, str | None], ...]:
        """Every scope."""
        return self._vendor.profile.scopes

    def sweep_calls(self, kind: ResourceKind) -> int:
        """As the vendor is made."""
        return self._vendor.profile.sweep_calls

    def probes(self, kind: ResourceKind) -> bool:
        """As the vendor is made."""
        return kind in self._vendor.profile.probed

    def fingerprint(self, salt: str) -> str:
        """A hash of the key."""
        return sha256(f"{salt} {self._key}".encode()).hexdigest()

    async def close(self) -> None:
        """Nothing to close."""

    @property
    def _tenant(self) -> Tenant:
        return self._vendor.foreign if self._key.startswith("foreign") else self._vendor.home

    async def sweep(self, kind: ResourceKind, region: str | None) -> SweepResult:
        """A listing: its snapshot is taken soon after the call arrives, and told later."""
        scope, random = ScopeKey(self._vendor.account, kind, region), self._around.random
        flight = self._around.ledger.mine()
        flight.what, flight.scope, flight.foreign = "sweep", scope, self._tenant is self._vendor.foreign
        with self._around.traffic.sweeping(self._process, scope, flight.number) as ending:
            faults = self._vendor.faults[scope]
            await asyncio.sleep(random.uniform(0, 0.3))
            fault = faults.listing_now(random)
            told = self._listing(flight, faults, fault)
            self._around.tally.count("listing told", str(fault or "honest"))
            await asyncio.sleep(_latency(random, fault is Listing.STALLED, fault is Listing.SLOW))
            ending.failed = told.outcome is not SweepOutcome.COMPLETE
            flight.sweep = told
        return told

    async def probe(self, kind: ResourceKind, region: str | None, vendor_id: str) -> ProbeResult:
        """An answer by id."""
        scope, random = ScopeKey(self._vendor.account, kind, region), self._around.random
        flight = self._around.ledger.mine()
        flight.what, flight.scope, flight.key = "probe", scope, VendorKey(kind, vendor_id)
        flight.foreign = self._tenant is self._vendor.foreign
        if not self.probes(kind):
            raise Violation("e", f"a probe where there is none: {flight.key}")
        bearers = self._around.tables.bearers(flight.key, scope.account)
        with self._around.traffic.probing(self._process, scope, flight.key, bearers):
            faults = self._vendor.faults[scope]
            await asyncio.sleep(random.uniform(0, 0.2))
            fault = faults.probing_now(random)
            told = self._answer(flight, flight.key, faults, fault)
            self._around.tally.count("probe told", str(fault or "honest"))
            await asyncio.sleep(_latency(random, fault is Probing.STALLED, fault is Probing.SLOW) / 2)
            flight.probe = told
        return told

    # Listings

    def _listing(self, flight: Flight, faults: ScopeFaults, fault: Listing | None) -> SweepResult:
        around, scope = self._around, flight.scope
        if scope is None:
            raise LookupError
        both = self._both_lie(flight, scope, faults)
        if fault is not None and fault in REASONS:
            return _failed(self._problem(REASONS[fault]))
        shown = self._shown(scope, faults, fault)
        if fault is Listing.CUT:
            problem = Problem(StaleReason.PARTIAL_SWEEP, "cut")
            return SweepResult(SweepOutcome.PARTIAL, tuple(shown), problem, calls=1)
        if both:
            shown = _without_hidden(shown, faults)
            around.tally.count("listing told", "without over half, as probes say too")
        told = self._within_model(flight, scope, faults, shown, both=both)
        if fault is Listing.FOREIGN and len(told) > len(shown):
            # Another tenant's listing has nothing of ours in it: where ours must be shown, this is over.
            honest = _without_hidden(self._shown(scope, faults, None), faults if both else None)
            told = self._within_model(flight, scope, faults, honest, both=both)
        return SweepResult(SweepOutcome.COMPLETE, tuple(told), calls=self._vendor.profile.sweep_calls)

    def _shown(self, scope: ScopeKey, faults: ScopeFaults, fault: Listing | None) -> list[Observation]:
        random, lag = self._around.random, faults.lag if fault is Listing.BEHIND else 0.0
        shown = self._tenant.shown(scope.kind, scope.region, _now() - lag)
        if fault is Listing.FOREIGN:
            return self._vendor.foreign.shown(scope.kind, scope.region, _now())
        if fault is Listing.EMPTY:
            return []
        if fault in {Listing.LACKING, Listing.CUT}:
            return [one for one in shown if random.random() > faults.share]
        if fault is Listing.REORDERED:
            random.shuffle(shown)
        elif fault is Listing.REPEATED:
            shown += random.sample(shown, random.randint(0, len(shown)))
        return shown

    def _both_lie(self, flight: Flight, scope: ScopeKey, faults: ScopeFaults) -> bool:
        """Whether both questions are answered wrongly now; as soon as it is no longer over half, that is over."""
        if faults.both is None or not faults.both.covers(flight.sent, _now()):
            return False
        hidden = sum(thing.ended is None for thing in faults.both.hidden)
        if 2 * hidden <= len(self._vendor.things(scope)):
            faults.both = None
        return faults.both is not None

    def _within_model(
        self, flight: Flight, scope: ScopeKey, faults: ScopeFaults, shown: list[Observation], *, both: bool
    ) -> list[Observation]:
        """The listing with those living things of the key's own account that it must not lack any longer."""
        now, told = _now(), {one.vendor_id for one in shown}
        own = [thing for thing in self._tenant.living(scope.kind, scope.region) if thing.key.vendor_id not in told]
        must = [thing for thing in own if not self._may_lack(flight, scope, faults, thing, both=both)]
        if must and not self.probes(scope.kind) and self._suspicious(scope, told):
            must = [t for t in must if flight.sent - faults.hidden_since[t] >= MOST_SUSPECT_LISTINGS_SECONDS]
            # All at once, or what is left would no longer be over half.
            must = own if must else must
        shown = [*shown, *(one for thing in must if (one := thing.at(now)) is not None)]
        lacking = [thing for thing in own if thing not in must]
        if self._tenant is not self._vendor.home:
            lacking += self._vendor.things(scope)
        for thing in lacking:
            faults.hidden_since.setdefault(thing, flight.sent)
        flight.hides = set(lacking)
        return shown

    def _may_lack(self, flight: Flight, scope: ScopeKey, faults: ScopeFaults, thing: Thing, *, both: bool) -> bool:
        if self.probes(scope.kind):
            denied = any(other.denies is thing for other in self._around.ledger.open())
            return not denied or (both and faults.both is not None and thing in faults.both.hidden)
        return flight.sent - faults.hidden_since.get(thing, flight.sent) < MOST_LISTINGS_SECONDS

    def _suspicious(self, scope: ScopeKey, told: set[str]) -> bool:
        """Whether the engine must doubt a listing of just these; with two processes nobody knows which is applied first."""
        if self._around.traffic.processes > 1:
            return False
        account = self._around.tables.accounts[scope.account]
        record = account.scopes[scope]
        mine = [one for one in account.living.values() if one.scope_id == record.scope_id]
        marks = sum(one.vendor_id not in told for one in mine)
        return is_suspect(marks, record.held) and is_suspect(marks, len(mine))

    # Probes

    def _answer(self, flight: Flight, key: VendorKey, faults: ScopeFaults, fault: Probing | None) -> ProbeResult:
        scope = flight.scope
        if scope is None:
            raise LookupError
        now = _now()
        if faults.both is not None and self._both_lie(flight, scope, faults):
            hidden = next((thing for thing in faults.both.hidden if thing.key == key), None)
            if hidden is not None and fault not in REASONS:
                flight.denies = hidden
                self._around.tally.count("probe told", "gone, of over half, as listings lack them")
                return ProbeResult("gone", calls=1)
        if fault is not None and fault in REASONS:
            return ProbeResult("failed", problem=self._problem(REASONS[fault]), calls=1)
        if fault is Probing.DENYING and self._may_deny(flight, scope, key):
            flight.denies = self._vendor.home.thing(key, scope.region)
            return ProbeResult("gone", calls=1)
        found = self._tenant.find(key, scope.region, now - (faults.lag if fault is Probing.BEHIND else 0.0))
        if found is None:
            self._assert_model(flight, scope, key)
            return ProbeResult("gone", calls=1)
        if fault is Probing.TERSE:
            found = replace(found, price=NOT_REPORTED, links=NOT_REPORTED, name=NOT_REPORTED)
        return ProbeResult("found", found, calls=1)

    def _may_deny(self, flight: Flight, scope: ScopeKey, key: VendorKey) -> bool:
        """Of a living thing past its grace only while no complete listing lacks it, nor is about to."""
        thing = self._vendor.home.thing(key, scope.region)
        if thing is None or self._tenant is not self._vendor.home:
            return False
        record = self._around.tables.accounts[scope.account].living.get(key)
        unmarked = record is None or record.missing_since is None
        return unmarked and not any(thing in other.hides for other in self._around.ledger.open())

    def _assert_model(self, flight: Flight, scope: ScopeKey, key: VendorKey) -> None:
        """That no honest answer denied a living thing past its grace: a fault of the simulator's own."""
        thing = self._vendor.home.thing(key, scope.region)
        if thing is not None and self._tenant is self._vendor.home and _now() - thing.born > _GRACE_SECONDS:
            raise AssertionError(f"the simulator left the fault model: {key}")

    def _problem(self, reason: StaleReason) -> Problem:
        random, told = self._around.random, None
        if reason in {StaleReason.RATE_LIMITED, StaleReason.BUDGET_SPENT} and random.random() < 0.7:
            told = self._around.clock.now() + timedelta(seconds=random.choice((1, 20, 90, 7200)))
        return Problem(reason, "as the simulation has it", told)


def _without_hidden(shown: list[Observation], faults: ScopeFaults | None) -> list[Observation]:
    hidden = () if faults is None or faults.both is None else faults.both.hidden
    ids = {thing.key.vendor_id for thing in hidden}
    return [one for one in shown if one.vendor_id not in ids]


def _now() -> float:
    return asyncio.get_running_loop().time()


def _failed(problem: Problem) -> SweepResult:
    return SweepResult(SweepOutcome.FAILED, (), problem, calls=1)


def _latency(random: Random, stalled: bool, slow: bool) -> float:
    if stalled:
        return _NEVER
    return random.uniform(5, 29) if slow else random.choice((random.uniform(0, 0.5), random.uniform(0, 3)))


def lie_of_both(vendor: Vendor, scope: ScopeKey, around: Surroundings, now: float) -> BothLie | None:
    """Over half of a scope, listed no more and denied by id, from now on for a while; None where the model forbids it.

    Over half of what truly lives in the scope, of what is recorded unmarked, and of what the last good listing held.
    """
    account, random = around.tables.accounts[scope.account], around.random
    if scope.kind not in vendor.profile.probed or vendor.key.startswith("foreign"):
        return None
    living = vendor.things(scope)
    record = account.scopes[scope]
    held = [
        one
        for one in account.living.values()
        if one.scope_id == record.scope_id and (one.missing_since is None or one.seen_no >= record.good_no)
    ]
    everything = random.random() < 0.5
    hidden = living if everything else random.sample(living, (2 * len(living)) // 3)
    keys = {thing.key for thing in hidden}
    known = [one for one in held if one.key in keys]
    in_flight = [flight for flight in around.ledger.open() if flight.hides & set(hidden)]
    marked = any(one.key in keys and one.missing_since is not None for one in account.living.values())
    if not known or in_flight or marked:
        return None
    over_half = len(known) >= 3 and 2 * len(known) > len(held) and 2 * len(hidden) > len(living)
    if not (over_half or (everything and len(known) == len(held))):
        return None
    return BothLie(frozenset(hidden), now, now + random.uniform(5, MOST_BOTH_SECONDS))
