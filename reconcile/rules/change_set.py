"""The changes of one flight while they are being decided."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from domain.enums import ObservationSource, OfferRole
from domain.records.history import changes_of
from domain.records.model import (
    Changes,
    FlightTicket,
    HistoryEntry,
    LinkRecord,
    LockedState,
    ProvenanceEntry,
    ResourceRecord,
    ScopeRecord,
    VendorKey,
)
from domain.records.observation import Attachment, Observation
from domain.records.traces import ObservationTrace
from reconcile.rules.absence import tombstone_number
from reconcile.rules.links import compared, link_history
from reconcile.rules.merge import provenance
from reconcile.rules.traces import TraceWriter


class ChangeSet:
    """Collects what to write; what does not differ from what is held is left out."""

    def __init__(self, held: LockedState, teller: TraceWriter) -> None:
        self.held = held
        self.teller = teller
        self.ticket: FlightTicket = teller.ticket
        self.source: ObservationSource = teller.source
        self.saw = False
        """Whether the flight told of any resource."""
        self._living = dict(held.resources)
        self._tombstones = dict(held.tombstones)
        self._ends = dict(held.ends)
        self._links: list[LinkRecord] = list(held.links)
        self._written: dict[UUID, ResourceRecord] = {}
        self._history: list[HistoryEntry] = []
        self._opened: list[LinkRecord] = []
        self._closed: list[LinkRecord] = []
        self._provenance: list[ProvenanceEntry] = []

    def told(self, observation: Observation) -> ObservationTrace:
        """What this flight is to the resource that it saw."""
        return self.teller.told(observation)

    def living(self, key: VendorKey) -> ResourceRecord | None:
        """The living resource of the key, as drafted so far."""
        return self._living.get(key)

    def tombstone(self, key: VendorKey) -> ResourceRecord | None:
        """The newest deleted resource of the key, as drafted so far."""
        return self._tombstones.get(key)

    def in_scope(self) -> tuple[ResourceRecord, ...]:
        """The living resources of the flight's scope, as drafted so far."""
        mine = self.held.scope.scope_id
        return tuple(record for record in self._living.values() if record.scope_id == mine)

    def put(self, before: ResourceRecord | None, after: ResourceRecord) -> None:
        """Write a resource. A tombstone closes its links."""
        if before == after:
            return
        self._history.extend(changes_of(before, after, self.ticket, self.source))
        self._written[after.resource_id] = after
        if after.deleted:
            self._living.pop(after.key, None)
            self._tombstones[after.key] = after
            self._ends.pop(after.key, None)
            self._close([link for link in self._links if after.key in (link.from_key, link.to_key)])
        else:
            self._living[after.key] = after
            self._ends[after.key] = after.resource_id
            if before is None or before.deleted:
                self._adopt(after)

    def under_terms(self, record: ResourceRecord, role: OfferRole) -> None:
        """Record that the resource is rented under its present terms."""
        if record.terms is not None:
            self._provenance.append(provenance(record, record.terms, role, self.ticket))

    def link(self, owner: ResourceRecord, told: tuple[Attachment, ...]) -> None:
        """Bring the owner's open links in line with what was told."""
        mine = [link for link in self._links if link.from_key == owner.key]
        living = [link for link in told if not self._dead(VendorKey(link.kind, link.vendor_id))]
        opened, closed = compared(owner, living, mine, self._ends, self.ticket.sent_at)
        self._close(list(closed))
        for link in opened:
            self._links.append(link)
            self._opened.append(link)
            self._history.extend(link_history(link, self.ticket, self.source, opened=True))

    def _dead(self, key: VendorKey) -> bool:
        """Whether something at least as new as this flight deleted what the key names."""
        living = self._living.get(key)
        if living is not None:
            # Where an id is used again, what was sent before its bearer was seen speaks of the one before.
            # What another credential showed again has a later number, yet was seen before.
            later = living.first_no > self.ticket.number and living.first_seen_at >= self.ticket.sent_at
            return living.generation > 0 and later
        tombstone = self._tombstones.get(key)
        return tombstone is not None and tombstone_number(tombstone) >= self.ticket.number

    def _adopt(self, record: ResourceRecord) -> None:
        """Links that were told before this end was recorded are its own from now on."""
        for link in [link for link in self._links if record.key in (link.from_key, link.to_key)]:
            from_id = record.resource_id if link.from_key == record.key else link.from_id
            to_id = record.resource_id if link.to_key == record.key else link.to_id
            whole = replace(link, from_id=from_id, to_id=to_id)
            self._links = [whole if _same(other, link) else other for other in self._links]
            self._opened = [whole if _same(other, link) else other for other in self._opened]
            entries = link_history(whole, self.ticket, self.source, opened=True)
            self._history.extend(entry for entry in entries if entry.resource_id == record.resource_id)

    def _close(self, links: list[LinkRecord]) -> None:
        for link in links:
            ended = replace(link, linked_until=link.linked_until or self.ticket.sent_at)
            self._links = [other for other in self._links if not _same(other, link)]
            if any(_same(other, link) for other in self._opened):
                self._opened = [other for other in self._opened if not _same(other, link)]
            else:
                self._closed.append(ended)
            self._history.extend(link_history(ended, self.ticket, self.source, opened=False))

    def finish(self, scope: ScopeRecord | None) -> Changes:
        """Everything to write."""
        return Changes(
            scope=scope,
            resources=tuple(self._written.values()),
            history=tuple(self._history),
            opened=tuple(self._opened),
            closed=tuple(self._closed),
            provenance=tuple(self._provenance),
        )


def _same(one: LinkRecord, other: LinkRecord) -> bool:
    return (one.link_type, one.from_key, one.to_key) == (other.link_type, other.from_key, other.to_key)
