"""The history of a resource: what of it is live, how a change is told, and how the present is replayed from it.

A state is a plain JSON object keyed by the names of the graph. `linkedResources` in it is the list of open links.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Final

from domain.enums import LinkType, ObservationSource
from domain.records.model import FlightTicket, HistoryEntry, LinkRecord, LiveState, ResourceRecord, VendorKey
from domain.records.observation import Access, Json, Spec
from domain.timestamps import optional_text, to_text

SNAPSHOT: Final = "resource"
"""The field of an entry whose `after` is a whole state."""
LINKS: Final = "linkedResources"
MISSING: Final = "missingSince"


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _object(value: Access | Spec | None) -> Json:
    return None if value is None else {_camel(name): item for name, item in asdict(value).items()}


def live_state(live: LiveState) -> dict[str, Json]:
    """The live fields as a state, links and marks apart."""
    return {
        "name": live.name,
        "status": live.status.value,
        "vendorStatus": live.vendor_status,
        "statusMessage": live.status_message,
        "access": _object(live.access),
        "spec": _object(live.spec),
        "pricingTotalHourly": live.price.amount,
        "currency": live.price.currency,
        "pricingSource": live.price.source.value,
        "pricingAsOf": optional_text(live.price.as_of),
        "validFrom": optional_text(live.valid_from),
        "validTo": optional_text(live.valid_to),
    }


def changes_of(
    before: ResourceRecord | None, after: ResourceRecord, ticket: FlightTicket, source: ObservationSource
) -> tuple[HistoryEntry, ...]:
    """The entries that tell how `before` became `after`: a snapshot at first sight, else one a changed field."""

    def entry(field: str, was: Json, now: Json) -> HistoryEntry:
        return HistoryEntry(after.resource_id, after.account, field, was, now, ticket.sent_at, source, ticket.number)

    new = live_state(after.live) | {MISSING: optional_text(after.missing_since)}
    if before is None:
        return (entry(SNAPSHOT, None, new | {LINKS: []}),)
    old = live_state(before.live) | {MISSING: optional_text(before.missing_since)}
    return tuple(entry(field, old[field], value) for field, value in new.items() if old[field] != value)


def link_value(link_type: LinkType, other: VendorKey, link: LinkRecord) -> Json:
    """A link as the history tells it, seen from one end."""
    return {
        "linkType": link_type.value,
        "kind": other.kind.value,
        "vendorId": other.vendor_id,
        "linkedSince": to_text(link.linked_since),
    }


def _link_order(link: Json) -> str:
    return repr(link)


def replay(entries: Iterable[tuple[str, Json, Json]]) -> dict[str, Json]:
    """The state after these entries (field, before, after), oldest first."""
    state: dict[str, Json] = {}
    for field, before, after in entries:
        if field == SNAPSHOT and isinstance(after, Mapping):
            state = dict(after)
        elif field == LINKS:
            known = state.get(LINKS)
            links = [link for link in known if link != before] if isinstance(known, list) else []
            state[LINKS] = sorted([*links, *([after] if after is not None else [])], key=_link_order)
        else:
            state[field] = after
    return state
