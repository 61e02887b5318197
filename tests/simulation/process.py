"""One process of the gateway: a reconciler over the shared record, with clouds of its own. It can be killed at any await."""

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
from domain.rules import AbsenceRules, FreshnessRules
from reconcile.engine import Reconciler
from reconcile.reports import FlightReport
from tests.simulation.invariants import Invariants
from tests.simulation.ledger import Flight
from tests.simulation.memory import MemoryTables
from tests.simulation.vendor import SimulatedCloud, Surroundings, Vendor


class Keeper(Protocol):
    """What keeps the record: plain values, or plain values and a database beside them."""

    tables: MemoryTables

    def configure(self, setups: Sequence[AccountSetup]) -> None:
        """As the port says."""
        ...

    def draw(self, account: str) -> FlightTicket:
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


class Sharing:
    """What all processes of a run share beside the clouds' surroundings."""

    def __init__(self, keeper: Keeper, around: Surroundings, vendors: Mapping[str, Vendor], random: Random) -> None:
        self.keeper = keeper
        self.around = around
        self.vendors = vendors
        self.random = random
        self.invariants = Invariants(keeper.tables, vendors)
        self.locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.broken: list[BaseException] = []
        self.recent: deque[str] = deque(maxlen=400)
        """What was applied lately, for whoever looks into a failure."""

    def landed(self, flight: Flight, changes: Changes) -> None:
        """A flight was applied: take back what its sightings refute, and check."""
        tally = self.around.tally
        tally.step("flight applied")
        tally.count("outcome", _outcome(flight))
        self.recent.append(_line(flight, changes, self.vendors[flight.account].key))
        self._shown_again(flight)
        try:
            self.invariants.applied(flight, changes)
        except AssertionError as error:
            self.broken.append(error)
            raise

    def _shown_again(self, flight: Flight) -> None:
        if flight.sweep is None or flight.scope is None:
            return
        account = self.keeper.tables.accounts[flight.account]
        faults = self.vendors[flight.account].faults[flight.scope]
        told = {one.vendor_id for one in flight.sweep.observations}
        for thing in [thing for thing in faults.hidden_since if thing.key.vendor_id in told or thing.ended is not None]:
            record = account.living.get(thing.key)
            if thing.ended is None and (record is None or record.missing_since is not None):
                continue
            others = [other.sent for other in self.around.ledger.open() if thing in other.hides]
            if others and thing.ended is None:
                faults.hidden_since[thing] = min(others)
            else:
                del faults.hidden_since[thing]


def _line(flight: Flight, changes: Changes, key: str) -> str:
    told = [one.vendor_id for one in flight.sweep.observations] if flight.sweep is not None else flight.key
    written = [(one.vendor_id, one.live.status.value, one.seen_no, one.absent_no) for one in changes.resources]
    where = None if flight.scope is None else (*flight.scope,)
    scope = changes.scope
    after = "" if scope is None else f"scope {scope.state} held {scope.held} proven {scope.proven_no}"
    return (
        f"{asyncio.get_running_loop().time():.2f} process {flight.process} #{flight.number} sent {flight.sent:.2f} "
        f"({flight.sent_at}) {where} {_outcome(flight)} by {key} told {told} wrote {written} {after}"
    )


def _outcome(flight: Flight) -> str:
    if flight.what == "nothing":
        return "the operator's word"
    if flight.what == "sweep":
        if flight.sweep is None:
            return "sweep TIMED OUT"
        reason = "" if flight.sweep.problem is None else f" {flight.sweep.problem.reason}"
        return f"sweep {flight.sweep.outcome}{reason}"
    if flight.probe is None:
        return "probe timed out"
    reason = "" if flight.probe.problem is None else f" {flight.probe.problem.reason}"
    return f"probe {flight.probe.outcome}{reason}"


class ProcessRecord:
    """`domain.ports.RecordStore` of one process: slow, one apply an account at a time, gone with its process."""

    def __init__(self, number: int, sharing: Sharing) -> None:
        self._number = number
        self._sharing = sharing
        self.alive = True

    def now(self) -> datetime:
        """The record's clock."""
        return self._sharing.around.clock.now()

    async def _pass(self) -> None:
        """A place where others may go first, and where a kill may strike."""
        chance = self._sharing.random.random()
        if chance < 0.35:
            await asyncio.sleep(0)
        elif chance < 0.6:
            await asyncio.sleep(0.03 * chance)
        if not self.alive:
            raise asyncio.CancelledError

    async def configure(self, accounts: Sequence[AccountSetup]) -> None:
        """As the port says."""
        await self._pass()
        self._sharing.keeper.configure(accounts)

    async def draw(self, account: str) -> FlightTicket:
        """As the port says."""
        await self._pass()
        ticket = self._sharing.keeper.draw(account)
        self._sharing.around.ledger.drew(self._number, account, ticket)
        await self._pass()
        return ticket

    async def scopes(self) -> tuple[ScopeRecord, ...]:
        """As the port says."""
        await self._pass()
        return self._sharing.keeper.tables.scopes()

    async def missing(self, scope: ScopeKey, limit: int) -> tuple[ResourceRecord, ...]:
        """As the port says."""
        await self._pass()
        found = self._sharing.keeper.missing(scope, limit)
        await self._pass()
        return found

    async def resources(self, ids: Iterable[UUID]) -> tuple[ResourceRecord, ...]:
        """As the port says."""
        await self._pass()
        return self._sharing.keeper.tables.resources(ids)

    async def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """As the port says; all of it, or nothing, wherever it is killed."""
        await self._pass()
        async with self._sharing.locks[scope.account]:
            await self._pass()
            changes = self._sharing.keeper.apply(scope, named, whole, decide)
            self._sharing.landed(self._sharing.around.ledger.landed(), changes)
        await self._pass()
        return changes

    async def prune(self, before: datetime) -> int:
        """As the port says."""
        await self._pass()
        gone = self._sharing.keeper.prune(before)
        if gone:
            self._sharing.around.tally.step("history pruned")
        self._sharing.invariants.pruned()
        return gone


class Process:
    """A reconciler that runs."""

    def __init__(self, number: int, sharing: Sharing, setups: Sequence[AccountSetup], keep_days: float) -> None:
        self.number = number
        self._sharing = sharing
        self.record = ProcessRecord(number, sharing)
        self.setups = setups
        clouds = {setup.name: SimulatedCloud(sharing.vendors[setup.name], number, sharing.around) for setup in setups}
        self.readers: dict[asyncio.Task[None], None] = {}
        self.engine = Reconciler(
            self.record,
            clouds,
            setups,
            FreshnessRules(),
            AbsenceRules(),
            self,
            observer=self,
            random=Random(sharing.random.random()),
            clock=sharing.around.clock,
            keep_days=keep_days,
        )

    def task_failed(self, what: str, error: BaseException) -> None:
        """An error of ours in the background: the run fails."""
        self._sharing.broken.append(error)

    def flight_ended(self, report: FlightReport) -> None:
        """Nothing: the record's side counts."""

    async def start(self) -> None:
        """Begin."""
        self._sharing.around.traffic.processes += 1
        await self.engine.start()

    async def close(self) -> None:
        """End as asked: flights have a few seconds, readers are answered."""
        await self.engine.close()
        self._gone()
        await self._end_readers()

    async def kill(self) -> None:
        """End at once, wherever each task happens to wait."""
        self.record.alive = False
        tasks = self.engine._runner.tasks
        tasks.closed = True
        left = [*tasks._finite, *tasks._endless]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._gone()
        await self._end_readers()

    def _gone(self) -> None:
        self.record.alive = False
        self._sharing.around.traffic.processes -= 1

    async def _end_readers(self) -> None:
        left = list(self.readers)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
