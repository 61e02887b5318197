"""The operator's confirmation of an account: what its listings lack is gone, and its credentials show the right account.

It replaces the evidence that listings and probes do not give. No vendor is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.enums import ObservationSource, ScopeState, StaleReason
from domain.ports import RecordStore
from domain.records.model import Changes, FlightTicket, LockedState, ResourceRecord, ScopeRecord, without_problem
from domain.rules import AbsenceRules
from reconcile.rules.absence import is_suspect
from reconcile.rules.change_set import ChangeSet
from reconcile.rules.decision import Credential
from reconcile.rules.merge import delete_by_absence
from reconcile.rules.plausibility import accept
from reconcile.rules.traces import TraceWriter


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How many scopes were suspect, how many missing resources were deleted, and how many are too young for that."""

    scopes: int = 0
    deleted: int = 0
    too_young: int = 0


async def confirm(store: RecordStore, account: str, credential: Credential, rules: AbsenceRules) -> Confirmation:
    """Confirm every scope of an account that is suspect or has missing resources, each in one transaction.

    Safe to run next to a gateway, and safe to repeat.
    """
    total = Confirmation()
    for scope in await store.scopes():
        if scope.key.account != account or not scope.configured:
            continue
        if scope.state is not ScopeState.SUSPECT and not await store.missing(scope.key, 1):
            continue
        ticket = await store.draw(account)
        young_counts: list[int] = []

        def decide(
            state: LockedState, ticket: FlightTicket = ticket, young_counts: list[int] = young_counts
        ) -> Changes:
            young_counts.append(_count_too_young(state, rules))
            return decide_confirmation(state, ticket, credential, rules)

        changes = await store.apply(scope.key, [], whole=True, decide=decide)
        suspect, deleted = changes.scope is not None, sum(record.deleted for record in changes.resources)
        total = Confirmation(total.scopes + suspect, total.deleted + deleted, total.too_young + young_counts[-1])
    return total


def decide_confirmation(
    state: LockedState, ticket: FlightTicket, credential: Credential, rules: AbsenceRules
) -> Changes:
    """Return what the confirmation changes in a scope.

    It deletes the resources that the last complete listing lacked, if that was sent after their grace period. In a suspect scope
    it also adopts the present credential.
    """
    scope = state.scope
    changes = ChangeSet(state, TraceWriter(ticket, ObservationSource.OPERATOR))
    for record in changes.in_scope():
        if _can_delete(record, scope, rules):
            changes.record(record, delete_by_absence(record, ticket))
    if scope.state is not ScopeState.SUSPECT:
        return changes.build(None)
    left = changes.in_scope()
    missing = sum(record.missing_since is not None for record in left)
    fingerprint = scope.fingerprint if credential.matches(scope.fingerprint) else credential.fingerprint()
    after = replace(
        scope, fingerprint=fingerprint, proven_no=max(scope.proven_no, ticket.number), listed_no=scope.swept_no
    )
    return changes.build(after if is_suspect(missing, len(left)) else _without_suspicion(after, left))


def _count_too_young(state: LockedState, rules: AbsenceRules) -> int:
    return sum(
        _is_lacking(record, state.scope) and not _can_delete(record, state.scope, rules)
        for record in state.resources.values()
        if record.scope_id == state.scope.scope_id
    )


def _is_lacking(record: ResourceRecord, scope: ScopeRecord) -> bool:
    """Whether the last complete listing lacks the resource and nothing has shown it since."""
    return record.missing_since is not None and record.absent_no == scope.swept_no > record.seen_no


def _can_delete(record: ResourceRecord, scope: ScopeRecord, rules: AbsenceRules) -> bool:
    """Whether the operator's statement is enough. The clock may measure the grace period: it alone gives no verdict here."""
    if not _is_lacking(record, scope) or scope.swept_at is None:
        return False
    return (scope.swept_at - record.first_seen_at).total_seconds() >= rules.grace_seconds


def _without_suspicion(scope: ScopeRecord, left: Sequence[ResourceRecord]) -> ScopeRecord:
    """Return the scope as accepted. A problem of a later sweep stays."""
    accepted = accept(scope, left)
    if accepted.failures == 0:
        return replace(without_problem(accepted), state=ScopeState.OK)
    is_partial = accepted.problem is StaleReason.PARTIAL_SWEEP
    return replace(accepted, state=ScopeState.PARTIAL if is_partial else ScopeState.FAILED)
