"""One process of the gateway: a reconciler over the shared records, with its own clouds. It can be killed at any await."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Protocol
from uuid import UUID

from domain.ports import AccountSetup
from domain.records.model import Changes, FlightTicket, LockedState, ResourceRecord, ScopeKey, ScopeRecord, VendorKey
from domain.records.timeline import AccountTimeline, Advance
from domain.rules import AbsenceRules, FreshnessRules
from reconcile.engine import Reconciler
from reconcile.reports import FlightReport
from tests.simulation.checks.invariants import Invariants
from tests.simulation.cloud.ledger import SimulatedFlight
from tests.simulation.cloud.vendor import SimulatedCloud, SimulatedVendor, SimulationEnvironment
from tests.simulation.storage.memory import MemoryTables


class RecordBackend(Protocol):
    """Stores the records of a run: in memory, or in memory and in a database."""

    tables: MemoryTables

    def configure(self, setups: Sequence[AccountSetup]) -> None:
        """As the port says."""
        ...

    def draw(self, account: str, advance: Advance = AccountTimeline.add_pause) -> FlightTicket:
        """As the port says."""
        ...

    def missing(self, scope: ScopeKey, limit: int) -> tuple[ResourceRecord, ...]:
        """As the port says."""
        ...

    def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """As the port says."""
        ...

    def prune(self, before: datetime) -> int:
        """As the port says."""
        ...


class SharedState:
    """The state that all processes of a run share."""

    def __init__(
        self,
        backend: RecordBackend,
        environment: SimulationEnvironment,
        vendors: Mapping[str, SimulatedVendor],
        random: Random,
    ) -> None:
        self.backend = backend
        self.environment = environment
        self.vendors = vendors
        self.random = random
        self.invariants = Invariants(backend.tables, vendors)
        self.locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.errors: list[BaseException] = []
        self.recent: deque[str] = deque(maxlen=400)
        """The flights applied last, to examine a failure."""

    def flight_applied(self, flight: SimulatedFlight, changes: Changes) -> None:
        """Count an applied flight, update what listings hide, and check the invariants."""
        counts = self.environment.counts
        counts.step("flight applied")
        counts.count("outcome", _outcome(flight))
        self.recent.append(_line(flight, changes, self.vendors[flight.account].key))
        self._update_hidden(flight)
        try:
            self.invariants.check_flight(flight, changes)
        except AssertionError as error:
            self.errors.append(error)
            raise

    def _update_hidden(self, flight: SimulatedFlight) -> None:
        """Forget that resources were hidden which this flight showed again, unless a flight under way still hides them."""
        shown = (
            *(flight.sweep.observations if flight.sweep else ()),
            flight.probe.observation if flight.probe else None,
        )
        if flight.scope is None:
            return
        account = self.backend.tables.accounts[flight.account]
        faults = self.vendors[flight.account].faults[flight.scope]
        listed = {observation.vendor_id for observation in shown if observation is not None}
        for resource in [*faults.hidden_since, *faults.limits]:
            if resource.key.vendor_id not in listed and resource.ended is None:
                continue
            record = account.living.get(resource.key)
            if resource.ended is None and (record is None or record.missing_since is not None):
                continue
            sent = [other.sent for other in self.environment.ledger.open() if resource in other.hides]
            if sent and resource.ended is None:
                faults.hidden_since[resource] = min(sent)
            else:
                faults.forget(resource)


def _line(flight: SimulatedFlight, changes: Changes, key: str) -> str:
    shown = [one.vendor_id for one in flight.sweep.observations] if flight.sweep is not None else flight.key
    written = [(one.vendor_id, one.live.status.value, one.seen_no, one.absent_no) for one in changes.resources]
    place = None if flight.scope is None else (*flight.scope,)
    scope = changes.scope
    after = "" if scope is None else f"scope {scope.state} held {scope.held} proven {scope.proven_no}"
    return (
        f"{asyncio.get_running_loop().time():.2f} process {flight.process} #{flight.number} sent {flight.sent:.2f} "
        f"({flight.sent_at}) {place} {_outcome(flight)} by {key} showed {shown} wrote {written} {after}"
    )


def _outcome(flight: SimulatedFlight) -> str:
    if flight.kind == "none":
        return "operator confirmation"
    if flight.kind == "sweep":
        if flight.sweep is None:
            return "sweep TIMED OUT"
        reason = "" if flight.sweep.problem is None else f" {flight.sweep.problem.reason}"
        return f"sweep {flight.sweep.outcome}{reason}"
    if flight.probe is None:
        return "probe timed out"
    reason = "" if flight.probe.problem is None else f" {flight.probe.problem.reason}"
    return f"probe {flight.probe.outcome}{reason}"


class ProcessStore:
    """`domain.ports.RecordStore` of one process. It is slow, applies one flight of an account at a time, and can be killed."""

    def __init__(self, number: int, shared: SharedState) -> None:
        self._number = number
        self._shared = shared
        self.alive = True

    def now(self) -> datetime:
        """Return the database's time."""
        return self._shared.environment.clock.now()

    async def yield_control(self) -> None:
        """Let other tasks run, sometimes for a while. Raises CancelledError if the process was killed meanwhile."""
        chance = self._shared.random.random()
        if chance < 0.35:
            await asyncio.sleep(0)
        elif chance < 0.6:
            await asyncio.sleep(0.03 * chance)
        if not self.alive:
            raise asyncio.CancelledError

    async def configure(self, accounts: Sequence[AccountSetup]) -> None:
        """As the port says."""
        await self.yield_control()
        self._shared.backend.configure(accounts)

    async def draw(self, account: str, advance: Advance = AccountTimeline.add_pause) -> FlightTicket:
        """As the port says."""
        await self.yield_control()
        ticket = self._shared.backend.draw(account, advance)
        self._shared.environment.ledger.open_flight(self._number, account, ticket)
        await self.yield_control()
        return ticket

    async def scopes(self) -> tuple[ScopeRecord, ...]:
        """As the port says."""
        await self.yield_control()
        return self._shared.backend.tables.scopes()

    async def missing(self, scope: ScopeKey, limit: int) -> tuple[ResourceRecord, ...]:
        """As the port says."""
        await self.yield_control()
        records = self._shared.backend.missing(scope, limit)
        await self.yield_control()
        return records

    async def resources(self, ids: Iterable[UUID]) -> tuple[ResourceRecord, ...]:
        """As the port says."""
        await self.yield_control()
        return self._shared.backend.tables.resources(ids)

    async def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """As the port says. If the process is killed, all or nothing was written."""
        await self.yield_control()
        async with self._shared.locks[scope.account]:
            await self.yield_control()
            changes = self._shared.backend.apply(scope, named, whole, decide)
            self._shared.flight_applied(self._shared.environment.ledger.close_flight(), changes)
        await self.yield_control()
        return changes

    async def prune(self, before: datetime) -> int:
        """As the port says."""
        await self.yield_control()
        removed = self._shared.backend.prune(before)
        if removed:
            self._shared.environment.counts.step("history pruned")
        self._shared.invariants.check_pruned()
        return removed


class GatewayProcess:
    """A running reconciler with its readers."""

    def __init__(self, number: int, shared: SharedState, setups: Sequence[AccountSetup], keep_days: float) -> None:
        self.number = number
        self._shared = shared
        self.store = ProcessStore(number, shared)
        clouds = {
            setup.name: SimulatedCloud(shared.vendors[setup.name], number, shared.environment) for setup in setups
        }
        self.readers: dict[asyncio.Task[None], None] = {}
        self.engine = Reconciler(
            self.store,
            clouds,
            setups,
            FreshnessRules(),
            AbsenceRules(),
            self,
            observer=self,
            random=Random(shared.random.random()),
            clock=shared.environment.clock,
            keep_days=keep_days,
        )

    def task_failed(self, what: str, error: BaseException) -> None:
        """Record an internal error: the run fails."""
        self._shared.errors.append(error)

    def flight_ended(self, report: FlightReport) -> None:
        """Ignore the report: the store counts the flights."""

    async def start(self) -> None:
        """Start the engine."""
        self._shared.environment.traffic.processes += 1
        await self.engine.start()

    async def sync(self) -> None:
        """Start the engine, sweep every scope once, probe what is missing, and close the engine."""
        self._shared.environment.traffic.processes += 1
        await self.engine.start(background=False)
        scopes = [scope.key for scope in await self.store.scopes() if scope.configured]
        await asyncio.gather(*map(self.engine.sweep, scopes))
        await self.engine.wait_for_probes()
        await self.close()

    async def close(self) -> None:
        """Close the engine, which gives its flights a few seconds."""
        await self.engine.close()
        self._retire()
        await self._cancel_readers()

    async def kill(self) -> None:
        """End at once, wherever each task happens to wait."""
        self.store.alive = False
        tasks = self.engine._runner.tasks
        tasks.closed = True
        left = [*tasks._finite, *tasks._endless]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._retire()
        await self._cancel_readers()

    def _retire(self) -> None:
        self.store.alive = False
        self._shared.environment.traffic.processes -= 1

    async def _cancel_readers(self) -> None:
        left = list(self.readers)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
