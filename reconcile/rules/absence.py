"""The meaning of an absence.

"Not in the list" is not "gone": a resource becomes missing first, and is deleted only on evidence that cannot be bad luck.
These are pure functions over resource records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from domain.enums import ObservationSource, StaleReason
from domain.records.model import Changes, FlightTicket, ResourceRecord, ScopeRecord
from domain.records.timeline import AccountTimeline
from domain.records.traces import ObservationTrace
from domain.rules import AbsenceRules

_LISTINGS: Final = 2
_LISTINGS_IN_DOUBT: Final = 3
# A vendor's outage, in which probes fail and listings are incomplete, may last for hours.
_SPANS_UNANSWERED: Final = 24
_ANSWERS: Final = frozenset({StaleReason.ABSENT, StaleReason.MALFORMED_ANSWER})


class LastSighting(NamedTuple):
    """The number, instant and kind of the newest flight that saw a resource."""

    number: int
    at: datetime
    source: ObservationSource


def last_sighting(record: ResourceRecord, swept: Mapping[int, tuple[int, datetime | None]]) -> LastSighting:
    """Return the newest sighting of a resource, by flight number.

    That is its own last sighting or, unless it is missing or deleted, its scope's last complete sweep if that is later.
    `swept` maps a scope's id to the number and instant of its last complete sweep.
    """
    number, at = swept.get(record.scope_id, (0, None))
    if record.missing_since is None and not record.deleted and number > record.seen_no and at is not None:
        return LastSighting(number, at, ObservationSource.SWEEP)
    return LastSighting(record.seen_no, record.seen_at, record.seen_source)


def with_last_sighting(
    record: ResourceRecord, sighting: LastSighting, trace: ObservationTrace | None
) -> ResourceRecord:
    """Return the resource with this sighting written to its own row, so that it no longer inherits its scope's sweep."""
    return replace(record, seen_no=sighting.number, seen_at=sighting.at, seen_source=sighting.source, trace=trace)


def tombstone_number(record: ResourceRecord) -> int:
    """Return the flight number that a new sighting of a deleted resource must exceed to count."""
    return max(record.seen_no, record.absent_no or 0, record.probed_no)


def is_suspect(missing: int, held: int) -> bool:
    """Whether too many resources are missing at once for the listing to be trusted.

    True if everything that the scope held at its last good sweep is missing or, of three or more, over half of it.
    """
    return held > 0 and (missing >= held or (held >= 3 and 2 * missing > held))  # noqa: PLR2004 - the rule's own number


def past_grace(record: ResourceRecord, timeline: AccountTimeline, rules: AbsenceRules) -> bool:
    """Whether the resource's grace period was over at this point of the timeline.

    The period starts at first sight: nothing is seen before it exists, and the vendor's clock may differ from ours.
    """
    return timeline.since(record.first_seen_elapsed) >= rules.grace_seconds


def set_missing(
    record: ResourceRecord,
    sighting: LastSighting,
    trace: ObservationTrace | None,
    ticket: FlightTicket,
    rules: AbsenceRules,
    *,
    countable: bool,
    reset: bool,
) -> ResourceRecord:
    """Return the resource after a complete listing without it.

    It becomes missing at once. Within the grace period, or with a credential that is not proven yet (`countable` is false),
    the listing does not count towards a verdict. `reset` discards the listings counted so far, which another credential
    made. `sighting` is the resource's last sighting and `trace` explains it.
    """
    elapsed = ticket.timeline.elapsed
    after = replace(
        with_last_sighting(record, sighting, trace),
        # A time in the future means that the clock was set back.
        missing_since=min(record.missing_since or ticket.sent_at, ticket.sent_at),
        missing_elapsed=elapsed if record.missing_elapsed is None else record.missing_elapsed,
        absent_no=max(ticket.number, record.absent_no or 0),
    )
    if reset:
        after = without_absences(after)
    if not countable or not past_grace(after, ticket.timeline, rules):
        return after
    if after.first_absence_no is None:
        return replace(after, absence_count=1, first_absence_no=ticket.number, first_absence_elapsed=elapsed)
    return replace(after, absence_count=after.absence_count + 1)


def without_absences(record: ResourceRecord) -> ResourceRecord:
    """Return the resource without the listings counted towards a verdict."""
    return replace(record, absence_count=0, first_absence_no=None, first_absence_elapsed=None)


def clear_missing(record: ResourceRecord) -> ResourceRecord:
    """Return the resource as no longer missing, without the absences counted towards a verdict."""
    return replace(without_absences(record), missing_since=None, missing_elapsed=None, absent_no=None)


def set_missing_by_newer_listing(record: ResourceRecord, scope: ScopeRecord, number: int) -> ResourceRecord:
    """Return a resource that flight `number` was the first to show in a scope, missing if a newer listing lacks it.

    That listing does not count as evidence for a deletion; the next one may.
    """
    if record.deleted or scope.swept_no <= number or scope.swept_at is None:
        return record
    return replace(clear_missing(record), missing_since=scope.swept_at, absent_no=scope.swept_no)


def newly_missing(changes: Changes) -> frozenset[UUID]:
    """Return the resources that a complete sweep with these changes was the first to lack."""
    swept_at = None if changes.scope is None else changes.scope.swept_at
    if swept_at is None:
        return frozenset()
    return frozenset(record.resource_id for record in changes.resources if record.missing_since == swept_at)


def listings_agree(
    record: ResourceRecord, timeline: AccountTimeline, rules: AbsenceRules, *, probes: bool, in_suspect_scope: bool
) -> bool:
    """Whether complete listings by the same credential are enough evidence for a deletion.

    Without probes, or if the last probe since the first of these listings was answered without any resource: two listings,
    `witness_seconds` apart; in a suspect scope three, over `suspect_seconds`. Otherwise three listings over `suspect_seconds`
    if the last probe was answered, with whatever, and over 24 times as long if it was not; in a suspect scope no number of
    listings is enough.
    """
    if record.first_absence_no is None or record.first_absence_elapsed is None:
        return False
    answer = record.probe_problem if record.probed_no > record.first_absence_no else None
    needed, seconds = _LISTINGS_IN_DOUBT, rules.suspect_seconds
    if not probes or answer is StaleReason.ABSENT:
        if not in_suspect_scope:
            needed, seconds = _LISTINGS, rules.witness_seconds
    elif in_suspect_scope:
        return False
    elif answer not in _ANSWERS:
        seconds *= _SPANS_UNANSWERED
    return record.absence_count >= needed and timeline.since(record.first_absence_elapsed) >= seconds


@dataclass(frozen=True, slots=True)
class ProbeEvidence:
    """The circumstances of a probe that the vendor answered with its own words for "no such thing"."""

    ticket: FlightTicket
    in_suspect_scope: bool
    credential_proven: bool


def probe_confirms_deletion(record: ResourceRecord, evidence: ProbeEvidence, rules: AbsenceRules) -> bool:
    """Whether such a probe, after a countable listing without the resource, proves that it was deleted.

    In a suspect scope only a probe sent at least `witness_seconds` after the resource became missing counts.
    """
    ticket = evidence.ticket
    if record.missing_elapsed is None or record.first_absence_no is None or not evidence.credential_proven:
        return False
    if ticket.number <= max(record.first_absence_no, record.seen_no):
        return False
    wait_seconds = rules.witness_seconds if evidence.in_suspect_scope else 0
    return ticket.timeline.since(record.missing_elapsed) >= wait_seconds
