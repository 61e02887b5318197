"""The rules of order, implemented once more and as simply as possible: for each id, the highest flight number counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.enums import ResourceStatus
from domain.records.model import ResourceRecord, ScopeKey, VendorKey
from domain.records.observation import NO_PRICE, NOT_REPORTED, Observation, SweepOutcome
from tests.simulation.cloud.ledger import SimulatedFlight, Violation
from tests.simulation.storage.memory import AccountTable

_FIELDS = ("status", "vendor_status", "status_message", "name", "access", "spec", "price")
_SAME = timedelta(seconds=1)


def is_same_instant(one: datetime | None, other: datetime | None) -> bool:
    """Whether two creation times are the same, as far as both are reported."""
    return one is None or other is None or abs(one - other) <= _SAME


def _is_before(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one < other


@dataclass
class ReferenceRecord:
    """The reports of the applied flights on one vendor id: for its present bearer, the newest value of each field.

    A turn counts applied flights. `fields` maps a field to the number of the flight that reported it and the value.
    """

    scope: ScopeKey
    created: datetime | None = None
    fields: dict[str, tuple[int, Any]] = field(default_factory=dict)
    seen_no: int = 0
    seen_at: datetime | None = None
    seen: float = 0.0
    absent_no: int = 0
    dead_no: int | None = None
    died_no: int = 0
    """The newest flight that ever reported it as deleted, although it may be back."""
    died_turn: int = 0
    """The turn in which that was applied."""
    linked_turn: int = 0
    """The turn in which its links were last reported."""
    deleted_by_vendor: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether a complete listing without it is the newest report."""
        return self.absent_no > self.seen_no

    def accepts(self, observation: Observation, number: int, turn: int) -> bool:
        """Whether the observation is news of it, or of another bearer of the id; otherwise it is a late answer."""
        if not is_same_instant(self.created, observation.created_at):
            if _is_before(observation.created_at, self.created) or number <= self.seen_no:
                return False
            self._replace(observation.created_at, number, turn)
        if self.dead_no is not None:
            # No vendor here uses an id again without reporting another creation time.
            is_deleted = observation.status is ResourceStatus.DELETED
            if number <= self.dead_no or self.deleted_by_vendor or is_deleted:
                return False
            self.dead_no = None
        return number > self.seen_no

    def _replace(self, created: datetime | None, number: int, turn: int) -> None:
        """Start again with another bearer of the id, which this flight showed. The one before is deleted."""
        self.died_no, self.died_turn = number, turn
        self.created, self.fields, self.dead_no, self.deleted_by_vendor = created, {}, None, False
        self.seen_no = self.absent_no = 0


class ReferenceModel:
    """The reference records of one account."""

    def __init__(self) -> None:
        self.records: dict[VendorKey, ReferenceRecord] = {}
        self._swept: dict[ScopeKey, int] = {}
        self._died: dict[VendorKey, tuple[int, int]] = {}
        self._turn = 0

    def apply(self, flight: SimulatedFlight) -> set[VendorKey]:
        """Apply a flight. Return the ids that it concerns."""
        self._turn += 1
        if flight.scope is None:
            return set()
        if flight.kind == "probe":
            if flight.probe is not None and flight.probe.observation is not None:
                self._observe(flight.probe.observation, flight)
            return set() if flight.key is None else {flight.key}
        if flight.number <= self._swept.get(flight.scope, 0) or flight.sweep is None:
            return set()
        concerned = set()
        for observation in flight.sweep.observations:
            concerned.add(VendorKey(observation.kind, observation.vendor_id))
            self._observe(observation, flight)
        if flight.sweep.outcome is SweepOutcome.COMPLETE:
            self._swept[flight.scope] = flight.number
            for key, record in self.records.items():
                if record.scope == flight.scope and record.dead_no is None and key not in concerned:
                    concerned.add(key)
                    record.absent_no = max(record.absent_no, flight.number)
        return concerned

    def apply_deletion(self, record: ResourceRecord, flight: SimulatedFlight) -> None:
        """Apply that this flight recorded a resource as deleted."""
        reference = self.records.get(record.key)
        if reference is None or not is_same_instant(reference.created, record.vendor_created_at):
            return
        reference.dead_no = reference.died_no = max(flight.number, reference.seen_no, reference.absent_no)
        reference.died_turn = self._turn
        reference.deleted_by_vendor = reference.deleted_by_vendor or record.deleted_by == "VENDOR"
        reference.fields["access"], reference.fields["price"] = (flight.number, None), (flight.number, NO_PRICE)

    def _observe(self, observation: Observation, flight: SimulatedFlight) -> None:
        key = VendorKey(observation.kind, observation.vendor_id)
        if flight.scope is None:
            return
        reference = self.records.get(key)
        if reference is None:
            died_no, turn = self._died.get(key, (0, 0))
            reference = ReferenceRecord(flight.scope, observation.created_at, died_no=died_no, died_turn=turn)
            self.records[key] = reference
        is_same = is_same_instant(reference.created, observation.created_at)
        lived = reference.dead_no is None and reference.seen_no > 0 and is_same
        if not reference.accepts(observation, flight.number, self._turn):
            return
        if not lived or reference.scope != flight.scope:
            # A newer listing of the scope, if there is one, lacked it: otherwise this flight would be no news.
            swept = self._swept.get(flight.scope, 0)
            reference.absent_no = swept if swept > flight.number else 0
        reference.seen_no, reference.seen_at, reference.seen = flight.number, flight.sent_at, flight.sent
        reference.scope = flight.scope
        reference.created = reference.created or observation.created_at
        for name in (*_FIELDS, "links"):
            value = getattr(observation, name)
            if value is not NOT_REPORTED:
                reference.fields[name] = (flight.number, value)
        if observation.links is not NOT_REPORTED:
            reference.linked_turn = self._turn

    def check(self, key: VendorKey, table: AccountTable) -> None:
        """Check (b): the record of an id has the values of the newest flights."""
        reference, record = self.records.get(key), table.living.get(key)
        if reference is None:
            return
        if record is None:
            if reference.dead_no is None:
                raise Violation("b", f"{key} was seen by flight {reference.seen_no} and is not recorded as living")
            return
        if reference.dead_no is not None:
            raise Violation("b", f"{key} was deleted by flight {reference.dead_no}, but lives by {record.seen_no}")
        if reference.is_missing != (record.missing_since is not None):
            raise Violation(
                "b",
                f"{key}: seen by flight {reference.seen_no}, absent from {reference.absent_no}, "
                f"missing since {record.missing_since}",
            )
        for name in _FIELDS:
            number, value = reference.fields.get(name, (0, NOT_REPORTED))
            if value is not NOT_REPORTED and value != getattr(record.live, name):
                recorded = getattr(record.live, name)
                raise Violation("b", f"{key}: {name} is {recorded}, but flight {number} reported {value}")
        self._check_links(key, reference, table)

    def _check_links(self, key: VendorKey, reference: ReferenceRecord, table: AccountTable) -> None:
        links = reference.fields.get("links")
        if links is None:
            return
        reported = {(link.link_type, VendorKey(link.kind, link.vendor_id)) for link in links[1]}
        recorded = {(link.link_type, link.to_key) for link in table.open_links.values() if link.from_key == key}
        # The deletion of either end closes its links. An end that is back is linked again by the owner's next report.
        lost = {link for link in reported - recorded if self._is_linked_since_death(reference, links[0], link[1])}
        if recorded - reported or lost:
            raise Violation("b", f"{key}: linked to {recorded}, but flight {links[0]} reported {reported}")

    def _is_linked_since_death(self, owner: ReferenceRecord, number: int, end: VendorKey) -> bool:
        other = self.records.get(end)
        deaths = [
            (owner.died_no, owner.died_turn),
            self._died.get(end, (0, 0)) if other is None else (other.died_no, other.died_turn),
        ]
        return all(died_no < number and turn < owner.linked_turn for died_no, turn in deaths)

    def prune(self, table: AccountTable) -> None:
        """Drop the ids of which the tables store nothing any more."""
        stored = {record.key for record in table.tombstones.values()} | set(table.living)
        self._died |= {key: (record.died_no, record.died_turn) for key, record in self.records.items()}
        self.records = {key: record for key, record in self.records.items() if key in stored}
