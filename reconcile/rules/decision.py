"""What one flight changes in the record. Pure: what is held, what was told, and by which flight, in; changes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.enums import ObservationSource, OfferRole, ResourceKind, ResourceStatus, ScopeState, StaleReason
from domain.records.model import (
    Changes,
    FlightTicket,
    LockedState,
    ResourceRecord,
    ScopeRecord,
    VendorKey,
    without_problem,
)
from domain.records.observation import NOT_REPORTED, Observation, ProbeResult, Problem, SweepOutcome, SweepResult
from domain.records.traces import failures_since
from reconcile.rules.absence import (
    EvidenceWindows,
    ProbeEvidence,
    last_word,
    listings_agree,
    marked,
    marked_by_newer,
    probe_settles,
    tombstone_number,
    unmarked,
    with_last_sighting,
)
from reconcile.rules.change_set import ChangeSet
from reconcile.rules.merge import (
    created_earlier,
    created_later,
    first_sight,
    lost,
    merged,
    replaced,
    said_deleted,
    with_terms,
)
from reconcile.rules.plausibility import accept, credential_matches, mark_suspect, too_much_missing
from reconcile.rules.scheduling import held_back
from reconcile.rules.traces import TraceWriter, last_told

# A vendor's word on when it may be asked again is kept, but not for ever.
_LONGEST_HOLD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Credential:
    """What a flight was authenticated by: `of` gives a salted hash, `salt` is for a new one."""

    salt: str
    of: Callable[[str], str]

    def stamp(self) -> str:
        """What a scope keeps of it."""
        return f"{self.salt}${self.of(self.salt)}"

    def made(self, stamp: str | None) -> bool:
        """Whether the stamp is of this credential; a scope that has none yet takes any."""
        if stamp is None:
            return True
        salt, _, _ = stamp.partition("$")
        return stamp == f"{salt}${self.of(salt)}"


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What a decision is made by: the rules, the vendor's facts, and when the flight ended and may be repeated."""

    waits: EvidenceWindows
    credential: Credential
    links_owner: ResourceKind
    probes: bool
    ended_at: datetime
    hold_seconds: Callable[[int], float]
    """Of a number of failures in a row."""
    readers: int = 0
    """How many shared the flight."""


def decide_sweep(held: LockedState, ticket: FlightTicket, result: SweepResult, ground: DecisionContext) -> Changes:
    """What a sweep changes. Only a complete one says anything about what is absent."""
    if ticket.number <= held.scope.swept_no:
        return Changes()
    draft = ChangeSet(held, TraceWriter(ticket, ObservationSource.SWEEP, ground.readers, result.trace))
    complete = result.outcome is SweepOutcome.COMPLETE
    for told in result.observations:
        _sight(draft, told, ground, inherits=complete)
    if not complete:
        problem = result.problem or Problem(StaleReason.PARTIAL_SWEEP, "the listing ended early")
        return draft.finish(_troubled(draft, result.outcome, problem, ground))
    return draft.finish(_absences(draft, result, ground))


def decide_probe(
    held: LockedState, ticket: FlightTicket, key: VendorKey, result: ProbeResult, ground: DecisionContext
) -> Changes:
    """What a probe of one resource changes."""
    draft = ChangeSet(held, TraceWriter(ticket, ObservationSource.PROBE, ground.readers, result.trace))
    if result.observation is not None:
        _sight(draft, result.observation, ground, inherits=False)
    record = draft.living(key)
    scope = _stamped(held.scope, draft, ground)
    if record is None or record.scope_id != held.scope.scope_id or ticket.number <= record.probed_no:
        # What has moved on to another scope can be missed there alone, and no answer given here tells of that.
        return draft.finish(scope)
    problem = result.problem.reason if result.problem is not None else None
    if result.outcome == "gone":
        problem = StaleReason.ABSENT
    tries = () if problem is None else draft.teller.failed(record.failed_flights, problem)
    after = replace(
        record, probed_no=ticket.number, probed_at=ticket.sent_at, probe_problem=problem, failed_flights=tries
    )
    evidence = ProbeEvidence(
        ticket, held.scope.state is ScopeState.SUSPECT, ground.credential.made(held.scope.fingerprint)
    )
    if result.outcome == "gone" and probe_settles(record, evidence, ground.waits):
        after = lost(after, ticket)
    draft.put(record, after)
    return draft.finish(scope)


def _sight(draft: ChangeSet, told: Observation, ground: DecisionContext, *, inherits: bool) -> None:
    """Apply one observation. `inherits`: the sweep is complete, so an unchanged row need not be written."""
    draft.saw = True
    record = draft.living(VendorKey(told.kind, told.vendor_id))
    if record is not None and created_earlier(record, told):
        return
    if record is not None and created_later(record, told):
        word = last_word(record, draft.held.swept)
        if draft.ticket.number <= word.number:
            return
        # The vendor itself tells that this id names a resource made at another time: the recorded one is no more.
        known = with_last_sighting(record, word, last_told(record, draft.held.scope, word.number))
        draft.put(record, replaced(known, draft.ticket))
        seen: ResourceRecord | None = _first(draft, told, record.generation + 1)
    elif record is not None:
        seen = _again(draft, record, told, ground, inherits=inherits)
    else:
        seen = _unknown(draft, told, ground)
    if seen is not None and not seen.deleted and told.kind is ground.links_owner and told.links is not NOT_REPORTED:
        draft.link(seen, told.links)


def _again(
    draft: ChangeSet, record: ResourceRecord, told: Observation, ground: DecisionContext, *, inherits: bool
) -> ResourceRecord | None:
    """A living resource seen again; None where something newer is known."""
    number = draft.ticket.number
    if number <= last_word(record, draft.held.swept).number:
        return None
    after, new_terms = with_terms(merged(record, told, draft.held.scope, draft.ticket), told)
    swept_no, _ = draft.held.swept.get(record.scope_id, (0, None))
    if after.scope_id != record.scope_id:
        # It belongs to the scope that saw it last, and only that one can miss it.
        after = marked_by_newer(_shown_again(draft, after, ground), draft.held.scope, number)
    elif after.deleted or (after.missing_since is not None and number > max(after.absent_no or 0, swept_no)):
        after = _shown_again(draft, after, ground)
    elif after.first_absence_no is not None and number > after.first_absence_no:
        # Listings sent before this sighting are no evidence against it.
        after = replace(after, absence_count=0, first_absence_no=None, first_absence_at=None)
    if not inherits or after != record:
        after = _seen(draft, after, told)
    draft.put(record, after)
    if new_terms:
        draft.under_terms(after, OfferRole.RETERMED)
    return after


def _seen(draft: ChangeSet, record: ResourceRecord, told: Observation) -> ResourceRecord:
    """The record with this flight as the last that saw it."""
    ticket = draft.ticket
    return replace(
        record, seen_no=ticket.number, seen_at=ticket.sent_at, seen_source=draft.source, trace=draft.told(told)
    )


def _shown_again(draft: ChangeSet, record: ResourceRecord, ground: DecisionContext) -> ResourceRecord:
    """The record of what was missing and is shown.

    By an unproven credential that proves nothing about it; nor, until the next good sweep, if the last good one lacked it.
    """
    if record.missing_since is None and not record.deleted:
        return record
    scope = draft.held.scope
    known = ground.credential.made(scope.fingerprint) and record.seen_no >= scope.good_no
    return replace(unmarked(record), first_no=record.first_no if known else draft.ticket.number)


def _unknown(draft: ChangeSet, told: Observation, ground: DecisionContext) -> ResourceRecord | None:
    """A resource that is not among the living: new, or back, or known to be deleted."""
    tombstone = draft.tombstone(VendorKey(told.kind, told.vendor_id))
    if tombstone is None:
        return _first(draft, told, 0)
    another, ticket = created_later(tombstone, told), draft.ticket
    if ticket.number <= tombstone_number(tombstone) or _late(draft, tombstone, told, ground, another=another):
        return None
    if another or (tombstone.deleted_by == "VENDOR" and told.status is not ResourceStatus.DELETED):
        return _first(draft, told, tombstone.generation + 1, twin=not another)
    if told.status is ResourceStatus.DELETED:
        if tombstone.deleted_by == "ABSENCE":
            draft.put(tombstone, _seen(draft, said_deleted(tombstone, told, draft.held.scope, ticket), told))
        return None
    back = replace(_shown_again(draft, tombstone, ground), deleted_by=None, deleted_at=None, probe_problem=None)
    after, new_terms = with_terms(merged(back, told, draft.held.scope, ticket), told)
    after = marked_by_newer(replace(_seen(draft, after, told), failed_flights=()), draft.held.scope, ticket.number)
    draft.put(tombstone, after)
    if new_terms:
        draft.under_terms(after, OfferRole.RETERMED)
    return after


def _late(
    draft: ChangeSet, tombstone: ResourceRecord, told: Observation, ground: DecisionContext, *, another: bool
) -> bool:
    """Whether this tells of the deleted resource as it was.

    Vendors answer from copies that lag. What they called deleted themselves and show a moment later is the past.
    """
    if created_earlier(tombstone, told):
        return True
    if another or tombstone.deleted_by != "VENDOR":
        return False
    said_at = max(tombstone.deleted_at or tombstone.seen_at, tombstone.seen_at)
    return ground.waits.elapsed(said_at, draft.ticket.sent_at) < ground.waits.rules.witness_seconds


def _first(draft: ChangeSet, told: Observation, generation: int, *, twin: bool = False) -> ResourceRecord:
    seen = first_sight(told, draft.held.scope, draft.ticket, draft.source, generation, twin=twin)
    record = marked_by_newer(replace(seen, trace=draft.told(told)), draft.held.scope, draft.ticket.number)
    draft.put(None, record)
    draft.under_terms(record, OfferRole.OBSERVED)
    return record


def _absences(draft: ChangeSet, result: SweepResult, ground: DecisionContext) -> ScopeRecord:
    """Mark what the complete listing lacks, judge where listings alone may, and tell the scope after it."""
    scope, ticket = draft.held.scope, draft.ticket
    told = {VendorKey(observation.kind, observation.vendor_id) for observation in result.observations}
    before = [record for record in draft.held.resources.values() if record.scope_id == scope.scope_id]
    same = ground.credential.made(scope.fingerprint)
    sure = credential_matches(scope, before, told, same_credential=same)
    for record in draft.in_scope():
        word = last_word(record, draft.held.swept)
        if record.key not in told and ticket.number > word.number:
            source = last_told(record, scope, word.number)
            draft.put(record, marked(record, word, source, ticket, ground.waits, countable=sure, reset=not same))
    in_doubt = not sure or too_much_missing(scope, before, draft.in_scope())
    if not ground.probes and sure:
        _settle_by_listings(draft, ground, in_doubt=in_doubt)
    after = replace(
        without_problem(scope),
        swept_no=ticket.number,
        swept_at=ticket.sent_at,
        tried_no=max(scope.tried_no, ticket.number),
        tried_at=ticket.sent_at if ticket.number > scope.tried_no else scope.tried_at,
        state=ScopeState.OK,
        fingerprint=(scope.fingerprint if same else None) or (ground.credential.stamp() if sure else scope.fingerprint),
        proven_no=ticket.number if sure else scope.proven_no,
        listed_no=ticket.number if sure else scope.listed_no,
        sweep_trace=draft.teller.told_all(result),
        failed_flights=failures_since(ticket.number, scope.failed_flights),
    )
    judged = mark_suspect(after, credential_matches=sure) if in_doubt else accept(after, draft.in_scope())
    return judged if ticket.number > scope.tried_no else _failing_since(judged, scope)


def _failing_since(after: ScopeRecord, before: ScopeRecord) -> ScopeRecord:
    """The scope after a listing that ends later than a newer one failed: that one's word on the next try holds."""
    troubled = before.state if before.state in {ScopeState.PARTIAL, ScopeState.FAILED} else ScopeState.FAILED
    return replace(
        after,
        state=after.state if after.state is ScopeState.SUSPECT else troubled,
        problem=before.problem,
        problem_detail=before.problem_detail,
        failures=before.failures,
        hold_until=before.hold_until,
    )


def _settle_by_listings(draft: ChangeSet, ground: DecisionContext, *, in_doubt: bool) -> None:
    """The verdict on what complete listings alone agree is gone."""
    for record in draft.in_scope():
        lacking = record.missing_since is not None and record.absent_no == draft.ticket.number
        if lacking and listings_agree(record, draft.ticket, ground.waits, in_suspect_scope=in_doubt):
            draft.put(record, lost(record, draft.ticket))


def _stamped(scope: ScopeRecord, draft: ChangeSet, ground: DecisionContext) -> ScopeRecord:
    """The scope with the first credential that ever saw something in it, and the last flight that saw something by it."""
    if not draft.saw or not ground.credential.made(scope.fingerprint):
        return scope
    stamp = scope.fingerprint or ground.credential.stamp()
    return replace(scope, fingerprint=stamp, proven_no=max(scope.proven_no, draft.ticket.number))


def _troubled(draft: ChangeSet, outcome: SweepOutcome, problem: Problem, ground: DecisionContext) -> ScopeRecord:
    """The scope after a sweep that was cut or failed: what is known stays, and it is not repeated before its hold."""
    scope, ticket = draft.held.scope, draft.ticket
    if ticket.number <= scope.tried_no:
        # A newer try has the last word; where that failed too, this one is not repeated at once either.
        after = _stamped(scope, draft, ground)
        return replace(after, hold_until=_hold(after, problem, ground, scope.failures)) if scope.failures else after
    failures = scope.failures + 1
    state = ScopeState.PARTIAL if outcome is SweepOutcome.PARTIAL else ScopeState.FAILED
    return replace(
        _stamped(scope, draft, ground),
        tried_no=ticket.number,
        tried_at=ticket.sent_at,
        # Only a good listing ends a suspicion.
        state=scope.state if scope.state is ScopeState.SUSPECT else state,
        problem=problem.reason,
        problem_detail=problem.detail,
        failures=failures,
        hold_until=_hold(replace(scope, hold_until=None), problem, ground, failures),
        failed_flights=draft.teller.failed(scope.failed_flights, problem.reason),
    )


def _hold(scope: ScopeRecord, problem: Problem, ground: DecisionContext, failures: int) -> datetime:
    """Until when a scope is left alone that failed so often in a row; never shorter than it is held already."""
    hold = ground.ended_at + timedelta(seconds=ground.hold_seconds(failures))
    if problem.retry_at is not None:
        hold = max(hold, min(problem.retry_at, ground.ended_at + _LONGEST_HOLD))
    known = scope.hold_until
    return max(hold, known) if known is not None and held_back(known, ground.ended_at) else hold
