"""Runs the cells of one kind of flight, all of them beside each other, and says what each came to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from domain.words import ResourceKind
from tests.matrix.faults import FAULTS, HUGE, Group
from tests.matrix.player import PER_KIND, Player, When
from tests.matrix.players import players
from tests.matrix.stage import LOST, Stage
from tests.matrix.table import CANNOT_BE, Row
from tests.matrix.world import MAX_WAIT, Cell, Logged, Read, World, logged
from tests.vendors.loopback import Loopback, answer
from vendors import registry

LATER_SECONDS: Final = 3600
RECOVERY_SECONDS: Final = 7200
"""Longer than any hold."""
IMPATIENT_SECONDS: Final = 0.5
ALLOWANCE_SECONDS: Final = 5
"""For a machine that has other things to do."""
_FLIGHT_SECONDS: Final = {Group.ORDINARY: 30.0, Group.AGAIN: 30.0, Group.SLOW: 3.0}
_QUICK: Final = 10.0
_AMPLE: Final = 20
"""Of so many calls in a documented window half are enough for every repetition of a cell."""
_GOOD: Final = frozenset({"COMPLETE", "found", "gone"})


@dataclass
class Outcome:
    """What a cell came to, and what must never be but was."""

    row: Row
    amiss: list[str] = field(default_factory=list)


@dataclass
class Case:
    """A cell while it runs. `before` and `seen` are what was told before it met the fault, and then of what it struck."""

    cell: Cell
    before: Mapping[str, dict[str, object]] = field(default_factory=dict)
    seen: Mapping[str, dict[str, object]] = field(default_factory=dict)
    row: Row | None = None
    amiss: list[str] = field(default_factory=list)

    def must(self, holds: bool, otherwise: str) -> None:
        """Note what is amiss."""
        if not holds:
            self.amiss.append(otherwise)


async def run(when: When) -> dict[str, Outcome]:
    """Every cell of these flights, by `vendor fault`."""
    told: dict[str, Outcome] = {}
    doubles = players()
    for vendor, player in doubles.items():
        for fault in FAULTS:
            why = player.impossible(fault.name, when)
            if why is not None:
                told[f"{vendor} {fault.name}"] = Outcome(Row(vendor, when, fault.name, CANNOT_BE, note=why))
    starting = asyncio.Lock()
    with logged() as log:
        async with asyncio.TaskGroup() as together:
            groups = [together.create_task(_group(group, when, doubles, log, starting)) for group in Group]
    for case in (case for cases in groups for case in cases.result()):
        assert case.row is not None
        told[f"{case.cell.vendor} {case.cell.fault.name}"] = Outcome(case.row, case.amiss)
    return {f"{vendor} {fault.name}": told[f"{vendor} {fault.name}"] for vendor in doubles for fault in FAULTS}


async def _group(
    group: Group, when: When, doubles: Mapping[str, Player], log: Logged, starting: asyncio.Lock
) -> list[Case]:
    async with _cells(group, when, doubles) as (cells, trap):
        with TemporaryDirectory() as folder:
            course = Course(World(Path(folder), cells, _FLIGHT_SECONDS[group], starting), group, when, log)
            await course.run()
        for case in course.cases:
            case.must(trap.connections == 0, "a redirect was followed")
        return course.cases


@asynccontextmanager
async def _cells(group: Group, when: When, doubles: Mapping[str, Player]) -> AsyncIterator[tuple[list[Cell], Loopback]]:
    trap = Loopback(answer(b"caught"))
    server = await asyncio.start_server(trap.serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    cells = [
        Cell(vendor, fault, when, Stage(player, fault, address), player)
        for vendor, player in doubles.items()
        for fault in FAULTS
        if fault.group is group and player.impossible(fault.name, when) is None
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
            self._judge(case, reads[case.cell.account], since)
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
            case.must(_all_fresh(reads[case.cell.account]), "it was not recorded whole to begin with")
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
                told = {reason for _, reason in map(_freshness, read.nodes.values())} | set(read.gaps.values())
                case.must(told == {"DEADLINE"}, f"who did not wait was told {told}")
                case.must(read.seconds <= patience + ALLOWANCE_SECONDS, f"waited {read.seconds:.1f} s")
        if self._when is When.PROBE:
            await asyncio.gather(*(self._read_one(case, patience) for case in self.cases))
        reads = await self.world.read_all()
        for account, read in reads.items():
            case = self._case(account)
            case.must(read.seconds <= MAX_WAIT + ALLOWANCE_SECONDS, f"waited {read.seconds:.1f} s")
            self._judge_record(case, read)
        await self.world.flown()
        await self.world.tell_accounts()
        for case in self.cases:
            # Marks are probed behind the readers' backs: what is told is judged once nothing is under way.
            if any(_freshness(node)[0] == "UNCONFIRMED" for node in reads[case.cell.account].nodes.values()):
                reads[case.cell.account] = await self.world.read(case.cell)
        return reads

    async def _read_one(self, case: Case, patience: float) -> None:
        lost = case.before[case.cell.player.vendor_id(ResourceKind.MACHINES, LOST)]
        seconds, body, _ = await self.world.rest(str(lost["resourceId"]), patience)
        case.must(seconds <= patience + ALLOWANCE_SECONDS, f"waited {seconds:.1f} s by REST")
        case.must(body["resource_id"] == lost["resourceId"], "REST told another resource")

    def _case(self, account: str) -> Case:
        return next(case for case in self.cases if case.cell.account == account)

    def _judge(self, case: Case, read: Read, since: int) -> None:
        """What came of the fault: the row, and what must hold of every cell."""
        cell = case.cell
        flights = {one["kind"]: one for one in self._log.flights(cell.account, self._what, since)}
        count = len(self._log.flights(cell.account, self._what, since))
        kinds = [ResourceKind.MACHINES] if self._when is When.PROBE else list(ResourceKind)
        case.must(set(flights) == {kind.value for kind in kinds} and count == len(kinds), f"{count} flights")
        lost = cell.player.vendor_id(ResourceKind.MACHINES, LOST)
        told = {
            vendor_id: node
            for vendor_id, node in read.nodes.items()
            if self._when is not When.PROBE or vendor_id == lost
        }
        case.row = Row(
            cell.vendor,
            self._when,
            cell.fault.name,
            verdict=_joined([str(flights.get(kind, {}).get("outcome")) for kind in kinds]),
            reason=_joined([str(flights.get(kind, {}).get("reason")) for kind in kinds]),
            told=_joined([_told(cell.player, kind, told) for kind in kinds]),
            gap=_joined([read.gaps.get(kind, "-") for kind in kinds]),
            rows=_joined([str(flights.get(kind, {}).get("written")) for kind in kinds]),
            calls=_joined([self._told_calls(cell, kind, flights) for kind in kinds]),
            seconds=_joined([self._seconds(flights.get(kind, {}).get("seconds", 0.0)) for kind in kinds]),
        )
        for kind in kinds:
            ours, theirs = flights.get(kind, {}).get("calls"), self._calls(cell, kind, flights)
            case.must(str(ours) == theirs, f"{kind}: we counted {ours} calls, the server {theirs}")
        for vendor_id, was in case.before.items():
            node = read.nodes.get(vendor_id, was)
            if node["status"] == "DELETED":
                continue
            same = was["lastSyncedAt"] == node["lastSyncedAt"]
            case.must(same != (_freshness(node)[0] == "FRESH"), f"{vendor_id}: its age is not true")
        case.seen = told
        self._judge_record(case, read)
        if cell.fault.shared and self._when is not When.PROBE:
            case.must("RATE_LIMITED" in case.row.reason, "nobody told the vendor's own word")
            case.row = _either(case.row)

    def _calls(self, cell: Cell, kind: ResourceKind, flights: Mapping[str, Mapping[str, object]]) -> str:
        if cell.fault.connection:
            return str(flights.get(kind, {}).get("calls"))
        return str(cell.stage.calls[self._what, kind])

    def _told_calls(self, cell: Cell, kind: ResourceKind, flights: Mapping[str, Mapping[str, object]]) -> str:
        """How many; where the account's budget may leave less than all repetitions, at most how many."""
        calls = self._calls(cell, kind, flights)
        scarce = any(one.calls < _AMPLE for one in registry.find(cell.vendor).documented_limits)
        repeated = flights.get(kind, {}).get("reason") == "VENDOR_DOWN" and calls in {"1", "2", "3"}
        return "<=3" if scarce and repeated else calls

    def _seconds(self, seconds: float) -> str:
        limit = _FLIGHT_SECONDS[self._group]
        if seconds >= limit:
            return "flight" if seconds <= limit + ALLOWANCE_SECONDS else f"{seconds:.0f}"
        return f"<{_QUICK:.0f}" if seconds < _QUICK else f"<{limit:.0f}"

    def _judge_record(self, case: Case, read: Read) -> None:
        """Nothing is lost, deleted or changed that the vendor did not truly change."""
        cell = case.cell
        gone = cell.fault.true and self._when is When.PROBE
        lost = cell.player.vendor_id(ResourceKind.MACHINES, LOST)
        for vendor_id, node in read.nodes.items():
            deleted = node["status"] == "DELETED"
            case.must(deleted == (gone and vendor_id == lost), f"{vendor_id} reads {node['status']}")
        for vendor_id, was in case.before.items():
            now = read.nodes.get(vendor_id)
            case.must(now is not None, f"{vendor_id} is lost")
            if now is None:
                continue
            same = ["resourceId", "linkedResources"]
            if not cell.fault.changes and not (gone and vendor_id == lost):
                same += ["name", "status", "vendorStatus"]
            for name in same:
                case.must(was[name] == now[name], f"{vendor_id}: {name} was {was[name]}, is {now[name]}")

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
                same = [read.nodes[key]["lastSyncedAt"] == node["lastSyncedAt"] for key, node in case.seen.items()]
                case.must(all(same), "nobody was asked, and yet it is younger")
                self._judge_record(case, read)

    async def _recover(self) -> None:
        """Sound again, everything is fresh, and still the same."""
        for case in self.cases:
            stage, gone = case.cell.stage, case.cell.fault.true and self._when is When.PROBE
            stage.misbehaves, stage.breaks_probes, stage.lacking = None, False, gone
            await stage.accept()
        self.world.clock.advance(RECOVERY_SECONDS)
        if self._group is Group.AGAIN:
            await self.world.restart(faulty=False)
        reads = await self.world.read_all()
        for case in self.cases:
            gone = case.cell.fault.true and self._when is When.PROBE
            nodes = reads[case.cell.account].nodes
            case.must(_all_fresh(reads[case.cell.account], gone=gone), f"after it: {_states(nodes)}")
            for vendor_id, was in case.before.items():
                for name in ("resourceId", "linkedResources"):
                    same = vendor_id in nodes and nodes[vendor_id][name] == was[name]
                    case.must(same, f"{vendor_id}: {name} is another one after it")

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


def _freshness(node: Mapping[str, object]) -> tuple[str, str]:
    told = node["freshness"]
    assert isinstance(told, dict)
    return told["state"], told["reason"] or ""


def _states(nodes: Mapping[str, Mapping[str, object]]) -> str:
    return ", ".join(f"{key}: {node['status']} {' '.join(_freshness(node)).strip()}" for key, node in nodes.items())


def _all_fresh(read: Read, *, gone: bool = False) -> bool:
    living = [node for node in read.nodes.values() if node["status"] == "RUNNING" and _freshness(node)[0] == "FRESH"]
    return len(read.nodes) == 2 * PER_KIND and len(living) == len(read.nodes) - gone and not read.gaps


def _told(player: Player, kind: ResourceKind, nodes: Mapping[str, Mapping[str, object]]) -> str:
    ids = {player.vendor_id(kind, number) for number in range(1, PER_KIND + 1)}
    words = sorted({" ".join(_freshness(node)).strip() for vendor_id, node in nodes.items() if vendor_id in ids})
    return " + ".join(words) or "-"


def _either(row: Row) -> Row:
    """Of an account's calls at one moment one or all are refused; those that are not sent any more cost nothing."""
    words = {"RATE_LIMITED", "BUDGET_SPENT"}
    told = {name: getattr(row, name) for name in ("reason", "told", "gap", "calls")}
    for name, text in told.items():
        parts = {part.removeprefix("STALE ") for part in text.split(" / ")}
        if parts <= words:
            told[name] = text.split(" / ")[0].replace("BUDGET_SPENT", "RATE_LIMITED") + " or BUDGET_SPENT"
    return replace(row, **(told | {"calls": "<=1" if {*row.calls.split(" / ")} <= {"0", "1"} else row.calls}))


def _joined(words: list[str]) -> str:
    plain = ["-" if word == "None" else word for word in words]
    return plain[0] if len(set(plain)) == 1 else " / ".join(plain)
