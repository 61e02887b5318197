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


def diff_links(
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


def link_history(
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
