"""What a cell comes to: its row, and what must hold of every cell whatever its row says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from domain.enums import ResourceKind
from tests.matrix.player import PER_KIND, When
from tests.matrix.table import Row
from tests.matrix.world import Cell, Node, Read
from vendors import registry

ALLOWANCE_SECONDS: Final = 5
"""For a machine that has other things to do."""
_QUICK_SECONDS: Final = 10
_ALL_ABSENT: Final = "empty list"
_ABSENT: Final = "UNCONFIRMED ABSENT"
_AMPLE: Final = 20
"""Of so many calls in a documented window half are enough for every repetition of a cell."""


@dataclass
class Outcome:
    """What a cell came to, and what must never be but was."""

    row: Row
    amiss: list[str] = field(default_factory=list)


@dataclass
class Case:
    """A cell while it runs. `before` and `seen` are what was told before it met the fault, and then of what it struck."""

    cell: Cell
    before: Mapping[str, Node] = field(default_factory=dict)
    seen: Mapping[str, Node] = field(default_factory=dict)
    row: Row | None = None
    amiss: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> Sequence[ResourceKind]:
        """Which kinds' flights meet the fault."""
        return [ResourceKind.MACHINES] if self.cell.when is When.PROBE else list(ResourceKind)

    def must(self, holds: bool, otherwise: str) -> None:
        """Note what is amiss."""
        if not holds:
            self.amiss.append(otherwise)


def judge_flights(case: Case, lines: Sequence[Mapping[str, Any]], read: Read, limit: float) -> None:
    """The row. `lines` are the log's of the flights that met the fault, each of which is ended after `limit` seconds."""
    cell, flights = case.cell, _by_kind(lines)
    # Where nobody can be reached, the listing finds that out first, and probes are held with it.
    held = cell.when is When.PROBE and cell.fault.connection and not lines
    case.must(
        held or (set(flights) == set(case.kinds) and _expected(cell, lines)), f"{len(lines)} flights met the fault"
    )
    told = [flights.get(kind, {}) for kind in case.kinds]
    calls = [_calls(cell, kind, flights.get(kind, {})) for kind in case.kinds]
    struck = {key: node for key, node in read.nodes.items() if cell.when is not When.PROBE or key == cell.lost}
    row = Row(
        cell.vendor,
        cell.when,
        cell.fault.name,
        verdict=_joined([one.get("outcome") for one in told]),
        reason=_joined([one.get("reason") for one in told]),
        told=_joined([_told(cell, kind, struck) for kind in case.kinds]),
        gap=_joined([read.gaps.get(kind) for kind in case.kinds]),
        rows=_joined([one.get("written") for one in told]),
        calls=_joined([_bounded(cell, one, count) for one, count in zip(told, calls, strict=True)]),
        seconds=_joined([_seconds(one.get("seconds", 0.0), limit) for one in told]),
    )
    case.must([one.get("calls") for one in told] == calls, f"we told other numbers of calls than the server's {calls}")
    case.row, case.seen = row, struck
    if cell.fault.shared and cell.when is not When.PROBE:
        case.must("RATE_LIMITED" in row.reason, "nobody told the vendor's own word")
        case.row = _either(row)
    _judge_ages(case, read)
    judge_record(case, read)


def judge_record(case: Case, read: Read) -> None:
    """Nothing is lost, deleted or changed that the vendor did not truly change."""
    cell = case.cell
    for key, node in read.nodes.items():
        deleted = node["status"] == "DELETED"
        case.must(deleted == (cell.gone and key == cell.lost), f"{key} reads {node['status']}")
    for key, was in case.before.items():
        now = read.nodes.get(key)
        if now is None:
            case.must(False, f"{key} is lost")
            continue
        same = ["resourceId", "linkedResources"]
        if not cell.fault.changes and not (cell.gone and key == cell.lost):
            same += ["name", "status", "vendorStatus"]
        for name in same:
            case.must(was[name] == now[name], f"{key}: {name} was {was[name]}, is {now[name]}")


def judge_held(case: Case, read: Read) -> None:
    """Nobody was asked again: what is told is as old as it was, for the same reason."""
    for key, was in case.seen.items():
        now = read.nodes[key]
        case.must(was["lastSyncedAt"] == now["lastSyncedAt"], f"{key}: nobody was asked, and yet it is younger")
        known = freshness(was)[0] != "FRESH" and not case.cell.fault.shared
        case.must(not known or freshness(was) == freshness(now), f"{key}: held back, it reads {freshness(now)}")
    judge_record(case, read)


def judge_recovered(case: Case, read: Read) -> None:
    """Sound again, everything is fresh, and still the same."""
    case.must(
        all_fresh(read, gone=case.cell.gone), f"after it: {[(key, *freshness(n)) for key, n in read.nodes.items()]}"
    )
    for key, was in case.before.items():
        for name in ("resourceId", "linkedResources"):
            same = key in read.nodes and read.nodes[key][name] == was[name]
            case.must(same, f"{key}: {name} is another one after it")


def freshness(node: Node) -> tuple[str, str]:
    """State and reason."""
    return node["freshness"]["state"], node["freshness"]["reason"] or ""


def all_fresh(read: Read, *, gone: bool = False) -> bool:
    """Whether the whole account is there, running and fresh, but for one machine where it is `gone`."""
    living = [node for node in read.nodes.values() if (node["status"], freshness(node)[0]) == ("RUNNING", "FRESH")]
    return len(read.nodes) == 2 * PER_KIND and len(living) == len(read.nodes) - gone and not read.gaps


def _expected(cell: Cell, lines: Sequence[Mapping[str, Any]]) -> bool:
    """One flight a kind; or two probes that came to the same.

    Where a listing takes several calls, the reader of one machine has it probed; the next listing lacks it, and its mark is
    probed again.
    """
    ends = {(line["kind"], line.get("outcome"), line.get("reason")) for line in lines}
    return len(lines) == len(ends) or (cell.when is When.PROBE and (1, 2) == (len(ends), len(lines)))


def _by_kind(lines: Sequence[Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """The flights, by kind; of two the later, with the calls of both."""
    flights: dict[str, Mapping[str, Any]] = {}
    for line in lines:
        before = flights.get(line["kind"], {})
        flights[line["kind"]] = {**line, "calls": line.get("calls", 0) + before.get("calls", 0)}
    return flights


def _judge_ages(case: Case, read: Read) -> None:
    """What is fresh is younger than before, what is not is as old."""
    for key, was in case.before.items():
        node = read.nodes.get(key, was)
        same = was["lastSyncedAt"] == node["lastSyncedAt"]
        true = node["status"] == "DELETED" or same != (freshness(node)[0] == "FRESH")
        case.must(true, f"{key}: its age is not true")


def _calls(cell: Cell, kind: ResourceKind, flight: Mapping[str, Any]) -> int | None:
    """How many the server counted; our own number where nobody can be reached."""
    if cell.fault.connection:
        ours: int | None = flight.get("calls")
        return ours
    if cell.when is When.PROBE:
        return cell.stage.calls["probe", kind]
    return cell.stage.calls["sweep", kind] + cell.stage.calls["catalogue", kind]


def _bounded(cell: Cell, flight: Mapping[str, Any], calls: int | None) -> str:
    """How many; where the account's budget may leave less than all repetitions, at most how many."""
    scarce = any(one.calls < _AMPLE for one in registry.find(cell.vendor).documented_limits)
    repeated = flight.get("reason") == "VENDOR_DOWN" and calls in {1, 2, 3}
    return "<=3" if scarce and repeated else str(calls)


def _seconds(seconds: float, limit: float) -> str:
    if seconds >= limit:
        return "flight" if seconds <= limit + ALLOWANCE_SECONDS else f"{seconds:.0f}"
    return f"<{_QUICK_SECONDS}" if seconds < _QUICK_SECONDS else f"<{limit:.0f}"


def _told(cell: Cell, kind: ResourceKind, nodes: Mapping[str, Node]) -> str:
    ids = {cell.player.vendor_id(kind, number) for number in range(1, PER_KIND + 1)}
    words = sorted({" ".join(freshness(node)).strip() for key, node in nodes.items() if key in ids})
    paced = any(one.calls / 2 < PER_KIND for one in registry.find(cell.vendor).documented_limits)
    if paced and cell.fault.name == _ALL_ABSENT and words in (["FRESH"], ["FRESH", _ABSENT]):
        # So many probes at once are more than the budget lets through while they wait.
        return f"FRESH or {_ABSENT}"
    return " + ".join(words) or "-"


def _either(row: Row) -> Row:
    """Of an account's calls at one moment one or all are refused; those that are not sent any more cost nothing."""
    told = {name: getattr(row, name) for name in ("reason", "told", "gap")}
    for name, text in told.items():
        if {part.removeprefix("STALE ") for part in text.split(" / ")} <= {"RATE_LIMITED", "BUDGET_SPENT"}:
            told[name] = text.split(" / ")[0].replace("BUDGET_SPENT", "RATE_LIMITED") + " or BUDGET_SPENT"
    return replace(row, **told, calls="<=1" if {*row.calls.split(" / ")} <= {"0", "1"} else row.calls)


def _joined(words: Sequence[object]) -> str:
    plain = ["-" if word is None else str(word) for word in words]
    return plain[0] if len(set(plain)) == 1 else " / ".join(plain)
