"""The changes of one flight while they are being decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.enums import INVERSE_LINK, ObservationSource, OfferRole
from domain.records.history import LINKS, changes_of, link_value
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
from reconcile.rules.merge import SAME_INSTANT
from reconcile.rules.traces import TraceWriter


class ChangeSet:
    """Collects what to write. A resource that equals the stored one is left out."""

    def __init__(self, state: LockedState, trace_writer: TraceWriter) -> None:
        self.state = state
        self.trace_writer = trace_writer
        self.ticket: FlightTicket = trace_writer.ticket
        self.source: ObservationSource = trace_writer.source
        self.has_observations = False
        """Whether the flight observed any resource."""
        self._living = dict(state.resources)
        self._tombstones = dict(state.tombstones)
        self._ends = dict(state.ends)
        self._links: list[LinkRecord] = list(state.links)
        self._changed: dict[UUID, ResourceRecord] = {}
        self._history: list[HistoryEntry] = []
        self._opened: list[LinkRecord] = []
        self._closed: list[LinkRecord] = []
        self._provenance: list[ProvenanceEntry] = []

    def trace(self, observation: Observation) -> ObservationTrace:
        """Return the trace that explains an observation of this flight."""
        return self.trace_writer.trace_observation(observation)

    def living(self, key: VendorKey) -> ResourceRecord | None:
        """Return the living resource of the key, with the changes so far."""
        return self._living.get(key)

    def tombstone(self, key: VendorKey) -> ResourceRecord | None:
        """Return the newest deleted resource of the key, with the changes so far."""
        return self._tombstones.get(key)

    def in_scope(self) -> tuple[ResourceRecord, ...]:
        """Return the living resources of the flight's scope, with the changes so far."""
        scope_id = self.state.scope.scope_id
        return tuple(record for record in self._living.values() if record.scope_id == scope_id)

    def record(self, before: ResourceRecord | None, after: ResourceRecord) -> None:
        """Record a changed resource and its history. A tombstone closes its links."""
        if before == after:
            return
        self._history.extend(changes_of(before, after, self.ticket, self.source))
        self._changed[after.resource_id] = after
        if after.deleted:
            self._living.pop(after.key, None)
            self._tombstones[after.key] = after
            self._ends.pop(after.key, None)
            self._close([link for link in self._links if after.key in (link.from_key, link.to_key)])
        else:
            self._living[after.key] = after
            self._ends[after.key] = after.resource_id
            if before is None or before.deleted:
                self._adopt_links(after)

    def record_terms(self, record: ResourceRecord, role: OfferRole) -> None:
        """Record that the resource is rented under its present terms."""
        if record.terms is not None:
            sent_at = self.ticket.sent_at
            self._provenance.append(ProvenanceEntry(record.resource_id, record.account, record.terms, role, sent_at))

    def record_attachments(self, owner: ResourceRecord, attachments: tuple[Attachment, ...]) -> None:
        """Open and close links so that the owner's open links match its observed attachments."""
        open_links = [link for link in self._links if link.from_key == owner.key]
        living = [one for one in attachments if not self._is_deleted(VendorKey(one.kind, one.vendor_id))]
        opened, closed = _diff_links(owner, living, open_links, self._ends, self.ticket.sent_at)
        self._close(list(closed))
        for link in opened:
            self._links.append(link)
            self._opened.append(link)
            self._history.extend(_link_history(link, self.ticket, self.source, opened=True))

    def _is_deleted(self, key: VendorKey) -> bool:
        """Whether something at least as new as this flight deleted the resource that the key names in this flight."""
        living = self._living.get(key)
        if living is not None:
            # If a vendor uses an id again, a flight sent before the new resource was seen speaks of the old one.
            # A resource that another credential showed again has a later `first_no`, but was first seen before.
            later = living.first_no > self.ticket.number and living.first_seen_at >= self.ticket.sent_at
            return living.generation > 0 and later
        tombstone = self._tombstones.get(key)
        return tombstone is not None and tombstone_number(tombstone) >= self.ticket.number

    def _adopt_links(self, record: ResourceRecord) -> None:
        """Set the resource's UUID in links that were opened before this end was recorded."""
        for link in [link for link in self._links if record.key in (link.from_key, link.to_key)]:
            from_id = record.resource_id if link.from_key == record.key else link.from_id
            to_id = record.resource_id if link.to_key == record.key else link.to_id
            whole = replace(link, from_id=from_id, to_id=to_id)
            self._links = [whole if _is_same_link(other, link) else other for other in self._links]
            self._opened = [whole if _is_same_link(other, link) else other for other in self._opened]
            entries = _link_history(whole, self.ticket, self.source, opened=True)
            self._history.extend(entry for entry in entries if entry.resource_id == record.resource_id)

    def _close(self, links: list[LinkRecord]) -> None:
        for link in links:
            ended = replace(link, linked_until=link.linked_until or self.ticket.sent_at)
            self._links = [other for other in self._links if not _is_same_link(other, link)]
            if any(_is_same_link(other, link) for other in self._opened):
                self._opened = [other for other in self._opened if not _is_same_link(other, link)]
            else:
                self._closed.append(ended)
            self._history.extend(_link_history(ended, self.ticket, self.source, opened=False))

    def build(self, scope: ScopeRecord | None) -> Changes:
        """Return everything to write. `scope` is the scope after the flight, None to leave it as it is."""
        return Changes(
            scope=scope,
            resources=tuple(self._changed.values()),
            history=tuple(self._history),
            opened=tuple(self._opened),
            closed=tuple(self._closed),
            provenance=tuple(self._provenance),
        )


def _is_same_link(one: LinkRecord, other: LinkRecord) -> bool:
    return (one.link_type, one.from_key, one.to_key) == (other.link_type, other.from_key, other.to_key)


def _identity(link: LinkRecord) -> tuple[object, VendorKey]:
    return link.link_type, link.to_key


def _diff_links(
    owner: ResourceRecord,
    attachments: Iterable[Attachment],
    open_links: Iterable[LinkRecord],
    ends: Mapping[VendorKey, UUID],
    at: datetime,
) -> tuple[tuple[LinkRecord, ...], tuple[LinkRecord, ...]]:
    """Return the links to open and the links to close, so that the owner's open links match its attachments.

    `linked_since` of an open link never moves. If the vendor reports a later time of attachment, that is another attachment:
    the old link ends when the new one begins.
    """
    reported: dict[tuple[object, VendorKey], LinkRecord] = {}
    dated: set[tuple[object, VendorKey]] = set()
    for attachment in attachments:
        other = VendorKey(attachment.kind, attachment.vendor_id)
        link = LinkRecord(
            account=owner.account,
            link_type=attachment.link_type,
            from_key=owner.key,
            to_key=other,
            linked_since=attachment.since or at,
            from_id=owner.resource_id,
            to_id=ends.get(other),
        )
        reported.setdefault(_identity(link), link)
        if attachment.since is not None:
            dated.add(_identity(link))
    current = {_identity(link): link for link in open_links}
    opened = tuple(link for identity, link in reported.items() if identity not in current)
    closed = tuple(replace(link, linked_until=at) for identity, link in current.items() if identity not in reported)
    reattached = [
        link
        for identity, link in reported.items()
        if identity in current
        and identity in dated
        and link.linked_since - current[identity].linked_since > SAME_INSTANT
    ]
    ended = tuple(replace(current[_identity(link)], linked_until=link.linked_since) for link in reattached)
    return (*opened, *reattached), (*closed, *ended)


def _link_history(
    link: LinkRecord, ticket: FlightTicket, source: ObservationSource, *, opened: bool
) -> tuple[HistoryEntry, ...]:
    """Return the history entries of a link that was opened or closed, one for each end that is recorded."""
    ends = (
        (link.from_id, link_value(link.link_type, link.to_key, link)),
        (link.to_id, link_value(INVERSE_LINK[link.link_type], link.from_key, link)),
    )
    return tuple(
        HistoryEntry(
            resource_id,
            link.account,
            LINKS,
            None if opened else value,
            value if opened else None,
            ticket.sent_at,
            source,
            ticket.number,
        )
        for resource_id, value in ends
        if resource_id is not None
    )
