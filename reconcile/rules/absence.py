"""The meaning of an absence.

"Not in the list" is not "gone": a resource becomes missing first, and is deleted only on evidence that cannot be bad luck.
These are pure functions over resource records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

from domain.enums import ObservationSource
from domain.records.model import Changes, FlightTicket, ResourceRecord, ScopeRecord
from domain.records.traces import ObservationTrace
from domain.rules import AbsenceRules

Elapsed: TypeAlias = Callable[[datetime, datetime], float]
"""Measures the seconds from one instant to another."""


def clock_seconds(since: datetime, until: datetime) -> float:
    """Return the seconds between two instants, assuming that the clock was never set in between."""
    return (until - since).total_seconds()


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


@dataclass(frozen=True, slots=True)
class EvidenceWindows:
    """How far apart pieces of evidence must be, and how the time between them is measured."""

    rules: AbsenceRules
    elapsed: Elapsed = clock_seconds

    def past_grace(self, record: ResourceRecord, at: datetime) -> bool:
        """Whether the resource's grace period was over at this instant.

        The period starts at creation or at first sight, whichever is later: the vendor's clock and ours may differ, and nothing
        is seen before it exists. A resource that has been missing for that long was first seen even earlier, so it is past
        its grace period also if the clock was set since.
        """
        seconds = self.elapsed(max(record.created_at, record.first_seen_at), at)
        missing = 0.0 if record.missing_since is None else self.elapsed(record.missing_since, at)
        return max(seconds, missing) >= self.rules.grace_seconds


def set_missing(
    record: ResourceRecord,
    sighting: LastSighting,
    trace: ObservationTrace | None,
    ticket: FlightTicket,
    windows: EvidenceWindows,
    *,
    countable: bool,
    reset: bool,
) -> ResourceRecord:
    """Return the resource after a complete listing without it.

    It becomes missing at once. Within the grace period, or with a credential that is not proven yet (`countable` is false),
    the listing does not count towards a verdict. `reset` discards the listings counted so far, which another credential
    made. `sighting` is the resource's last sighting and `trace` explains it.
    """
    since = record.missing_since
    # `missing_since` in the future means that the clock was set back: the wait starts again.
    restarts = since is None or ticket.sent_at < max(since, record.first_absence_at or since)
    after = replace(
        with_last_sighting(record, sighting, trace),
        missing_since=ticket.sent_at if restarts else since,
        absent_no=max(ticket.number, record.absent_no or 0),
    )
    if restarts or reset:
        after = replace(after, absence_count=0, first_absence_no=None, first_absence_at=None)
    if not countable or not windows.past_grace(after, ticket.sent_at):
        return after
    if after.first_absence_no is None:
        return replace(after, absence_count=1, first_absence_no=ticket.number, first_absence_at=ticket.sent_at)
    return replace(after, absence_count=after.absence_count + 1)


def clear_missing(record: ResourceRecord) -> ResourceRecord:
    """Return the resource as no longer missing, without the absences counted towards a verdict."""
    return replace(
        record, missing_since=None, absent_no=None, absence_count=0, first_absence_no=None, first_absence_at=None
    )


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
    record: ResourceRecord, ticket: FlightTicket, windows: EvidenceWindows, *, in_suspect_scope: bool
) -> bool:
    """Whether complete listings alone are enough evidence for a deletion. Applies only where there is no probe.

    Two listings by the same credential, `witness_seconds` apart; in a suspect scope three, over `suspect_seconds`.
    """
    if record.first_absence_at is None:
        return False
    rules = windows.rules
    needed, seconds = (3, rules.suspect_seconds) if in_suspect_scope else (2, rules.witness_seconds)
    return record.absence_count >= needed and windows.elapsed(record.first_absence_at, ticket.sent_at) >= seconds


@dataclass(frozen=True, slots=True)
class ProbeEvidence:
    """The circumstances of a probe that the vendor answered with its own words for "no such thing"."""

    ticket: FlightTicket
    in_suspect_scope: bool
    credential_proven: bool


def probe_confirms_deletion(record: ResourceRecord, evidence: ProbeEvidence, windows: EvidenceWindows) -> bool:
    """Whether such a probe, after a countable listing without the resource, proves that it was deleted.

    In a suspect scope only a probe sent at least `witness_seconds` after the resource became missing counts.
    """
    ticket = evidence.ticket
    if record.missing_since is None or record.first_absence_no is None or not evidence.credential_proven:
        return False
    if ticket.number <= max(record.first_absence_no, record.seen_no) or not windows.past_grace(record, ticket.sent_at):
        return False
    wait_seconds = windows.rules.witness_seconds if evidence.in_suspect_scope else 0
    return windows.elapsed(record.missing_since, ticket.sent_at) >= wait_seconds
