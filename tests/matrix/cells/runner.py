"""Runs the cells of one kind of flight concurrently and returns their outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

from tests.matrix.cells.checks import (
    ALLOWANCE_SECONDS,
    CellOutcome,
    CellRun,
    check_flights,
    check_hold,
    check_recovery,
    check_resources,
    freshness,
    is_all_fresh,
)
from tests.matrix.cells.cloud import CellCloud
from tests.matrix.cells.gateway import MAX_WAIT, AccountRead, CapturedLog, Cell, MatrixGateway, capture_log
from tests.matrix.faults import FAULTS, HUGE, Fault, GatewayGroup
from tests.matrix.player import FlightKind, Player
from tests.matrix.players import players
from tests.matrix.table import IMPOSSIBLE, Row
from tests.vendors.loopback import Loopback, answer

LATER_SECONDS: Final = 3600
RECOVERY_SECONDS: Final = 7200
"""Longer than any failure is held."""
IMPATIENT_SECONDS: Final = 0.5
_FLIGHT_SECONDS: Final = {GatewayGroup.ORDINARY: 30.0, GatewayGroup.RESTARTED: 30.0, GatewayGroup.SLOW: 8.0}
_CONCURRENT_VENDORS: Final = 3
"""More vendors would queue for the one SQLite database until it reports that it is locked."""
CellFilter: TypeAlias = Callable[[str, Fault], bool]
"""Whether the cell of a vendor and a fault is run."""
_SUCCESSES: Final = frozenset({"COMPLETE", "found", "gone", "empty"})


async def run_cells(
    flight: FlightKind, only: Collection[str] = (), chosen: Collection[str] = ()
) -> dict[str, CellOutcome]:
    """Run the cells of a kind of flight. Return their outcomes by `vendor fault`.

    `only` limits the run to these vendors and `chosen` to these cells; empty means all.
    """
    outcomes: dict[str, CellOutcome] = {}

    def is_chosen(vendor: str, fault: Fault) -> bool:
        return not chosen or f"{vendor} {fault.name}" in chosen

    doubles = {vendor: player for vendor, player in players().items() if not only or vendor in only}
    for vendor, player in doubles.items():
        for fault in FAULTS:
            reason = player.why_impossible(fault.name, flight)
            if reason is not None and is_chosen(vendor, fault):
                row = Row(vendor, flight, fault.name, IMPOSSIBLE, note=reason)
                outcomes[f"{vendor} {fault.name}"] = CellOutcome(row)
    names = list(doubles)
    for start in range(0, len(names), _CONCURRENT_VENDORS):
        batch = Batch({name: doubles[name] for name in names[start : start + _CONCURRENT_VENDORS]}, flight, is_chosen)
        for run in await batch.run():
            assert run.row is not None
            outcomes[run.cell.name] = CellOutcome(run.row, run.violations)
    order = (f"{vendor} {fault.name}" for vendor in doubles for fault in FAULTS)
    return {name: outcomes[name] for name in order if name in outcomes}


@dataclass(frozen=True)
class Batch:
    """The cells of a few vendors, which run concurrently in one gateway for each group."""

    doubles: Mapping[str, Player]
    flight: FlightKind
    is_chosen: CellFilter

    async def run(self) -> list[CellRun]:
        """Run all groups concurrently."""
        starting = asyncio.Lock()
        with capture_log() as log:
            async with asyncio.TaskGroup() as tasks:
                groups = [tasks.create_task(self._run_group(group, log, starting)) for group in GatewayGroup]
        return [run for group in groups for run in group.result()]

    async def _run_group(self, group: GatewayGroup, log: CapturedLog, starting: asyncio.Lock) -> list[CellRun]:
        async with self._open_cells(group) as (cells, redirect_trap):
            if not cells:
                return []
            with TemporaryDirectory() as folder:
                gateway = MatrixGateway(Path(folder), cells, _FLIGHT_SECONDS[group], starting)
                course = GatewayCourse(gateway, group, self.flight, log)
                await course.run()
            for run in course.runs:
                was_followed = redirect_trap.connections > 0 and run.cell.fault.name == "redirect"
                run.require(not was_followed, "the gateway followed a redirect")
            return course.runs

    @asynccontextmanager
    async def _open_cells(self, group: GatewayGroup) -> AsyncIterator[tuple[list[Cell], Loopback]]:
        """Serve the clouds of a group's cells, and the server to which redirects point."""
        trap = Loopback(answer(b"caught"))
        server = await asyncio.start_server(trap.serve, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        cells = [
            Cell(vendor, fault, self.flight, CellCloud(player, fault, address), player)
            for vendor, player in self.doubles.items()
            for fault in FAULTS
            if fault.group is group
            and player.why_impossible(fault.name, self.flight) is None
            and self.is_chosen(vendor, fault)
        ]
        try:
            for cell in cells:
                await cell.cloud.open()
            yield cells, trap
        finally:
            for cell in cells:
                await cell.cloud.close()
            server.close()
            await trap.stop()
            await server.wait_closed()


class GatewayCourse:
    """The phases of one gateway: correct (unless the first sweep is to fail), faulty, held back, correct again."""

    def __init__(self, gateway: MatrixGateway, group: GatewayGroup, flight: FlightKind, log: CapturedLog) -> None:
        self.gateway = gateway
        self.runs = [CellRun(cell) for cell in gateway.cells]
        self._group = group
        self._flight = flight
        self._faulty_calls = "probe" if flight is FlightKind.PROBE else "sweep"
        self._log = log

    async def run(self) -> None:
        """Run all phases and check each cell after each one."""
        await self._record_accounts()
        since = len(self._log.text)
        await self._begin_fault()
        reads = await self._read_during_fault()
        for run in self.runs:
            flights = self._log.flights(run.cell.account, self._faulty_calls, since)
            check_flights(run, flights, reads[run.cell.account], _FLIGHT_SECONDS[self._group])
        await self._check_hold()
        await self._recover()
        await self.gateway.stop()
        self._check_texts()

    async def _record_accounts(self) -> None:
        """Record every account without faults. In the cells of probes, let listings omit a machine afterwards."""
        if self._flight is FlightKind.FIRST:
            return
        await self.gateway.start(faulty=False)
        reads = await self.gateway.read_all()
        for run in self.runs:
            run.before = reads[run.cell.account].nodes
            run.require(is_all_fresh(reads[run.cell.account]), "the account was not complete before the fault")
        self.gateway.clock.advance(LATER_SECONDS)
        if self._flight is FlightKind.PROBE:
            await self._omit_machine()

    async def _omit_machine(self) -> None:
        unreachable = [run for run in self.runs if run.cell.fault.breaks_connection]
        for run in self.runs:
            run.cell.cloud.lacks_machine = True
            run.cell.cloud.breaks_probes = run.cell.fault.breaks_connection
        # If no server can be reached during the fault, the listing without the machine must come before it.
        await asyncio.gather(*(self.gateway.read(run.cell) for run in unreachable))
        await self.gateway.wait_for_flights()
        for run in unreachable:
            run.before = (await self.gateway.read(run.cell)).nodes
        self.gateway.clock.advance(LATER_SECONDS)

    async def _begin_fault(self) -> None:
        for run in self.runs:
            cloud = run.cell.cloud
            cloud.faulty_calls = self._faulty_calls
            cloud.calls.clear()
            if run.cell.fault.breaks_connection and self._group is GatewayGroup.ORDINARY:
                await cloud.refuse()
        if self._flight is FlightKind.FIRST:
            await self.gateway.start(faulty=True)
        elif self._group is GatewayGroup.RESTARTED:
            await self.gateway.restart(faulty=True)

    async def _read_during_fault(self) -> dict[str, AccountRead]:
        """Read one machine of each account by REST in the cells of probes, then everything."""
        wait = IMPATIENT_SECONDS if self._group is GatewayGroup.SLOW else MAX_WAIT
        if self._flight is FlightKind.PROBE:
            await asyncio.gather(*(self._read_machine(run, wait) for run in self.runs))
            # If a probe costs less than a listing, the listing that confirms it comes after the reader.
            await self.gateway.wait_for_flights()
        elif self._group is GatewayGroup.SLOW:
            await self._read_impatiently(wait)
        reads = await self.gateway.read_all()
        for account, read in reads.items():
            run = self._run_of(account)
            run.require(read.seconds <= MAX_WAIT + ALLOWANCE_SECONDS, f"a reader waited {read.seconds:.1f} s")
            check_resources(run, read)
        await self.gateway.wait_for_flights()
        await self.gateway.read_accounts()
        for run in self.runs:
            # Missing machines are probed in the background: read again after the last flight.
            if any(freshness(node)[0] == "UNCONFIRMED" for node in reads[run.cell.account].nodes.values()):
                reads[run.cell.account] = await self.gateway.read(run.cell)
        return reads

    async def _read_impatiently(self, wait: float) -> None:
        """Check that readers with a short wait get an answer in time, with the reason DEADLINE."""
        for account, read in (await self.gateway.read_all(wait=wait)).items():
            run = self._run_of(account)
            reasons = {freshness(node)[1] for node in read.nodes.values()} | set(read.gaps.values())
            run.require(reasons == {"DEADLINE"}, f"a reader with a short wait got the reasons {reasons}")
            run.require(read.seconds <= wait + ALLOWANCE_SECONDS, f"a reader waited {read.seconds:.1f} s")

    async def _read_machine(self, run: CellRun, wait: float) -> None:
        resource_id = run.before[run.cell.lacking_id]["resourceId"]
        seconds, body = await self.gateway.read_by_rest(str(resource_id), wait)
        run.require(seconds <= wait + ALLOWANCE_SECONDS, f"a REST reader waited {seconds:.1f} s")
        run.require(body["resource_id"] == resource_id, "REST returned another resource")

    def _run_of(self, account: str) -> CellRun:
        return next(run for run in self.runs if run.cell.account == account)

    async def _check_hold(self) -> None:
        """Check that a failed call is not repeated too early, not even by force, and that the reason stays."""
        elapsed = 0
        for seconds in sorted({run.cell.fault.held_seconds for run in self.runs}):
            self.gateway.clock.advance(seconds - elapsed)
            elapsed = seconds
            held = [
                run
                for run in self.runs
                if run.row is not None
                and run.cell.fault.held_seconds >= seconds
                and not _SUCCESSES & set(run.row.verdict.split(" / "))
            ]
            since = len(self._log.text)
            reads = await asyncio.gather(*(self.gateway.read(run.cell, force=True) for run in held))
            for run, read in zip(held, reads, strict=True):
                repeated = self._log.flights(run.cell.account, self._faulty_calls, since)
                calls = sum(flight["calls"] for flight in repeated)
                run.require(not calls, f"called the vendor again {seconds} s after the failure")
                check_hold(run, read)

    async def _recover(self) -> None:
        """End every fault and check that everything becomes fresh."""
        for run in self.runs:
            cloud = run.cell.cloud
            cloud.faulty_calls, cloud.breaks_probes, cloud.lacks_machine = None, False, run.cell.is_deleted
            await cloud.accept()
        self.gateway.clock.advance(RECOVERY_SECONDS)
        if self._group is GatewayGroup.RESTARTED:
            await self.gateway.restart(faulty=False)
        reads = await self.gateway.read_all()
        for run in self.runs:
            check_recovery(run, reads[run.cell.account])

    def _check_texts(self) -> None:
        """Check that no text contains a secret or a traceback, and that no huge body was read to its end."""
        published = "\n".join([*self.gateway.published, self._log.text])
        database = self.gateway.database_bytes()
        errors = [line for line in self._log.text.splitlines() if "Traceback" in line or '"level": "error"' in line]
        for run in self.runs:
            cloud = run.cell.cloud
            for secret in [run.cell.secret, *cloud.authorizations]:
                run.require(secret not in published, "a credential was published or logged")
                run.require(secret.encode() not in database, "a credential was recorded in the database")
            run.require(not errors, f"{len(errors)} internal errors in the log, the first: {errors[:1]}")
            run.require(cloud.bytes_written < HUGE / 2, f"the gateway read {cloud.bytes_written} bytes of a huge body")
