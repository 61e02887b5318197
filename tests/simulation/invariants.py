"""What must hold whenever a flight was applied, judged against what the vendors answered.

(b) no older observation overwrites a newer one, no older absence either; (c) nothing living is deleted; (g) the history
replayed is the present record, each change once and in order. What a reader is told, (a) and (f), is judged in `readers`;
(e) in `traffic`; (d) at the end of a run, in `schedule`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.enums import INVERSE_LINK, ResourceStatus, ScopeState
from domain.records.history import LINKS, MISSING, SNAPSHOT, link_value, live_state, replay
from domain.records.model import Changes, HistoryEntry, LinkRecord, ResourceRecord, ScopeKey, VendorKey
from domain.records.observation import NO_PRICE, NOT_REPORTED, Json, Observation, SweepOutcome
from domain.timestamps import optional_text
from tests.simulation.ledger import Flight, Violation
from tests.simulation.memory import AccountTable, MemoryTables
from tests.simulation.vendor import Vendor

_FIELDS = ("status", "vendor_status", "status_message", "name", "access", "spec", "price")
_SAME = timedelta(seconds=1)


@dataclass
class Known:
    """What the applied flights told of one vendor id: of its present bearer, the newest word on each field."""

    scope: ScopeKey
    created: datetime | None = None
    told: dict[str, tuple[int, Any]] = field(default_factory=dict)
    seen_no: int = 0
    seen_at: datetime | None = None
    seen: float = 0.0
    absent_no: int = 0
    dead_no: int | None = None
    died_no: int = 0
    """The newest flight that ever found it deleted, though it may be back."""
    died_turn: int = 0
    """In which turn that was applied; so also of the newest word on its links."""
    linked_turn: int = 0
    ended_by_vendor: bool = False

    @property
    def marked(self) -> bool:
        """Whether the newest word is a complete listing without it."""
        return self.absent_no > self.seen_no

    def hears(self, told: Observation, number: int, turn: int) -> bool:
        """Whether this is news of it, or of another that bears the id now; if not, it is a late answer."""
        if not _same_instant(self.created, told.created_at):
            if _before(told.created_at, self.created) or number <= self.seen_no:
                return False
            self.reborn(told.created_at, number, turn)
        if self.dead_no is not None:
            # No vendor here uses an id again without telling another creation time.
            if number <= self.dead_no or self.ended_by_vendor or told.status is ResourceStatus.DELETED:
                return False
            self.dead_no = None
        return number > self.seen_no

    def reborn(self, created: datetime | None, number: int, turn: int) -> None:
        """This flight found another bearer of the id; the one before is no more."""
        self.died_no, self.died_turn = number, turn
        self.created, self.told, self.dead_no, self.ended_by_vendor = created, {}, None, False
        self.seen_no = self.absent_no = 0


class Reference:
    """The rules of order told once more, as plainly as can be: of each id, the word with the highest number counts."""

    def __init__(self) -> None:
        self.known: dict[VendorKey, Known] = {}
        self._swept: dict[ScopeKey, int] = {}
        self._died: dict[VendorKey, tuple[int, int]] = {}
        self._turn = 0

    def take(self, flight: Flight) -> set[VendorKey]:
        """Take in what a flight was told; the ids that it concerns."""
        self._turn += 1
        if flight.scope is None:
            return set()
        if flight.what == "probe":
            told = flight.probe.observation if flight.probe is not None else None
            if told is not None:
                self._see(told, flight)
            return set() if flight.key is None else {flight.key}
        if flight.number <= self._swept.get(flight.scope, 0) or flight.sweep is None:
            return set()
        concerned = set()
        for told in flight.sweep.observations:
            concerned.add(VendorKey(told.kind, told.vendor_id))
            self._see(told, flight)
        if flight.sweep.outcome is SweepOutcome.COMPLETE:
            self._swept[flight.scope] = flight.number
            for key, known in self.known.items():
                if known.scope == flight.scope and known.dead_no is None and key not in concerned:
                    concerned.add(key)
                    known.absent_no = max(known.absent_no, flight.number)
        return concerned

    def ended(self, record: ResourceRecord, flight: Flight) -> None:
        """The record says that it is deleted, by this flight."""
        known = self.known.get(record.key)
        if known is None or not _same_instant(known.created, record.vendor_created_at):
            return
        known.dead_no = known.died_no = max(flight.number, known.seen_no, known.absent_no)
        known.died_turn = self._turn
        known.ended_by_vendor = known.ended_by_vendor or record.deleted_by == "VENDOR"
        known.told["access"], known.told["price"] = (flight.number, None), (flight.number, NO_PRICE)

    def _see(self, told: Observation, flight: Flight) -> None:
        key = VendorKey(told.kind, told.vendor_id)
        if flight.scope is None:
            return
        known = self.known.get(key)
        if known is None:
            died_no, turn = self._died.get(key, (0, 0))
            known = self.known[key] = Known(flight.scope, told.created_at, died_no=died_no, died_turn=turn)
        lived = known.dead_no is None and known.seen_no > 0 and _same_instant(known.created, told.created_at)
        if not known.hears(told, flight.number, self._turn):
            return
        if not lived or known.scope != flight.scope:
            # A newer listing of the scope did not see it, or this flight would be no news.
            swept = self._swept.get(flight.scope, 0)
            known.absent_no = swept if swept > flight.number else 0
        known.seen_no, known.seen_at, known.seen, known.scope = flight.number, flight.sent_at, flight.sent, flight.scope
        known.created = known.created or told.created_at
        for name in (*_FIELDS, "links"):
            value = getattr(told, name)
            if value is not NOT_REPORTED:
                known.told[name] = (flight.number, value)
        known.linked_turn = known.linked_turn if told.links is NOT_REPORTED else self._turn

    def check(self, key: VendorKey, table: AccountTable) -> None:
        """That the record of an id is what the newest words make it."""
        known, record = self.known.get(key), table.living.get(key)
        if known is None:
            return
        if record is None:
            if known.dead_no is None:
                raise Violation("b", f"{key} was seen by {known.seen_no} and is not recorded as living")
            return
        if known.dead_no is not None:
            raise Violation("b", f"{key} was deleted by {known.dead_no} and lives again by {record.seen_no}")
        if known.marked != (record.missing_since is not None):
            raise Violation(
                "b", f"{key}: seen by {known.seen_no}, absent from {known.absent_no}, marked {record.missing_since}"
            )
        for name in _FIELDS:
            number, value = known.told.get(name, (0, NOT_REPORTED))
            if value is not NOT_REPORTED and value != getattr(record.live, name):
                raise Violation("b", f"{key}: {name} is {getattr(record.live, name)}, {number} told {value}")
        self._check_links(key, known, table)

    def _check_links(self, key: VendorKey, known: Known, table: AccountTable) -> None:
        told = known.told.get("links")
        if told is None:
            return
        wanted = {(link.link_type, VendorKey(link.kind, link.vendor_id)) for link in told[1]}
        shown = {(link.link_type, link.to_key) for link in table.open_links.values() if link.from_key == key}
        # Either end that died closed its links, in its turn; dead and back, it is linked when the owner tells of links next.
        lost = {end for end in wanted - shown if self._linked_since_its_death(known, told[0], end[1])}
        if shown - wanted or lost:
            raise Violation("b", f"{key}: linked to {shown}, {told[0]} told {wanted}")

    def _linked_since_its_death(self, owner: Known, number: int, end: VendorKey) -> bool:
        other = self.known.get(end)
        deaths = [
            (owner.died_no, owner.died_turn),
            self._died.get(end, (0, 0)) if other is None else (other.died_no, other.died_turn),
        ]
        return all(died_no < number and turn < owner.linked_turn for died_no, turn in deaths)

    def forget(self, table: AccountTable) -> None:
        """What the record keeps nothing of any more."""
        kept = {record.key for record in table.tombstones.values()} | set(table.living)
        self._died |= {key: (known.died_no, known.died_turn) for key, known in self.known.items()}
        self.known = {key: known for key, known in self.known.items() if key in kept}


def _same_instant(one: datetime | None, other: datetime | None) -> bool:
    return one is None or other is None or abs(one - other) <= _SAME


def _before(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one < other


def check_deletion(record: ResourceRecord, vendor: Vendor, flight: Flight, *, foreign: bool) -> None:
    """(c): what is recorded as deleted does not live at the vendor.

    `foreign` says that the scope is recorded as another tenant's: then that one's things are the account's, and ours are no
    concern of its own key.
    """
    living = [] if foreign and flight.foreign else [*vendor.home.every_living()]
    for thing in [*living, *(vendor.foreign.every_living() if foreign else ())]:
        told = thing.latest.created_at
        if thing.key == record.key and _same_instant(told, record.vendor_created_at):
            raise Violation("c", f"{record.key} lives since {thing.born:.1f} and was deleted by flight {flight.number}")


class Adopted:
    """Whose each scope is recorded as: the first key's that showed something in it, until another proves itself by the rule.

    That is when a complete listing by it shows at least half of what the last good sweep showed, or at the operator's word.
    """

    def __init__(self) -> None:
        self._foreign: dict[int, bool] = {}
        self._stamps: dict[int, str] = {}
        self._held: dict[int, set[VendorKey]] = {}

    def foreign(self, scope_id: int) -> bool:
        """Whether it is recorded as another tenant's."""
        return self._foreign.get(scope_id, False)

    def take(self, flight: Flight, changes: Changes) -> None:
        """Take in what a flight made of its scope."""
        scope = changes.scope
        if scope is None or scope.fingerprint is None:
            return
        whole = flight.sweep is not None and flight.sweep.outcome is SweepOutcome.COMPLETE
        told = {
            VendorKey(one.kind, one.vendor_id)
            for one in (flight.sweep.observations if whole and flight.sweep is not None else ())
            if one.status is not ResourceStatus.DELETED
        }
        held = self._held.get(scope.scope_id, set())
        if scope.scope_id not in self._foreign:
            self._foreign[scope.scope_id] = flight.foreign
        elif flight.what == "nothing":
            # The operator's word, given for our own key.
            self._foreign[scope.scope_id] = False
        elif self._stamps[scope.scope_id] != scope.fingerprint and whole and 2 * len(told & held) >= len(held):
            self._foreign[scope.scope_id] = flight.foreign
        self._stamps[scope.scope_id] = scope.fingerprint
        if whole and scope.state is ScopeState.OK:
            self._held[scope.scope_id] = told


class Replays:
    """The state of each resource as its history tells it, kept up entry by entry."""

    def __init__(self) -> None:
        self._states: dict[UUID, dict[str, Json]] = {}
        self._numbers: dict[tuple[UUID, str, str], int] = {}

    def take(self, entries: Iterable[HistoryEntry]) -> None:
        """Go on by these entries, each of which must follow from the state before it."""
        for entry in entries:
            state = self._states.get(entry.resource_id)
            if (state is None) != (entry.field == SNAPSHOT):
                raise Violation("g", f"{entry.resource_id}: {entry.field} before or after its first sight")
            if state is not None:
                _check_step(entry, state)
            self._check_order(entry)
            before = [] if state is None else [(SNAPSHOT, None, state)]
            told = replay([*before, (entry.field, entry.before, entry.after)])
            self._states[entry.resource_id] = told

    def _check_order(self, entry: HistoryEntry) -> None:
        which = repr(entry.before or entry.after) if entry.field == LINKS else ""
        where = (entry.resource_id, entry.field, which)
        newest = self._numbers.get(where, 0)
        # What ends closes its links and its mark, also those that a newer flight told.
        ended = self._states.get(entry.resource_id, {}).get("status") == ResourceStatus.DELETED.value
        closes = entry.after is None and (entry.field == LINKS or (entry.field == MISSING and ended))
        if entry.flight_no < newest and not closes:
            raise Violation("g", f"{entry.resource_id}: {entry.field} by {entry.flight_no} after {newest}")
        self._numbers[where] = max(entry.flight_no, newest)

    def check(self, resource_id: UUID, present: Mapping[str, Json]) -> None:
        """That the history tells the present."""
        if present != self._states.get(resource_id):
            raise Violation("g", f"{resource_id}: replayed {self._states.get(resource_id)}, recorded {present}")

    def check_whole(self, tables: MemoryTables) -> None:
        """That the history from its beginning tells what was told entry by entry."""
        for resource_id, entries in tables.history.items():
            self.check(resource_id, replay((one.field, one.before, one.after) for _, one in entries))

    def forget(self, tables: MemoryTables) -> None:
        """What the record keeps nothing of any more."""
        self._states = {key: state for key, state in self._states.items() if key in tables.by_id}
        self._numbers = {where: number for where, number in self._numbers.items() if where[0] in tables.by_id}


def _check_step(entry: HistoryEntry, state: Mapping[str, Json]) -> None:
    if entry.field != LINKS:
        if entry.before != state.get(entry.field) or entry.before == entry.after:
            raise Violation(
                "g", f"{entry.resource_id}: {entry.field} from {entry.before} where {state[entry.field]} was"
            )
        return
    links = state.get(LINKS)
    known = links if isinstance(links, list) else []
    if (entry.before is not None) != (entry.before in known) or entry.after in known:
        raise Violation("g", f"{entry.resource_id}: link {entry.before} to {entry.after} where {known} were")


def present_state(record: ResourceRecord, table: AccountTable) -> dict[str, Json]:
    """What the record shows of a resource now."""
    shown: list[Json] = []
    for link in table.open_links.values():
        if link.from_id == record.resource_id:
            shown.append(link_value(link.link_type, link.to_key, link))
        if link.to_id == record.resource_id:
            shown.append(link_value(INVERSE_LINK[link.link_type], link.from_key, link))
    return live_state(record.live) | {MISSING: optional_text(record.missing_since), LINKS: sorted(shown, key=repr)}


def touched(changes: Changes) -> set[UUID]:
    """The resources whose present these changes may have changed."""
    links: tuple[LinkRecord, ...] = (*changes.opened, *changes.closed)
    ends = {end for link in links for end in (link.from_id, link.to_id) if end is not None}
    return {record.resource_id for record in changes.resources} | {one.resource_id for one in changes.history} | ends


class Invariants:
    """All that is checked when a flight was applied to the record."""

    def __init__(self, tables: MemoryTables, vendors: Mapping[str, Vendor]) -> None:
        self._tables = tables
        self._vendors = vendors
        self.references = {name: Reference() for name in vendors}
        self.replays = Replays()
        self._adopted = Adopted()

    def applied(self, flight: Flight, changes: Changes) -> None:
        """Check what this flight wrote."""
        table, reference = self._tables.accounts[flight.account], self.references[flight.account]
        concerned = reference.take(flight)
        self._adopted.take(flight, changes)
        for record in changes.resources:
            if record.deleted:
                foreign = self._adopted.foreign(record.scope_id)
                check_deletion(record, self._vendors[flight.account], flight, foreign=foreign)
                reference.ended(record, flight)
        for key in concerned | {record.key for record in changes.resources}:
            reference.check(key, table)
        self.replays.take(changes.history)
        for resource_id in touched(changes):
            record = self._tables.by_id[resource_id]
            self.replays.check(resource_id, present_state(record, table))

    def pruned(self) -> None:
        """The record has let go of what is old."""
        for name, table in self._tables.accounts.items():
            self.references[name].forget(table)
        self.replays.forget(self._tables)
        self.replays.check_whole(self._tables)
