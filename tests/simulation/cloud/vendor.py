"""A simulated cloud: honest responses, made late, wrong or missing by the faults of the scope, within the fault model.

The fault model:

- Listings may be empty, cut, reordered, repeated, up to 60 s behind, another tenant's, or malformed, for any length of time.
- Probes may fail in any way, answer a generic 404 or nothing, or be up to 60 s behind.
- For a living resource past its grace period, the vendor's own "no such thing" and a complete listing without it never come
  together. Exceptions: over half of a scope at once for less than `witness_seconds`, and another tenant's key.
- Where there is no probe, or it answers with nothing, complete listings that agree on an absence for `witness_seconds` (in a
  suspect scope for `suspect_seconds`) are true. Where it answers in other words, they are true after `suspect_seconds`, and
  where it does not answer, after 24 times as long.
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
from tests.simulation.cloud.faults import (
    MAX_JOINT_SECONDS,
    MAX_LISTING_SECONDS,
    MAX_OTHER_WORDS_SECONDS,
    MAX_SUSPECT_LISTING_SECONDS,
    MAX_UNANSWERED_SECONDS,
    REASONS,
    JointFault,
    ListingFault,
    ProbeFault,
    ScopeFaults,
)
from tests.simulation.cloud.ledger import SimulatedFlight, SimulationLedger, Violation
from tests.simulation.cloud.traffic import Traffic
from tests.simulation.cloud.truth import SimulatedTenant, VendorProfile, VendorResource
from tests.simulation.counts import EventCounts
from tests.simulation.loop import SteppedClock
from tests.simulation.storage.memory import MemoryTables

_GRACE_SECONDS = 120.0
_NEVER = 10_000.0
_LIMITS = {ProbeFault.EMPTY: MAX_LISTING_SECONDS, ProbeFault.GENERIC_404: MAX_OTHER_WORDS_SECONDS}


@dataclass
class SimulatedVendor:
    """One account at its vendor: two tenants, one of which the key shows, and the present faults."""

    account: str
    home: SimulatedTenant
    foreign: SimulatedTenant
    profile: VendorProfile
    faults: dict[ScopeKey, ScopeFaults]
    key: str = "home-1"

    def living(self, scope: ScopeKey) -> list[VendorResource]:
        """Return the resources that truly live in a scope."""
        return self.home.living(scope.kind, scope.region)


@dataclass(frozen=True)
class SimulationEnvironment:
    """The common state of all clouds of a run."""

    ledger: SimulationLedger
    tables: MemoryTables
    clock: SteppedClock
    random: Random
    counts: EventCounts
    traffic: Traffic


class SimulatedCloud:
    """`domain.ports.CloudClient` of one account in one process, with the key that the process started with."""

    vendor = "simulated"

    def __init__(self, vendor: SimulatedVendor, process: int, environment: SimulationEnvironment) -> None:
        self._vendor = vendor
        self._key = vendor.key
        self._process = process
        self._environment = environment
        self.links_owner = vendor.profile.links_owner

    @property
    def scopes(self) -> tuple[tuple[ResourceKind, str | None], ...]:
        """All scopes of the vendor."""
        return self._vendor.profile.scopes

    def sweep_calls(self, kind: ResourceKind) -> int:
        """Return the profile's number of calls."""
        return self._vendor.profile.sweep_calls

    def probes(self, kind: ResourceKind) -> bool:
        """Return whether the profile has probes of the kind."""
        return kind in self._vendor.profile.probed_kinds

    def fingerprint(self, salt: str) -> str:
        """Return a salted hash of the key."""
        return sha256(f"{salt} {self._key}".encode()).hexdigest()

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    @property
    def _tenant(self) -> SimulatedTenant:
        return self._vendor.foreign if self._key.startswith("foreign") else self._vendor.home

    async def sweep(self, kind: ResourceKind, region: str | None) -> SweepResult:
        """Return a listing. Its snapshot is taken soon after the call arrives, and returned later."""
        scope, random = ScopeKey(self._vendor.account, kind, region), self._environment.random
        flight = self._environment.ledger.current()
        flight.kind, flight.scope, flight.foreign = "sweep", scope, self._tenant is self._vendor.foreign
        with self._environment.traffic.sweeping(self._process, scope, flight.number) as end:
            faults = self._vendor.faults[scope]
            await asyncio.sleep(random.uniform(0, 0.3))
            fault = faults.next_listing_fault(random)
            result = self._list(flight, faults, fault)
            self._environment.counts.count("listing", str(fault or "honest"))
            await asyncio.sleep(_latency(random, fault is ListingFault.STALLED, fault is ListingFault.SLOW))
            end.failed = result.outcome is not SweepOutcome.COMPLETE
            flight.sweep = result
        return result

    async def probe(self, kind: ResourceKind, region: str | None, vendor_id: str) -> ProbeResult:
        """Return the response to a probe."""
        scope, random = ScopeKey(self._vendor.account, kind, region), self._environment.random
        flight = self._environment.ledger.current()
        flight.kind, flight.scope, flight.key = "probe", scope, VendorKey(kind, vendor_id)
        flight.foreign = self._tenant is self._vendor.foreign
        if not self.probes(kind):
            raise Violation("e", f"a probe of {flight.key}, whose vendor has none")
        bearers = self._environment.tables.bearers(flight.key, scope.account)
        with self._environment.traffic.probing(self._process, scope, flight.key, bearers):
            faults = self._vendor.faults[scope]
            await asyncio.sleep(random.uniform(0, 0.2))
            fault = faults.next_probe_fault(random)
            result = self._answer_probe(flight, flight.key, faults, fault)
            self._environment.counts.count("probe", str(fault or "honest"))
            await asyncio.sleep(_latency(random, fault is ProbeFault.STALLED, fault is ProbeFault.SLOW) / 2)
            flight.probe = result
        return result

    # Listings

    def _list(self, flight: SimulatedFlight, faults: ScopeFaults, fault: ListingFault | None) -> SweepResult:
        environment, scope = self._environment, flight.scope
        if scope is None:
            raise LookupError("a listing without a scope")
        joint = self._is_joint_fault_on(flight, scope, faults)
        if fault is not None and fault in REASONS:
            return SweepResult(SweepOutcome.FAILED, (), self._problem(REASONS[fault]), calls=1)
        listing = self._observe(scope, faults, fault)
        if fault is ListingFault.CUT:
            problem = Problem(StaleReason.PARTIAL_SWEEP, "cut")
            return SweepResult(SweepOutcome.PARTIAL, tuple(listing), problem, calls=1)
        if joint:
            listing = _without_hidden(listing, faults)
            environment.counts.count("listing", "without over half, like the probes")
        observations = self._complete(flight, scope, faults, listing, joint=joint)
        if fault is ListingFault.FOREIGN and len(observations) > len(listing):
            # Another tenant's listing has none of our resources. Once some of ours must be shown, the fault is over.
            honest = _without_hidden(self._observe(scope, faults, None), faults if joint else None)
            observations = self._complete(flight, scope, faults, honest, joint=joint)
        return SweepResult(SweepOutcome.COMPLETE, tuple(observations), calls=self._vendor.profile.sweep_calls)

    def _observe(self, scope: ScopeKey, faults: ScopeFaults, fault: ListingFault | None) -> list[Observation]:
        """Return the observations of a listing with this fault."""
        random, lag = self._environment.random, faults.lag if fault is ListingFault.BEHIND else 0.0
        observations = self._tenant.shown(scope.kind, scope.region, _now() - lag)
        if fault is ListingFault.FOREIGN:
            return self._vendor.foreign.shown(scope.kind, scope.region, _now())
        if fault is ListingFault.EMPTY:
            return []
        if fault in {ListingFault.LACKING, ListingFault.CUT}:
            return [one for one in observations if random.random() > faults.share]
        if fault is ListingFault.REORDERED:
            random.shuffle(observations)
        elif fault is ListingFault.REPEATED:
            observations += random.sample(observations, random.randint(0, len(observations)))
        return observations

    def _is_joint_fault_on(self, flight: SimulatedFlight, scope: ScopeKey, faults: ScopeFaults) -> bool:
        """Whether listings and probes are both wrong now. This ends when it no longer affects over half of the scope."""
        if faults.joint is None or not faults.joint.covers(flight.sent, _now()):
            return False
        hidden = sum(resource.ended is None for resource in faults.joint.hidden)
        if 2 * hidden <= len(self._vendor.living(scope)):
            faults.joint = None
        return faults.joint is not None

    def _complete(
        self, flight: SimulatedFlight, scope: ScopeKey, faults: ScopeFaults, listing: list[Observation], *, joint: bool
    ) -> list[Observation]:
        """Return the listing with the living resources of the key's own account that the fault model requires in it."""
        now, ids = _now(), {observation.vendor_id for observation in listing}
        own = [one for one in self._tenant.living(scope.kind, scope.region) if one.key.vendor_id not in ids]
        required = [one for one in own if not self._may_lack(flight, scope, faults, one, joint=joint)]
        if required and not self.probes(scope.kind) and self._makes_suspect(scope, ids):
            required = [
                one for one in required if flight.sent - faults.hidden_since[one] >= MAX_SUSPECT_LISTING_SECONDS
            ]
            # All at once: otherwise the rest would no longer be over half of the scope.
            required = own if required else required
        listing = [*listing, *(state for one in required if (state := one.at(now)) is not None)]
        lacking = [one for one in own if one not in required]
        if self._tenant is not self._vendor.home:
            lacking += self._vendor.living(scope)
        for resource in lacking:
            faults.hidden_since.setdefault(resource, flight.sent)
        flight.hides = set(lacking)
        return listing

    def _may_lack(
        self, flight: SimulatedFlight, scope: ScopeKey, faults: ScopeFaults, resource: VendorResource, *, joint: bool
    ) -> bool:
        if self.probes(scope.kind):
            if joint and faults.joint is not None and resource in faults.joint.hidden:
                return True
            is_denied = any(other.denies is resource for other in self._environment.ledger.open())
            return not is_denied and faults.may_lack(resource, flight.sent, MAX_UNANSWERED_SECONDS)
        return faults.may_lack(resource, flight.sent, MAX_LISTING_SECONDS)

    def _makes_suspect(self, scope: ScopeKey, ids: set[str]) -> bool:
        """Whether the engine must doubt a listing of these ids. With two processes, the order of applying is unknown."""
        if self._environment.traffic.processes > 1:
            return False
        account = self._environment.tables.accounts[scope.account]
        record = account.scopes[scope]
        living = [one for one in account.living.values() if one.scope_id == record.scope_id]
        missing = sum(one.vendor_id not in ids for one in living)
        return is_suspect(missing, record.held) and is_suspect(missing, len(living))

    # Probes

    def _answer_probe(
        self, flight: SimulatedFlight, key: VendorKey, faults: ScopeFaults, fault: ProbeFault | None
    ) -> ProbeResult:
        scope = flight.scope
        if scope is None:
            raise LookupError("a probe without a scope")
        now = _now()
        if faults.joint is not None and self._is_joint_fault_on(flight, scope, faults):
            hidden = next((resource for resource in faults.joint.hidden if resource.key == key), None)
            if hidden is not None and fault not in REASONS:
                flight.denies = hidden
                faults.limit(hidden, MAX_LISTING_SECONDS, now)
                self._environment.counts.count("probe", "gone, of over half, like the listings")
                return ProbeResult("gone", calls=1)
        living = self._tenant.resource(key, scope.region)
        seconds = _LIMITS.get(fault) if fault is not None else None
        if seconds is not None and living is not None and not faults.limit(living, seconds, now):
            fault = None
        if fault is not None and fault in REASONS:
            return ProbeResult("failed", problem=self._problem(REASONS[fault]), calls=1)
        if fault is ProbeFault.EMPTY:
            return ProbeResult("empty", calls=1)
        if fault is ProbeFault.DENYING and living is not None and self._may_deny(scope, key):
            faults.limit(living, MAX_LISTING_SECONDS, now)
            flight.denies = living
            return ProbeResult("gone", calls=1)
        lag = faults.lag if fault is ProbeFault.BEHIND else 0.0
        observation = self._tenant.find(key, scope.region, now - lag)
        if observation is None:
            self._assert_model(scope, key)
            return self._absent_answer()
        if fault is ProbeFault.TERSE:
            observation = replace(observation, price=NOT_REPORTED, links=NOT_REPORTED, name=NOT_REPORTED)
        return ProbeResult("found", observation, calls=1)

    def _absent_answer(self) -> ProbeResult:
        """Return what the vendor answers about a resource that does not exist."""
        answer = self._vendor.profile.absent_answer
        if answer == "empty":
            return ProbeResult("empty", calls=1)
        if answer == "gone":
            return ProbeResult("gone", calls=1)
        return ProbeResult("failed", problem=Problem(REASONS[answer], "simulated"), calls=1)

    def _may_deny(self, scope: ScopeKey, key: VendorKey) -> bool:
        """Whether a probe may deny a living resource: only while no complete listing lacks it or is about to."""
        resource = self._vendor.home.resource(key, scope.region)
        if resource is None or self._tenant is not self._vendor.home:
            return False
        record = self._environment.tables.accounts[scope.account].living.get(key)
        is_listed = record is None or record.missing_since is None
        return is_listed and not any(resource in other.hides for other in self._environment.ledger.open())

    def _assert_model(self, scope: ScopeKey, key: VendorKey) -> None:
        """Assert that no honest response denies a living resource past its grace period: that is the simulator's error."""
        resource = self._vendor.home.resource(key, scope.region)
        if resource is not None and self._tenant is self._vendor.home and _now() - resource.born > _GRACE_SECONDS:
            raise AssertionError(f"the simulator left the fault model: {key}")

    def _problem(self, reason: StaleReason) -> Problem:
        random, retry_at = self._environment.random, None
        if reason in {StaleReason.RATE_LIMITED, StaleReason.BUDGET_SPENT} and random.random() < 0.7:
            retry_at = self._environment.clock.now() + timedelta(seconds=random.choice((1, 20, 90, 7200)))
        return Problem(reason, "simulated", retry_at)


def _without_hidden(listing: list[Observation], faults: ScopeFaults | None) -> list[Observation]:
    hidden = () if faults is None or faults.joint is None else faults.joint.hidden
    ids = {resource.key.vendor_id for resource in hidden}
    return [observation for observation in listing if observation.vendor_id not in ids]


def _now() -> float:
    return asyncio.get_running_loop().time()


def _latency(random: Random, stalled: bool, slow: bool) -> float:
    if stalled:
        return _NEVER
    return random.uniform(5, 29) if slow else random.choice((random.uniform(0, 0.5), random.uniform(0, 3)))


def choose_joint_fault(
    vendor: SimulatedVendor, scope: ScopeKey, environment: SimulationEnvironment, now: float
) -> JointFault | None:
    """Return a fault that hides over half of a scope from listings and probes for a while, None if the model forbids it.

    It must hide over half of what truly lives in the scope, of what is recorded as present, and of what the last good listing
    held.
    """
    account, random = environment.tables.accounts[scope.account], environment.random
    if scope.kind not in vendor.profile.probed_kinds or vendor.key.startswith("foreign"):
        return None
    living = vendor.living(scope)
    record = account.scopes[scope]
    held = [
        one
        for one in account.living.values()
        if one.scope_id == record.scope_id and (one.missing_since is None or one.seen_no >= record.good_no)
    ]
    everything = random.random() < 0.5
    hidden = living if everything else random.sample(living, (2 * len(living)) // 3)
    keys = {resource.key for resource in hidden}
    hidden_records = [one for one in held if one.key in keys]
    is_hidden_in_flight = any(flight.hides & set(hidden) for flight in environment.ledger.open())
    has_missing = any(one.key in keys and one.missing_since is not None for one in account.living.values())
    if not hidden_records or is_hidden_in_flight or has_missing:
        return None
    count = len(hidden_records)
    over_half = count >= 3 and 2 * count > len(held) and 2 * len(hidden) > len(living)
    if not (over_half or (everything and count == len(held))):
        return None
    return JointFault(frozenset(hidden), now, now + random.uniform(5, MAX_JOINT_SECONDS))
