"""Runs the cells of one kind of flight, all of them beside each other, and says what each came to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

from tests.matrix.faults import FAULTS, HUGE, Fault, Group
from tests.matrix.judging import (
    ALLOWANCE_SECONDS,
    Case,
    Outcome,
    all_fresh,
    freshness,
    judge_flights,
    judge_held,
    judge_record,
    judge_recovered,
)
from tests.matrix.player import Player, When
from tests.matrix.players import players
from tests.matrix.stage import Stage
from tests.matrix.table import CANNOT_BE, Row
from tests.matrix.world import MAX_WAIT, Cell, Logged, Read, World, logged
from tests.vendors.loopback import Loopback, answer

LATER_SECONDS: Final = 3600
RECOVERY_SECONDS: Final = 7200
"""Longer than any hold."""
IMPATIENT_SECONDS: Final = 0.5
_FLIGHT_SECONDS: Final = {Group.ORDINARY: 30.0, Group.AGAIN: 30.0, Group.SLOW: 8.0}
_BESIDE: Final = 3
"""So many vendors at once: more would wait for one database until it says that it is locked."""
Plays: TypeAlias = Callable[[str, Fault], bool]
"""Whether the cell of a vendor and a fault is played."""
_GOOD: Final = frozenset({"COMPLETE", "found", "gone"})


async def run(when: When, only: Collection[str] = (), chosen: Collection[str] = ()) -> dict[str, Outcome]:
    """The cells of these flights, by `vendor fault`; `only` names vendors and `chosen` cells to play, none of them is all."""
    told: dict[str, Outcome] = {}

    def plays(vendor: str, fault: Fault) -> bool:
        return not chosen or f"{vendor} {fault.name}" in chosen

    doubles = {vendor: player for vendor, player in players().items() if not only or vendor in only}
    for vendor, player in doubles.items():
        for fault in FAULTS:
            why = player.impossible(fault.name, when)
            if why is not None and plays(vendor, fault):
                told[f"{vendor} {fault.name}"] = Outcome(Row(vendor, when, fault.name, CANNOT_BE, note=why))
    names = list(doubles)
    for start in range(0, len(names), _BESIDE):
        batch = {name: doubles[name] for name in names[start : start + _BESIDE]}
        for case in await _played(when, batch, plays):
            assert case.row is not None
            told[f"{case.cell.vendor} {case.cell.fault.name}"] = Outcome(case.row, case.amiss)
    order = (f"{vendor} {fault.name}" for vendor in doubles for fault in FAULTS)
    return {cell: told[cell] for cell in order if cell in told}


async def _played(when: When, doubles: Mapping[str, Player], plays: Plays) -> list[Case]:
    """The cells of these vendors, beside each other."""
    starting = asyncio.Lock()
    with logged() as log:
        async with asyncio.TaskGroup() as together:
            groups = [together.create_task(_group(group, when, doubles, plays, log, starting)) for group in Group]
    return [case for cases in groups for case in cases.result()]


async def _group(
    group: Group, when: When, doubles: Mapping[str, Player], plays: Plays, log: Logged, starting: asyncio.Lock
) -> list[Case]:
    async with _cells(group, when, doubles, plays) as (cells, trap):
        if not cells:
            return []
        with TemporaryDirectory() as folder:
            course = Course(World(Path(folder), cells, _FLIGHT_SECONDS[group], starting), group, when, log)
            await course.run()
        for case in course.cases:
            case.must(trap.connections == 0 or case.cell.fault.name != "redirect", "a redirect was followed")
        return course.cases


@asynccontextmanager
async def _cells(
    group: Group, when: When, doubles: Mapping[str, Player], plays: Plays
) -> AsyncIterator[tuple[list[Cell], Loopback]]:
    trap = Loopback(answer(b"caught"))
    server = await asyncio.start_server(trap.serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    cells = [
        Cell(vendor, fault, when, Stage(player, fault, address), player)
        for vendor, player in doubles.items()
        for fault in FAULTS
        if fault.group is group and player.impossible(fault.name, when) is None and plays(vendor, fault)
    ]
    try:
        for cell in cells:
            await cell.stage.open()
        yield cells, trap
    finally:
        for cell in cells:
            await cell.stage.close()
        server.close()
        await trap.stop()
        await server.wait_closed()


class Course:
    """The course of one gateway: sound (unless the first sweep is to fail), at fault, held back, sound again."""

    def __init__(self, world: World, group: Group, when: When, log: Logged) -> None:
        self.world = world
        self.cases = [Case(cell) for cell in world.cells]
        self._group = group
        self._when = when
        self._what = "probe" if when is When.PROBE else "sweep"
        self._log = log

    async def run(self) -> None:
        """From beginning to end."""
        await self._begin()
        since = len(self._log.text)
        await self._fail()
        reads = await self._read_at_fault()
        for case in self.cases:
            flights = self._log.flights(case.cell.account, self._what, since)
            judge_flights(case, flights, reads[case.cell.account], _FLIGHT_SECONDS[self._group])
        await self._hold()
        await self._recover()
        await self.world.stop()
        self._judge_texts()

    async def _begin(self) -> None:
        """Record every account, sound; in the cells of probes, let listings lack a machine."""
        if self._when is When.FIRST:
            return
        await self.world.start(faulty=False)
        reads = await self.world.read_all()
        for case in self.cases:
            case.before = reads[case.cell.account].nodes
            case.must(all_fresh(reads[case.cell.account]), "it was not recorded whole to begin with")
        self.world.clock.advance(LATER_SECONDS)
        if self._when is When.PROBE:
            unreachable = [case for case in self.cases if case.cell.fault.connection]
            for case in self.cases:
                case.cell.stage.lacking = True
                case.cell.stage.breaks_probes = case.cell.fault.connection
            # Where nothing can be reached, the listing that lacks the machine must have come before.
            await asyncio.gather(*(self.world.read(case.cell) for case in unreachable))
            await self.world.flown()
            for case in unreachable:
                case.before = (await self.world.read(case.cell)).nodes
            self.world.clock.advance(LATER_SECONDS)

    async def _fail(self) -> None:
        for case in self.cases:
            stage = case.cell.stage
            stage.misbehaves = self._what
            stage.calls.clear()
            if case.cell.fault.connection and self._group is Group.ORDINARY:
                await stage.refuse()
        if self._when is When.FIRST:
            await self.world.start(faulty=True)
        elif self._group is Group.AGAIN:
            await self.world.restart(faulty=True)

    async def _read_at_fault(self) -> dict[str, Read]:
        """Readers of one machine by REST, then of everything."""
        patience = IMPATIENT_SECONDS if self._group is Group.SLOW else MAX_WAIT
        if self._group is Group.SLOW and self._when is not When.PROBE:
            for account, read in (await self.world.read_all(wait=patience)).items():
                case = self._case(account)
                told = {reason for _, reason in map(freshness, read.nodes.values())} | set(read.gaps.values())
                case.must(told == {"DEADLINE"}, f"who did not wait was told {told}")
                case.must(read.seconds <= patience + ALLOWANCE_SECONDS, f"waited {read.seconds:.1f} s")
        if self._when is When.PROBE:
            await asyncio.gather(*(self._read_one(case, patience) for case in self.cases))
            # Where a probe costs less than a listing, the listing that bears it out comes after the reader.
            await self.world.flown()
        reads = await self.world.read_all()
        for account, read in reads.items():
            case = self._case(account)
            case.must(read.seconds <= MAX_WAIT + ALLOWANCE_SECONDS, f"waited {read.seconds:.1f} s")
            judge_record(case, read)
        await self.world.flown()
        await self.world.tell_accounts()
        for case in self.cases:
            # Marks are probed behind the readers' backs: what is told is judged once nothing is under way.
            if any(freshness(node)[0] == "UNCONFIRMED" for node in reads[case.cell.account].nodes.values()):
                reads[case.cell.account] = await self.world.read(case.cell)
        return reads

    async def _read_one(self, case: Case, patience: float) -> None:
        lost = case.before[case.cell.lost]
        seconds, body, _ = await self.world.rest(str(lost["resourceId"]), patience)
        case.must(seconds <= patience + ALLOWANCE_SECONDS, f"waited {seconds:.1f} s by REST")
        case.must(body["resource_id"] == lost["resourceId"], "REST told another resource")

    def _case(self, account: str) -> Case:
        return next(case for case in self.cases if case.cell.account == account)

    async def _hold(self) -> None:
        """What failed is not asked again before its time, not even by force; the reason is told."""
        past = 0
        for seconds in sorted({case.cell.fault.held_seconds for case in self.cases}):
            self.world.clock.advance(seconds - past)
            past = seconds
            held = [
                case
                for case in self.cases
                if case.row is not None
                and case.cell.fault.held_seconds >= seconds
                and not _GOOD & set(case.row.verdict.split(" / "))
            ]
            since = len(self._log.text)
            reads = await asyncio.gather(*(self.world.read(case.cell, force=True) for case in held))
            for case, read in zip(held, reads, strict=True):
                again = self._log.flights(case.cell.account, self._what, since)
                case.must(not sum(one["calls"] for one in again), f"asked again {seconds} s after it failed")
                judge_held(case, read)

    async def _recover(self) -> None:
        """Sound again, everything is fresh, and still the same."""
        for case in self.cases:
            stage = case.cell.stage
            stage.misbehaves, stage.breaks_probes, stage.lacking = None, False, case.cell.gone
            await stage.accept()
        self.world.clock.advance(RECOVERY_SECONDS)
        if self._group is Group.AGAIN:
            await self.world.restart(faulty=False)
        reads = await self.world.read_all()
        for case in self.cases:
            judge_recovered(case, reads[case.cell.account])

    def _judge_texts(self) -> None:
        """No secret anywhere, no traceback, and no large body held."""
        told = "\n".join([*self.world.told, self._log.text])
        recorded = self.world.recorded()
        loud = [line for line in self._log.text.splitlines() if "Traceback" in line or '"level": "error"' in line]
        for case in self.cases:
            stage = case.cell.stage
            for secret in [case.cell.secret, *stage.authorizations]:
                case.must(secret not in told, "a credential was told or logged")
                case.must(secret.encode() not in recorded, "a credential was recorded")
            case.must(not loud, f"{len(loud)} errors of our own in the log, the first: {loud[:1]}")
            case.must(stage.wrote < HUGE / 2, f"{stage.wrote} bytes of its body were taken")
