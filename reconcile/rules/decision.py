"""Decides the changes of one flight.

Pure: the locked state, the ticket of the flight and its result go in, the changes to write come out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

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
from domain.rules import AbsenceRules
from reconcile.rules.absence import (
    ProbeEvidence,
    clear_missing,
    last_sighting,
    listings_agree,
    probe_confirms_deletion,
    set_missing,
    set_missing_by_newer_listing,
    tombstone_number,
    with_last_sighting,
    without_absences,
)
from reconcile.rules.change_set import ChangeSet
from reconcile.rules.merge import (
    confirm_deletion,
    delete_by_absence,
    delete_replaced,
    is_created_earlier,
    is_created_later,
    merge_observation,
    new_record,
    update_terms,
)
from reconcile.rules.plausibility import accept, credential_matches, mark_suspect, too_much_missing
from reconcile.rules.scheduling import hold_end, is_held
from reconcile.rules.traces import TraceWriter, last_trace


@dataclass(frozen=True, slots=True)
class Credential:
    """The credential of a flight: `hash_with` returns its hash for a salt, and `salt` is for a new fingerprint."""

    salt: str
    hash_with: Callable[[str], str]

    def fingerprint(self) -> str:
        """Return the salted fingerprint that a scope stores."""
        return f"{self.salt}${self.hash_with(self.salt)}"

    def matches(self, fingerprint: str | None) -> bool:
        """Whether the fingerprint is of this credential. A scope without a fingerprint accepts any credential."""
        if fingerprint is None:
            return True
        salt, _, _ = fingerprint.partition("$")
        return fingerprint == f"{salt}${self.hash_with(salt)}"


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """The inputs of a decision next to the flight's result: rules, facts about the vendor, and when the flight ended.

    `probes` is whether the vendor can be asked for one resource of the kind, `hold_seconds` the hold after a number of
    failures in a row, `readers` how many readers shared the flight.
    """

    rules: AbsenceRules
    credential: Credential
    links_owner: ResourceKind
    probes: bool
    ended_at: datetime
    hold_seconds: Callable[[int], float]
    readers: int = 0


def decide_sweep(state: LockedState, ticket: FlightTicket, result: SweepResult, context: DecisionContext) -> Changes:
    """Return what a sweep changes. Only a complete sweep says anything about absent resources."""
    if ticket.number <= state.scope.swept_no:
        return Changes()
    changes = ChangeSet(state, TraceWriter(ticket, ObservationSource.SWEEP, context.readers, result.trace))
    complete = result.outcome is SweepOutcome.COMPLETE
    for observation in result.observations:
        _apply_observation(changes, observation, context, inherits=complete)
    if not complete:
        problem = result.problem or Problem(StaleReason.PARTIAL_SWEEP, "the listing ended early")
        return changes.build(_scope_after_failure(changes, result.outcome, problem, context))
    return changes.build(_apply_absences(changes, result, context))


def decide_probe(
    state: LockedState, ticket: FlightTicket, key: VendorKey, result: ProbeResult, context: DecisionContext
) -> Changes:
    """Return what a probe of one resource changes."""
    changes = ChangeSet(state, TraceWriter(ticket, ObservationSource.PROBE, context.readers, result.trace))
    if result.observation is not None:
        _apply_observation(changes, result.observation, context, inherits=False)
    record = changes.living(key)
    scope = _with_fingerprint(state.scope, changes, context)
    if record is None or record.scope_id != state.scope.scope_id or ticket.number <= record.probed_no:
        # Only the scope to which a resource has moved can miss it, so this scope's answer says nothing about it.
        return changes.build(scope)
    problem = result.problem.reason if result.problem is not None else None
    if result.outcome in {"gone", "empty"}:
        problem = StaleReason.ABSENT
    failed_flights = () if problem is None else changes.trace_writer.append_failure(record.failed_flights, problem)
    after = replace(
        record, probed_no=ticket.number, probed_at=ticket.sent_at, probe_problem=problem, failed_flights=failed_flights
    )
    evidence = ProbeEvidence(
        ticket, state.scope.state is ScopeState.SUSPECT, context.credential.matches(state.scope.fingerprint)
    )
    if not evidence.credential_proven:
        # What another credential does not show says nothing: neither its listings nor its answers add up with our own.
        after = without_absences(after)
    if result.outcome == "gone" and probe_confirms_deletion(record, evidence, context.rules):
        after = delete_by_absence(after, ticket)
    changes.record(record, after)
    return changes.build(scope)


def _apply_observation(
    changes: ChangeSet, observation: Observation, context: DecisionContext, *, inherits: bool
) -> None:
    """Apply one observation. `inherits`: the sweep is complete, so an unchanged row need not be written."""
    changes.has_observations = True
    record = changes.living(VendorKey(observation.kind, observation.vendor_id))
    if record is not None and is_created_earlier(observation, record):
        return
    if record is not None and is_created_later(observation, record):
        sighting = last_sighting(record, changes.state.swept)
        if changes.ticket.number <= sighting.number:
            return
        # By the vendor's own creation times this id now names another resource: the recorded one no longer exists.
        trace = last_trace(record, changes.state.scope, sighting.number)
        changes.record(record, delete_replaced(with_last_sighting(record, sighting, trace), changes.ticket))
        after: ResourceRecord | None = _create(changes, observation, record.generation + 1)
    elif record is not None:
        after = _update_living(changes, record, observation, context, inherits=inherits)
    else:
        after = _create_or_revive(changes, observation, context)
    owns_links = observation.kind is context.links_owner
    if after is not None and not after.deleted and owns_links and observation.links is not NOT_REPORTED:
        changes.record_attachments(after, observation.links)


def _update_living(
    changes: ChangeSet, record: ResourceRecord, observation: Observation, context: DecisionContext, *, inherits: bool
) -> ResourceRecord | None:
    """Apply an observation to a living resource; None if a newer flight was applied before."""
    number = changes.ticket.number
    if number <= last_sighting(record, changes.state.swept).number:
        return None
    merged = merge_observation(record, observation, changes.state.scope, changes.ticket)
    after, has_new_terms = update_terms(merged, observation)
    swept_no, _ = changes.state.swept.get(record.scope_id, (0, None))
    if after.scope_id != record.scope_id:
        # The resource belongs to the scope that saw it last, and only that scope can miss it.
        after = set_missing_by_newer_listing(_reappear(changes, after, context), changes.state.scope, number)
    elif after.deleted or (after.missing_since is not None and number > max(after.absent_no or 0, swept_no)):
        after = _reappear(changes, after, context)
    elif after.first_absence_no is not None and number > after.first_absence_no:
        # Listings sent before this sighting are no evidence against it.
        after = without_absences(after)
    if not inherits or after != record:
        after = _seen_now(changes, after, observation)
    changes.record(record, after)
    if has_new_terms:
        changes.record_terms(after, OfferRole.RETERMED)
    return after


def _seen_now(changes: ChangeSet, record: ResourceRecord, observation: Observation) -> ResourceRecord:
    """Return the resource with this flight as its last sighting."""
    ticket, trace = changes.ticket, changes.trace(observation)
    return replace(record, seen_no=ticket.number, seen_at=ticket.sent_at, seen_source=changes.source, trace=trace)


def _reappear(changes: ChangeSet, record: ResourceRecord, context: DecisionContext) -> ResourceRecord:
    """Return a missing or deleted resource as present.

    Its `first_no` becomes this flight if an unproven credential shows it, or if the last good sweep lacked it: neither proves
    that the resource belongs to this account.
    """
    if record.missing_since is None and not record.deleted:
        return record
    scope = changes.state.scope
    proven = context.credential.matches(scope.fingerprint) and record.seen_no >= scope.good_no
    return replace(clear_missing(record), first_no=record.first_no if proven else changes.ticket.number)


def _create_or_revive(changes: ChangeSet, observation: Observation, context: DecisionContext) -> ResourceRecord | None:
    """Apply an observation of a resource that is not among the living: it is new, back, or known to be deleted."""
    tombstone = changes.tombstone(VendorKey(observation.kind, observation.vendor_id))
    if tombstone is None:
        return _create(changes, observation, 0)
    is_other, ticket = is_created_later(observation, tombstone), changes.ticket
    if ticket.number <= tombstone_number(tombstone):
        return None
    if _is_late_answer(changes, tombstone, observation, context, is_other=is_other):
        return None
    is_deleted = observation.status is ResourceStatus.DELETED
    if is_other or (tombstone.deleted_by == "VENDOR" and not is_deleted):
        return _create(changes, observation, tombstone.generation + 1, twin=not is_other)
    if is_deleted:
        if tombstone.deleted_by == "ABSENCE":
            confirmed = confirm_deletion(tombstone, observation, changes.state.scope, ticket)
            changes.record(tombstone, _seen_now(changes, confirmed, observation))
        return None
    return _revive(changes, tombstone, observation, context)


def _revive(
    changes: ChangeSet, tombstone: ResourceRecord, observation: Observation, context: DecisionContext
) -> ResourceRecord:
    """Return the resource that was deleted by absence and is shown again: it is the same one."""
    scope, ticket = changes.state.scope, changes.ticket
    back = replace(_reappear(changes, tombstone, context), deleted_by=None, probe_problem=None)
    back = replace(back, deleted_at=None, deleted_elapsed=None)
    after, has_new_terms = update_terms(merge_observation(back, observation, scope, ticket), observation)
    seen = replace(_seen_now(changes, after, observation), failed_flights=())
    after = set_missing_by_newer_listing(seen, scope, ticket.number)
    changes.record(tombstone, after)
    if has_new_terms:
        changes.record_terms(after, OfferRole.RETERMED)
    return after


def _is_late_answer(
    changes: ChangeSet,
    tombstone: ResourceRecord,
    observation: Observation,
    context: DecisionContext,
    *,
    is_other: bool,
) -> bool:
    """Whether the observation shows the deleted resource as it was before.

    Vendors answer from replicas that lag: a resource that the vendor reported as deleted and shows a moment later is old data.
    """
    if is_created_earlier(observation, tombstone):
        return True
    if is_other or tombstone.deleted_by != "VENDOR":
        return False
    return changes.ticket.timeline.since(tombstone.deleted_elapsed or 0.0) < context.rules.witness_seconds


def _create(changes: ChangeSet, observation: Observation, generation: int, *, twin: bool = False) -> ResourceRecord:
    scope, ticket = changes.state.scope, changes.ticket
    created = new_record(observation, changes.state, ticket, changes.source, generation, twin=twin)
    record = set_missing_by_newer_listing(replace(created, trace=changes.trace(observation)), scope, ticket.number)
    changes.record(None, record)
    changes.record_terms(record, OfferRole.OBSERVED)
    return record


def _apply_absences(changes: ChangeSet, result: SweepResult, context: DecisionContext) -> ScopeRecord:
    """Set what the complete listing lacks as missing, delete what listings alone may, and return the scope after it."""
    scope, ticket = changes.state.scope, changes.ticket
    listed_keys = {VendorKey(observation.kind, observation.vendor_id) for observation in result.observations}
    before = [record for record in changes.state.resources.values() if record.scope_id == scope.scope_id]
    same_credential = context.credential.matches(scope.fingerprint)
    is_ours = credential_matches(scope, before, listed_keys, same_credential=same_credential)
    for record in changes.in_scope():
        sighting = last_sighting(record, changes.state.swept)
        if record.key not in listed_keys and ticket.number > sighting.number:
            trace = last_trace(record, scope, sighting.number)
            missing = set_missing(
                record, sighting, trace, ticket, context.rules, countable=is_ours, reset=not same_credential
            )
            changes.record(record, missing)
    in_doubt = not is_ours or too_much_missing(scope, before, changes.in_scope())
    if is_ours:
        _delete_by_listings(changes, context, in_doubt=in_doubt)
    after = _scope_after_sweep(changes, result, context, is_ours=is_ours, same_credential=same_credential)
    judged = mark_suspect(after, credential_matches=is_ours) if in_doubt else accept(after, changes.in_scope())
    return judged if ticket.number > scope.tried_no else _with_newer_failure(judged, scope)


def _delete_by_listings(changes: ChangeSet, context: DecisionContext, *, in_doubt: bool) -> None:
    """Delete the resources on whose absence enough complete listings agree."""
    for record in changes.in_scope():
        is_missing_now = record.missing_since is not None and record.absent_no == changes.ticket.number
        if is_missing_now and listings_agree(
            record, changes.ticket.timeline, context.rules, probes=context.probes, in_suspect_scope=in_doubt
        ):
            changes.record(record, delete_by_absence(record, changes.ticket))


def _scope_after_sweep(
    changes: ChangeSet, result: SweepResult, context: DecisionContext, *, is_ours: bool, same_credential: bool
) -> ScopeRecord:
    """Return the scope after a complete sweep, not judged yet. `is_ours`: the credential shows the scope's account."""
    scope, ticket = changes.state.scope, changes.ticket
    fingerprint = scope.fingerprint
    if fingerprint is None or (is_ours and not same_credential):
        fingerprint = context.credential.fingerprint()
    return replace(
        without_problem(scope),
        swept_no=ticket.number,
        swept_at=ticket.sent_at,
        tried_no=max(scope.tried_no, ticket.number),
        tried_at=ticket.sent_at if ticket.number > scope.tried_no else scope.tried_at,
        state=ScopeState.OK,
        fingerprint=fingerprint,
        proven_no=ticket.number if is_ours else scope.proven_no,
        listed_no=ticket.number if is_ours else scope.listed_no,
        sweep_trace=changes.trace_writer.trace_sweep(result),
        failed_flights=failures_since(ticket.number, scope.failed_flights),
    )


def _with_newer_failure(after: ScopeRecord, before: ScopeRecord) -> ScopeRecord:
    """Return the scope after a sweep that ends later than a newer one failed: the newer one decides about the next try."""
    state = before.state if before.state in {ScopeState.PARTIAL, ScopeState.FAILED} else ScopeState.FAILED
    return replace(
        after,
        state=after.state if after.state is ScopeState.SUSPECT else state,
        problem=before.problem,
        problem_detail=before.problem_detail,
        failures=before.failures,
        hold_until=before.hold_until,
    )


def _with_fingerprint(scope: ScopeRecord, changes: ChangeSet, context: DecisionContext) -> ScopeRecord:
    """Return the scope with the fingerprint of the first credential that saw something, and the last flight that did."""
    if not changes.has_observations or not context.credential.matches(scope.fingerprint):
        return scope
    fingerprint = scope.fingerprint or context.credential.fingerprint()
    return replace(scope, fingerprint=fingerprint, proven_no=max(scope.proven_no, changes.ticket.number))


def _scope_after_failure(
    changes: ChangeSet, outcome: SweepOutcome, problem: Problem, context: DecisionContext
) -> ScopeRecord:
    """Return the scope after a partial or failed sweep. Recorded values stay, and the sweep is not repeated before its hold."""
    scope, ticket = changes.state.scope, changes.ticket
    if ticket.number <= scope.tried_no:
        # A newer sweep decides. If that failed too, this one may only make its hold longer.
        after = _with_fingerprint(scope, changes, context)
        return (
            replace(after, hold_until=_hold_until(after, problem, context, scope.failures)) if scope.failures else after
        )
    failures = scope.failures + 1
    state = ScopeState.PARTIAL if outcome is SweepOutcome.PARTIAL else ScopeState.FAILED
    return replace(
        _with_fingerprint(scope, changes, context),
        tried_no=ticket.number,
        tried_at=ticket.sent_at,
        # Only a good listing ends a suspicion.
        state=scope.state if scope.state is ScopeState.SUSPECT else state,
        problem=problem.reason,
        problem_detail=problem.detail,
        failures=failures,
        hold_until=_hold_until(replace(scope, hold_until=None), problem, context, failures),
        failed_flights=changes.trace_writer.append_failure(scope.failed_flights, problem.reason),
    )


def _hold_until(scope: ScopeRecord, problem: Problem, context: DecisionContext, failures: int) -> datetime:
    """Return until when a scope with this many failures in a row is held; never earlier than its present hold."""
    end = hold_end(context.ended_at, context.hold_seconds(failures), problem.retry_at)
    present = scope.hold_until
    return max(end, present) if present is not None and is_held(present, context.ended_at) else end
