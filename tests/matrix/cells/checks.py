"""Turns what a cell did into its row, and checks the rules that hold for every cell, whatever its row says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from domain.enums import ResourceKind
from tests.matrix.cells.gateway import AccountRead, Cell, Node
from tests.matrix.player import PER_KIND, FlightKind
from tests.matrix.table import Row
from vendors import registry

ALLOWANCE_SECONDS: Final = 5
"""Extra time for a busy test machine."""
_QUICK_SECONDS: Final = 10
_EMPTY_LIST: Final = "empty list"
_ABSENT: Final = "UNCONFIRMED ABSENT"
_AMPLE_CALLS: Final = 20
"""With this many calls in a documented rate limit, half of them suffice for every retry of a cell."""


@dataclass
class CellOutcome:
    """The row of a cell, and the rules that the cell broke."""

    row: Row
    violations: list[str] = field(default_factory=list)


@dataclass
class CellRun:
    """A cell while it runs.

    `before` is what readers saw before the fault. `affected` is what they saw during the fault of the resources that it concerns.
    """

    cell: Cell
    before: Mapping[str, Node] = field(default_factory=dict)
    affected: Mapping[str, Node] = field(default_factory=dict)
    row: Row | None = None
    violations: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> Sequence[ResourceKind]:
        """The kinds whose flights meet the fault."""
        return [ResourceKind.MACHINES] if self.cell.flight is FlightKind.PROBE else list(ResourceKind)

    def require(self, condition: bool, violation: str) -> None:
        """Record a violation unless the condition holds."""
        if not condition:
            self.violations.append(violation)


def check_flights(run: CellRun, lines: Sequence[Mapping[str, Any]], read: AccountRead, limit: float) -> None:
    """Build the row and check the flights that met the fault.

    `lines` are the log lines of these flights. `limit` is the longest duration of a flight in seconds.
    """
    cell, flights = run.cell, _merge_by_kind(lines)
    # If no server can be reached, the listing fails first, and its error also holds back the probe.
    is_held = cell.flight is FlightKind.PROBE and cell.fault.breaks_connection and not lines
    run.require(
        is_held or (set(flights) == set(run.kinds) and _has_expected_count(cell, lines)),
        f"{len(lines)} flights met the fault",
    )
    by_kind = [flights.get(kind, {}) for kind in run.kinds]
    calls = [_count_calls(cell, kind, flights.get(kind, {})) for kind in run.kinds]
    is_probe = cell.flight is FlightKind.PROBE
    run.affected = {key: node for key, node in read.nodes.items() if not is_probe or key == cell.lacking_id}
    run.row = row = Row(
        cell.vendor,
        cell.flight,
        cell.fault.name,
        verdict=_join([flight.get("outcome") for flight in by_kind]),
        reason=_join([flight.get("reason") for flight in by_kind]),
        shown=_join([_shown(cell, kind, run.affected) for kind in run.kinds]),
        gap=_join([read.gaps.get(kind) for kind in run.kinds]),
        rows=_join([flight.get("written") for flight in by_kind]),
        calls=_join([_format_calls(cell, flight, count) for flight, count in zip(by_kind, calls, strict=True)]),
        seconds=_join([_format_seconds(flight.get("seconds", 0.0), limit) for flight in by_kind]),
    )
    logged_calls = [flight.get("calls") for flight in by_kind]
    run.require(logged_calls == calls, f"the gateway logged {logged_calls} calls, but the server counted {calls}")
    if cell.fault.shared and not is_probe:
        run.require("RATE_LIMITED" in row.reason, "no flight reported the vendor's own RATE_LIMITED")
        run.row = _merge_rate_limits(row)
    _check_ages(run, read)
    check_resources(run, read)


def check_resources(run: CellRun, read: AccountRead) -> None:
    """Check that no resource is lost, deleted or changed unless the vendor truly changed it."""
    cell = run.cell
    for key, node in read.nodes.items():
        is_deleted = node["status"] == "DELETED"
        run.require(is_deleted == (cell.is_deleted and key == cell.lacking_id), f"{key} has status {node['status']}")
    for key, node_before in run.before.items():
        if key not in read.nodes:
            run.require(False, f"{key} is lost")
            continue
        stable_fields = ["resourceId", "linkedResources"]
        if not cell.fault.changes and not (cell.is_deleted and key == cell.lacking_id):
            stable_fields += ["name", "status", "vendorStatus"]
        for name in stable_fields:
            was, now = node_before[name], read.nodes[key][name]
            run.require(was == now, f"{key}: {name} changed from {was} to {now}")


def check_hold(run: CellRun, read: AccountRead) -> None:
    """Check that nothing changed while no call was allowed: every age and reason is the same."""
    for key, node_before in run.affected.items():
        node = read.nodes[key]
        run.require(
            node_before["lastSyncedAt"] == node["lastSyncedAt"],
            f"{key}: lastSyncedAt changed although no call was made",
        )
        has_reason = freshness(node_before)[0] != "FRESH" and not run.cell.fault.shared
        run.require(
            not has_reason or freshness(node_before) == freshness(node),
            f"{key}: freshness became {freshness(node)} although no call was made",
        )
    check_resources(run, read)


def check_recovery(run: CellRun, read: AccountRead) -> None:
    """Check that after the fault everything is fresh, with the same ids and links."""
    states = [(key, *freshness(node)) for key, node in read.nodes.items()]
    run.require(is_all_fresh(read, one_deleted=run.cell.is_deleted), f"not fresh after recovery: {states}")
    for key, node_before in run.before.items():
        for name in ("resourceId", "linkedResources"):
            is_same = key in read.nodes and read.nodes[key][name] == node_before[name]
            run.require(is_same, f"{key}: {name} changed after recovery")


def freshness(node: Node) -> tuple[str, str]:
    """Return the state and the reason of a node's freshness."""
    return node["freshness"]["state"], node["freshness"]["reason"] or ""


def is_all_fresh(read: AccountRead, *, one_deleted: bool = False) -> bool:
    """Return whether the whole account is present, running and fresh, except one machine if `one_deleted`."""
    running = [node for node in read.nodes.values() if (node["status"], freshness(node)[0]) == ("RUNNING", "FRESH")]
    return len(read.nodes) == 2 * PER_KIND and len(running) == len(read.nodes) - one_deleted and not read.gaps


def _has_expected_count(cell: Cell, lines: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether there is one flight of each kind, or two probes with the same outcome.

    If a listing takes several calls, the reader of one machine triggers a probe. The next listing lacks the machine, so that
    the missing machine is probed again.
    """
    ends = {(line["kind"], line.get("outcome"), line.get("reason")) for line in lines}
    return len(lines) == len(ends) or (cell.flight is FlightKind.PROBE and (1, 2) == (len(ends), len(lines)))


def _merge_by_kind(lines: Sequence[Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """Return one flight of each kind: the last one, with the calls of all."""
    flights: dict[str, Mapping[str, Any]] = {}
    for line in lines:
        earlier = flights.get(line["kind"], {})
        flights[line["kind"]] = {**line, "calls": line.get("calls", 0) + earlier.get("calls", 0)}
    return flights


def _check_ages(run: CellRun, read: AccountRead) -> None:
    """Check that exactly the fresh resources have a newer `lastSyncedAt` than before."""
    for key, node_before in run.before.items():
        node = read.nodes.get(key, node_before)
        is_same_age = node_before["lastSyncedAt"] == node["lastSyncedAt"]
        is_true = node["status"] == "DELETED" or is_same_age != (freshness(node)[0] == "FRESH")
        run.require(is_true, f"{key}: lastSyncedAt does not agree with its freshness")


def _count_calls(cell: Cell, kind: ResourceKind, flight: Mapping[str, Any]) -> int | None:
    """Return the number of calls that the server counted, or the logged number if no server can be reached."""
    if cell.fault.breaks_connection:
        logged: int | None = flight.get("calls")
        return logged
    if cell.flight is FlightKind.PROBE:
        return cell.cloud.calls["probe", kind]
    return cell.cloud.calls["sweep", kind] + cell.cloud.calls["catalogue", kind]


def _format_calls(cell: Cell, flight: Mapping[str, Any], calls: int | None) -> str:
    """Return the number of calls, or an upper bound if the account's rate limit may prevent some retries."""
    is_scarce = any(limit.calls < _AMPLE_CALLS for limit in registry.find(cell.vendor).documented_limits)
    is_retried = flight.get("reason") == "VENDOR_DOWN" and calls in {1, 2, 3}
    return "<=3" if is_scarce and is_retried else str(calls)


def _format_seconds(seconds: float, limit: float) -> str:
    if seconds >= limit:
        return "flight" if seconds <= limit + ALLOWANCE_SECONDS else f"{seconds:.0f}"
    return f"<{_QUICK_SECONDS}" if seconds < _QUICK_SECONDS else f"<{limit:.0f}"


def _shown(cell: Cell, kind: ResourceKind, nodes: Mapping[str, Node]) -> str:
    ids = {cell.player.vendor_id(kind, number) for number in range(1, PER_KIND + 1)}
    states = sorted({" ".join(freshness(node)).strip() for key, node in nodes.items() if key in ids})
    is_paced = any(limit.calls / 2 < PER_KIND for limit in registry.find(cell.vendor).documented_limits)
    if is_paced and cell.fault.name == _EMPTY_LIST and states in (["FRESH"], ["FRESH", _ABSENT]):
        # The rate limit does not allow a probe of every missing machine within the readers' wait.
        return f"FRESH or {_ABSENT}"
    return " + ".join(states) or "-"


def _merge_rate_limits(row: Row) -> Row:
    """Return the row with alternatives where its values depend on timing.

    Of the calls that an account makes at one moment, the vendor may refuse one or all. A call that is not sent any more
    ends with BUDGET_SPENT and costs nothing.
    """
    cells = {name: getattr(row, name) for name in ("reason", "shown", "gap")}
    for name, text in cells.items():
        if {part.removeprefix("STALE ") for part in text.split(" / ")} <= {"RATE_LIMITED", "BUDGET_SPENT"}:
            cells[name] = text.split(" / ")[0].replace("BUDGET_SPENT", "RATE_LIMITED") + " or BUDGET_SPENT"
    return replace(row, **cells, calls="<=1" if {*row.calls.split(" / ")} <= {"0", "1"} else row.calls)


def _join(values: Sequence[object]) -> str:
    texts = ["-" if value is None else str(value) for value in values]
    return texts[0] if len(set(texts)) == 1 else " / ".join(texts)
