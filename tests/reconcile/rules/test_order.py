"""Order: in whatever order flights end, the one with the highest number decides about values, scopes and absences."""

from __future__ import annotations

from datetime import timedelta

from domain.enums import ResourceStatus, ScopeState, StaleReason
from domain.records.observation import Observation, ProbeResult, Problem, SweepOutcome, SweepResult
from tests.clock import START
from tests.observations import complete, machine
from tests.reconcile.rules.ledger import DecisionLedger

GONE = ProbeResult("gone")
DOWN = SweepResult(SweepOutcome.FAILED, (), Problem(StaleReason.VENDOR_DOWN, "500"))
OTHERS: tuple[Observation, ...] = tuple(machine(f"m-{number}") for number in range(2, 6))


def test_a_machine_moved_by_an_older_flight_is_missing_if_a_newer_listing_lacks_it() -> None:
    """A slow response moves a machine into a scope whose newer listing has already shown that it is not there."""
    ledger = DecisionLedger()
    ledger.in_scope(1).sweep(complete(machine()))
    slow = ledger.in_scope(2).draw()
    ledger.advance(5)
    ledger.in_scope(2).sweep(complete())
    listed_at = ledger.now
    ledger.probe("m-1", ProbeResult("found", machine()), ticket=slow)
    moved = ledger.machine("m-1")
    assert (2, slow.number, START) == (moved.scope_id, moved.seen_no, moved.seen_at)
    assert (listed_at, 0) == (moved.missing_since, moved.absence_count), "the newer listing must not count as evidence"


def test_a_machine_that_moves_is_no_longer_missing_from_its_old_scope() -> None:
    """Only the scope that a machine belongs to can miss it."""
    ledger = DecisionLedger()
    ledger.in_scope(1).sweep(complete(machine()))
    ledger.advance(600)
    newer = ledger.in_scope(2).draw()
    ledger.in_scope(1).sweep(complete())
    ledger.in_scope(2).sweep(complete(machine()), ticket=newer)
    moved = ledger.machine("m-1")
    assert (2, None, None) == (moved.scope_id, moved.missing_since, moved.first_absence_no)


def test_a_probe_of_the_old_scope_is_no_evidence_in_the_new_one() -> None:
    """The old region's "no such thing" is true there and says nothing about where the machine is now."""
    ledger = DecisionLedger()
    ledger.in_scope(1).sweep(complete(machine()))
    ledger.in_scope(2).sweep(complete(machine(), *OTHERS))
    ledger.advance(600)
    ledger.in_scope(2).sweep(complete(*OTHERS))
    ledger.in_scope(1).probe("m-1", GONE)
    assert (False, None) == (ledger.machine("m-1").deleted, ledger.machine("m-1").probed_at)
    ledger.in_scope(2).probe("m-1", GONE)
    assert ledger.machine("m-1").deleted


def test_a_machine_revived_by_an_older_flight_is_missing_if_a_newer_listing_lacks_it() -> None:
    """A tombstone that a slow probe revives does not inherit the time of a listing that never showed it."""
    ledger = DecisionLedger()
    ledger.sweep(complete(machine(), *OTHERS))
    ledger.advance(600)
    ledger.sweep(complete(*OTHERS))
    ledger.probe("m-1", GONE)
    slow = ledger.draw()
    ledger.advance(5)
    ledger.sweep(complete(*OTHERS))
    ledger.probe("m-1", ProbeResult("found", machine()), ticket=slow)
    revived = ledger.machine("m-1")
    assert (False, slow.number, ledger.now) == (revived.deleted, revived.seen_no, revived.missing_since)


def test_the_tombstone_of_a_replaced_machine_stores_when_it_was_last_seen() -> None:
    """Its scope's listings saw it until its id named another machine."""
    ledger = DecisionLedger()
    ledger.sweep(complete(machine(created_at=START)))
    first = ledger.machine("m-1").resource_id
    ledger.advance(60)
    ledger.sweep(complete(machine(created_at=START)))
    last_seen = ledger.now
    ledger.advance(60)
    ledger.sweep(complete(machine(created_at=START + timedelta(seconds=90))))
    tombstone = ledger.record(first)
    assert (True, "VENDOR", last_seen) == (tombstone.deleted, tombstone.deleted_by, tombstone.seen_at)


def test_a_machine_reported_as_deleted_after_its_absence_and_shown_again_is_new() -> None:
    """The vendor's own report is final, also if the deletion was concluded from absence before."""
    ledger = DecisionLedger()
    ledger.sweep(complete(machine(), *OTHERS))
    first = ledger.machine("m-1").resource_id
    ledger.advance(600)
    ledger.sweep(complete(*OTHERS))
    ledger.probe("m-1", GONE)
    ledger.advance(60)
    terminated = machine(status=ResourceStatus.DELETED, vendor_status="terminated")
    assert 1 == len(ledger.sweep(complete(terminated, *OTHERS)).resources)
    assert ("VENDOR", "terminated") == (ledger.record(first).deleted_by, ledger.record(first).live.vendor_status)
    ledger.advance(60)
    assert () == ledger.sweep(complete(terminated, *OTHERS)).resources, "an unchanged tombstone must not be written"
    ledger.sweep(complete(machine(), *OTHERS))
    assert first == ledger.machine("m-1").resource_id, "a moment later it is a late answer"
    ledger.advance(600)
    ledger.sweep(complete(machine(), *OTHERS))
    assert (True, 1) == (ledger.machine("m-1").resource_id != first, ledger.machine("m-1").generation)


def test_an_older_sweep_that_fails_last_extends_a_hold_but_starts_none() -> None:
    """A slow sweep of another process adds nothing, except that a scope which still fails is not called again at once."""
    ledger = DecisionLedger()
    slow, slower = ledger.draw(), ledger.draw()
    ledger.sweep(DOWN)
    ledger.advance(30)
    ledger.sweep(DOWN, ticket=slow)
    scope = ledger.scope
    assert (3, 1, ledger.now + timedelta(seconds=5)) == (scope.tried_no, scope.failures, scope.hold_until)
    ledger.sweep(complete(machine()))
    ledger.sweep(DOWN, ticket=slower)
    assert (None, None) == (ledger.scope.hold_until, ledger.scope.problem)


def test_an_older_sweep_that_succeeds_last_does_not_end_the_hold_of_a_newer_one() -> None:
    """Its content is recorded. When the vendor may be called again is decided by the newest sweep."""
    retry_at = START + timedelta(seconds=60)
    limited = SweepResult(SweepOutcome.PARTIAL, (), Problem(StaleReason.RATE_LIMITED, "429", retry_at))
    ledger = DecisionLedger()
    slow = ledger.draw()
    ledger.sweep(limited)
    ledger.advance(1)
    ledger.sweep(complete(machine()), ticket=slow)
    scope = ledger.scope
    assert ("m-1", slow.number) == (ledger.machine("m-1").vendor_id, scope.swept_no)
    assert (StaleReason.RATE_LIMITED, 1, retry_at) == (scope.problem, scope.failures, scope.hold_until)
    assert ScopeState.PARTIAL is scope.state
    ledger.sweep(complete(machine()))
    scope = ledger.scope
    assert (ScopeState.OK, None, 0, None) == (scope.state, scope.problem, scope.failures, scope.hold_until)
