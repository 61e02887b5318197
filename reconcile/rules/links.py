"""Which links an owner's observation opens and closes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.enums import INVERSE_LINK, ObservationSource
from domain.records.history import LINKS, link_value
from domain.records.model import FlightTicket, HistoryEntry, LinkRecord, ResourceRecord, VendorKey
from domain.records.observation import Attachment
from reconcile.rules.merge import SAME_INSTANT


def _identity(link: LinkRecord) -> tuple[object, VendorKey]:
    return link.link_type, link.to_key


def compared(
    owner: ResourceRecord,
    told: Iterable[Attachment],
    open_links: Iterable[LinkRecord],
    ends: Mapping[VendorKey, UUID],
    at: datetime,
) -> tuple[tuple[LinkRecord, ...], tuple[LinkRecord, ...]]:
    """The links to open and to close, so that the owner's open links are those told. `linked_since` never moves.

    A later time of attachment, told by the vendor, is another attachment: one link ends when the other begins.
    """
    wanted: dict[tuple[object, VendorKey], LinkRecord] = {}
    dated: set[tuple[object, VendorKey]] = set()
    for attachment in told:
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
        wanted.setdefault(_identity(link), link)
        if attachment.since is not None:
            dated.add(_identity(link))
    known = {_identity(link): link for link in open_links}
    opened = tuple(link for identity, link in wanted.items() if identity not in known)
    closed = tuple(replace(link, linked_until=at) for identity, link in known.items() if identity not in wanted)
    anew = [
        link
        for identity, link in wanted.items()
        if identity in known and identity in dated and link.linked_since - known[identity].linked_since > SAME_INSTANT
    ]
    ended = tuple(replace(known[_identity(link)], linked_until=link.linked_since) for link in anew)
    return (*opened, *anew), (*closed, *ended)


def link_history(
    link: LinkRecord, ticket: FlightTicket, source: ObservationSource, *, opened: bool
) -> tuple[HistoryEntry, ...]:
    """How the ends that are recorded tell of the link."""
    seen = (
        (link.from_id, link_value(link.link_type, link.to_key, link)),
        (link.to_id, link_value(INVERSE_LINK[link.link_type], link.from_key, link)),
    )
    return tuple(
        HistoryEntry(
            end,
            link.account,
            LINKS,
            None if opened else value,
            value if opened else None,
            ticket.sent_at,
            source,
            ticket.number,
        )
        for end, value in seen
        if end is not None
    )
