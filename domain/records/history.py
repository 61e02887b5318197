"""The history of a resource: its live fields as JSON, the entries for a change, and the replay of entries to a state.

A state is a JSON object whose keys are GraphQL field names. Its `linkedResources` is the list of open links.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from domain.enums import LinkType, ObservationSource
from domain.records.fields import ACCESS_FIELDS, RESOURCE_FIELDS, SPEC_FIELDS, LiveField
from domain.records.model import FlightTicket, HistoryEntry, LinkRecord, LiveState, ResourceRecord, VendorKey
from domain.records.observation import Access, Json, Spec
from domain.timestamps import optional_text, to_text

SNAPSHOT: Final = "resource"
"""The `field` of an entry whose `after` is a complete state."""
LINKS: Final = "linkedResources"
MISSING: Final = "missingSince"


def live_state(live: LiveState) -> dict[str, Json]:
    """Return the live fields as a state, without links and `missingSince`."""
    access, spec = live.access, live.spec
    return {
        "status": live.status.value,
        **_values(live, RESOURCE_FIELDS),
        "access": None if access is None else _values(access, ACCESS_FIELDS),
        "spec": {**_values(spec, SPEC_FIELDS), "vendor": dict(spec.vendor)},
        "pricingTotalHourly": live.price.amount,
        "currency": live.price.currency,
        "pricingSource": live.price.source.value,
        "pricingAsOf": optional_text(live.price.as_of),
    }


def _values(holder: LiveState | Access | Spec, fields: Iterable[LiveField]) -> dict[str, Json]:
    return {field.graph_name: _json(getattr(holder, field.attribute)) for field in fields}


def _json(value: Json | datetime) -> Json:
    return to_text(value) if isinstance(value, datetime) else value


def changes_of(
    before: ResourceRecord | None, after: ResourceRecord, ticket: FlightTicket, source: ObservationSource
) -> tuple[HistoryEntry, ...]:
    """Return the history entries of a change: a snapshot if the resource is new, else one entry per changed field."""

    def entry(field: str, old_value: Json, new_value: Json) -> HistoryEntry:
        return HistoryEntry(
            after.resource_id, after.account, field, old_value, new_value, ticket.sent_at, source, ticket.number
        )

    new = live_state(after.live) | {MISSING: optional_text(after.missing_since)}
    if before is None:
        return (entry(SNAPSHOT, None, new | {LINKS: []}),)
    old = live_state(before.live) | {MISSING: optional_text(before.missing_since)}
    return tuple(entry(field, old[field], value) for field, value in new.items() if old[field] != value)


def link_value(link_type: LinkType, other: VendorKey, link: LinkRecord) -> Json:
    """Return a link as the history stores it for one end; `other` is the other end."""
    return {
        "linkType": link_type.value,
        "kind": other.kind.value,
        "vendorId": other.vendor_id,
        "linkedSince": to_text(link.linked_since),
    }


def _link_order(link: Json) -> str:
    return repr(link)


def replay(entries: Iterable[tuple[str, Json, Json]]) -> dict[str, Json]:
    """Return the state after the entries `(field, before, after)`, which are ordered from oldest to newest."""
    state: dict[str, Json] = {}
    for field, before, after in entries:
        if field == SNAPSHOT and isinstance(after, Mapping):
            state = dict(after)
        elif field == LINKS:
            current = state.get(LINKS)
            links = [link for link in current if link != before] if isinstance(current, list) else []
            state[LINKS] = sorted([*links, *([after] if after is not None else [])], key=_link_order)
        else:
            state[field] = after
    return state
