"""What an absence means. "Not in the list" is not "gone": marks first, and a verdict only on evidence that cannot be bad luck.

Pure functions over records; the rules are told where they are applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, TypeAlias

from domain.enums import ObservationSource
from domain.records.model import FlightTicket, ResourceRecord, ScopeRecord
from domain.records.traces import ObservationTrace
from domain.rules import AbsenceRules
from reconcile.background.elapsed_clock import by_the_clock

Elapsed: TypeAlias = Callable[[datetime, datetime], float]
"""The seconds from one instant to another."""


class LastWord(NamedTuple):
    """The number, instant and kind of the newest flight that saw a resource."""

    number: int
    at: datetime
    source: ObservationSource


def last_word(record: ResourceRecord, swept: Mapping[int, tuple[int, datetime | None]]) -> LastWord:
    """The later, by number, of its own sighting and, unless it is marked missing or deleted, its scope's complete sweep."""
    number, at = swept.get(record.scope_id, (0, None))
    if record.missing_since is None and not record.deleted and number > record.seen_no and at is not None:
        return LastWord(number, at, ObservationSource.SWEEP)
    return LastWord(record.seen_no, record.seen_at, record.seen_source)


def with_last_sighting(record: ResourceRecord, word: LastWord, told: ObservationTrace | None) -> ResourceRecord:
    """The record with its effective number and time in its own row; it inherits its scope's no longer."""
    return replace(record, seen_no=word.number, seen_at=word.at, seen_source=word.source, trace=told)


def tombstone_number(record: ResourceRecord) -> int:
    """The number that a sighting must exceed to speak of a deleted resource again."""
    return max(record.seen_no, record.absent_no or 0, record.probed_no)


def suspect(marks: int, held: int) -> bool:
    """Whether so much is missing that the listing itself is in doubt.

    Marks cover everything the scope held at its last good sweep or, of three or more, over half of it.
    """
    return held > 0 and (marks >= held or (held >= 3 and 2 * marks > held))  # noqa: PLR2004 - the rule's own number


@dataclass(frozen=True, slots=True)
class EvidenceWindows:
    """How long evidence must be apart, and by which measure of time."""

    rules: AbsenceRules
    elapsed: Elapsed = by_the_clock

    def past_grace(self, record: ResourceRecord, at: datetime) -> bool:
        """Whether the grace period, from creation or first sight, was over at the instant.

        From the later of the two: the vendor's clock and ours may differ, and nothing is seen before it is made. What has been
        missing for so long was first seen before that, wherever clocks were set since.
        """
        seconds = self.elapsed(max(record.created_at, record.first_seen_at), at)
        missing = 0.0 if record.missing_since is None else self.elapsed(record.missing_since, at)
        return max(seconds, missing) >= self.rules.grace_seconds


def marked(
    record: ResourceRecord,
    word: LastWord,
    told: ObservationTrace | None,
    ticket: FlightTicket,
    waits: EvidenceWindows,
    *,
    countable: bool,
    reset: bool,
) -> ResourceRecord:
    """The record after a complete listing without it.

    The mark is never delayed; grace and a credential that has yet to prove itself keep the listing from counting towards
    a verdict. `reset` forgets the listings counted so far: they were by another credential. `told` explains the last word.
    """
    since = record.missing_since
    # A mark from the future, before the clock was set back, tells no age: the wait begins anew.
    anew = since is None or ticket.sent_at < max(since, record.first_absence_at or since)
    after = replace(
        with_last_sighting(record, word, told),
        missing_since=ticket.sent_at if anew else since,
        absent_no=max(ticket.number, record.absent_no or 0),
    )
    if anew or reset:
        after = replace(after, absence_count=0, first_absence_no=None, first_absence_at=None)
    if not countable or not waits.past_grace(after, ticket.sent_at):
        return after
    if after.first_absence_no is None:
        return replace(after, absence_count=1, first_absence_no=ticket.number, first_absence_at=ticket.sent_at)
    return replace(after, absence_count=after.absence_count + 1)


def unmarked(record: ResourceRecord) -> ResourceRecord:
    """The record without its mark and what was counted towards a verdict."""
    return replace(
        record, missing_since=None, absent_no=None, absence_count=0, first_absence_no=None, first_absence_at=None
    )


def marked_by_newer(record: ResourceRecord, scope: ScopeRecord, number: int) -> ResourceRecord:
    """What this flight was the first to show in a scope, whose newer listing lacks it: that listing has the last word.

    It is no witness; the next one may be.
    """
    if record.deleted or scope.swept_no <= number or scope.swept_at is None:
        return record
    return replace(unmarked(record), missing_since=scope.swept_at, absent_no=scope.swept_no)


def listings_agree(
    record: ResourceRecord, ticket: FlightTicket, waits: EvidenceWindows, *, in_suspect_scope: bool
) -> bool:
    """Whether complete listings alone are evidence enough; asked only where there is no probe.

    Two by the same credential, `witness_seconds` apart; in a suspect scope three over `suspect_seconds`.
    """
    if record.first_absence_at is None:
        return False
    rules = waits.rules
    needed, seconds = (3, rules.suspect_seconds) if in_suspect_scope else (2, rules.witness_seconds)
    return record.absence_count >= needed and waits.elapsed(record.first_absence_at, ticket.sent_at) >= seconds


@dataclass(frozen=True, slots=True)
class ProbeEvidence:
    """What a probe that was answered "no such thing", in the vendor's own words, is judged by."""

    ticket: FlightTicket
    in_suspect_scope: bool
    credential_proven: bool


def probe_settles(record: ResourceRecord, evidence: ProbeEvidence, waits: EvidenceWindows) -> bool:
    """Whether those words, after a countable listing without it, mean deleted.

    In a suspect scope they count only when asked `witness_seconds` after the mark.
    """
    ticket = evidence.ticket
    if record.missing_since is None or record.first_absence_no is None or not evidence.credential_proven:
        return False
    if ticket.number <= max(record.first_absence_no, record.seen_no) or not waits.past_grace(record, ticket.sent_at):
        return False
    patience = waits.rules.witness_seconds if evidence.in_suspect_scope else 0
    return waits.elapsed(record.missing_since, ticket.sent_at) >= patience
