"""The operator's word on suspect scopes: what they lack is gone, and the credentials show the right account.

It stands in for the evidence that a suspect listing is not; the vendor is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.enums import ObservationSource, ScopeState, StaleReason
from domain.ports import RecordStore
from domain.records.model import Changes, FlightTicket, LockedState, ResourceRecord, ScopeRecord, without_problem
from reconcile.rules.absence import EvidenceWindows, suspect
from reconcile.rules.change_set import ChangeSet
from reconcile.rules.decision import Credential
from reconcile.rules.merge import lost
from reconcile.rules.plausibility import accept
from reconcile.rules.traces import TraceWriter


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How many scopes were suspect; how many of their resources are deleted now, and how many too young for a verdict."""

    scopes: int = 0
    deleted: int = 0
    too_young: int = 0


async def confirm(record: RecordStore, account: str, credential: Credential, waits: EvidenceWindows) -> Confirmation:
    """Confirm every suspect scope of an account, each in one transaction. Safe beside a running gateway, and to repeat."""
    total = Confirmation()
    for scope in await record.scopes():
        if scope.key.account != account or not scope.configured or scope.state is not ScopeState.SUSPECT:
            continue
        ticket = await record.draw(account)
        young: list[int] = []

        def decide(held: LockedState, ticket: FlightTicket = ticket, young: list[int] = young) -> Changes:
            young.append(sum(_missing(one, held.scope) and not _judged(one, held.scope, waits) for one in _mine(held)))
            return decide_confirmation(held, ticket, credential, waits)

        changes = await record.apply(scope.key, [], whole=True, decide=decide)
        if changes.scope is not None:
            deleted = sum(one.deleted for one in changes.resources)
            total = Confirmation(total.scopes + 1, total.deleted + deleted, total.too_young + young[-1])
    return total


def decide_confirmation(
    held: LockedState, ticket: FlightTicket, credential: Credential, waits: EvidenceWindows
) -> Changes:
    """What the operator's word changes in a suspect scope; nothing in another.

    What the last complete listing, sent after its grace period, lacked is deleted. The credential at hand is adopted.
    """
    scope = held.scope
    if scope.state is not ScopeState.SUSPECT:
        return Changes()
    draft = ChangeSet(held, TraceWriter(ticket, ObservationSource.OPERATOR))
    for record in draft.in_scope():
        if _judged(record, scope, waits):
            draft.put(record, lost(record, ticket))
    left = draft.in_scope()
    marks = sum(record.missing_since is not None for record in left)
    stamp = scope.fingerprint if credential.made(scope.fingerprint) else credential.stamp()
    after = replace(scope, fingerprint=stamp, proven_no=max(scope.proven_no, ticket.number), listed_no=scope.swept_no)
    return draft.finish(after if suspect(marks, len(left)) else _believed(after, left))


def _mine(held: LockedState) -> list[ResourceRecord]:
    return [record for record in held.resources.values() if record.scope_id == held.scope.scope_id]


def _missing(record: ResourceRecord, scope: ScopeRecord) -> bool:
    return record.missing_since is not None and record.absent_no == scope.swept_no > record.seen_no


def _judged(record: ResourceRecord, scope: ScopeRecord, waits: EvidenceWindows) -> bool:
    return _missing(record, scope) and scope.swept_at is not None and waits.past_grace(record, scope.swept_at)


def _believed(scope: ScopeRecord, left: Sequence[ResourceRecord]) -> ScopeRecord:
    """The scope without the suspicion; what failed since is told on."""
    good = accept(scope, left)
    if good.failures == 0:
        return replace(without_problem(good), state=ScopeState.OK)
    cut = good.problem is StaleReason.PARTIAL_SWEEP
    return replace(good, state=ScopeState.PARTIAL if cut else ScopeState.FAILED)
