"""Order: whatever the interleaving, what is told last by number is what the record says, of values, places and absence_count."""

from __future__ import annotations

from datetime import timedelta

from domain.enums import ResourceStatus, ScopeState, StaleReason
from domain.records.observation import ProbeResult, Problem, SweepOutcome, SweepResult
from tests.clock import START
from tests.observations import complete, machine
from tests.reconcile.ledger import Ledger

GONE = ProbeResult("gone")


def found(vendor_id: str = "m-1", **told: object) -> ProbeResult:
    """A probe that found a machine."""
    return ProbeResult("found", machine(vendor_id, **told))


def test_what_moves_by_an_older_flight_is_missing_where_a_newer_listing_lacks_it() -> None:
    """A slow answer moves a machine into a scope whose newer listing has already shown that it is not there."""
    ledger = Ledger()
    ledger.in_scope(1).sweep(complete(machine()))
    slow = ledger.in_scope(2).draw()
    ledger.advance(5)
    ledger.in_scope(2).sweep(complete())
    listed_at = ledger.now
    ledger.probe("m-1", found(), ticket=slow)
    moved = ledger.machine("m-1")
    assert (2, slow.number, START) == (moved.scope_id, moved.seen_no, moved.seen_at)
    assert (listed_at, 0) == (moved.missing_since, moved.absence_count), "the newer listing marks, and is no witness"


def test_a_mark_stays_behind_when_its_machine_moves() -> None:
    """Only the scope that a machine belongs to can miss it: the mark of the old one goes."""
    ledger = Ledger()
    ledger.in_scope(1).sweep(complete(machine()))
    ledger.advance(600)
    seeing = ledger.in_scope(2).draw()
    ledger.in_scope(1).sweep(complete())
    ledger.in_scope(2).sweep(complete(machine()), ticket=seeing)
    moved = ledger.machine("m-1")
    assert (2, None, None) == (moved.scope_id, moved.missing_since, moved.first_absence_no)


def test_a_probe_of_the_old_scope_is_no_witness_in_the_new_one() -> None:
    """The old region's "no such thing" is true there and says nothing of where the machine is now."""
    ledger = Ledger()
    others = tuple(machine(f"m-{number}") for number in range(2, 6))
    ledger.in_scope(1).sweep(complete(machine()))
    ledger.in_scope(2).sweep(complete(machine(), *others))
    ledger.advance(600)
    ledger.in_scope(2).sweep(complete(*others))
    ledger.in_scope(1).probe("m-1", GONE)
    assert (False, None) == (ledger.machine("m-1").deleted, ledger.machine("m-1").probed_at)
    ledger.in_scope(2).probe("m-1", GONE)
    assert ledger.machine("m-1").deleted


def test_what_comes_back_by_an_older_flight_is_missing_where_a_newer_listing_lacks_it() -> None:
    """A tombstone that a slow probe revives does not inherit the time of a listing that never showed it."""
    ledger = Ledger()
    others = tuple(machine(f"m-{number}") for number in range(2, 6))
    ledger.sweep(complete(machine(), *others))
    ledger.advance(600)
    ledger.sweep(complete(*others))
    ledger.probe("m-1", GONE)
    slow = ledger.draw()
    ledger.advance(5)
    ledger.sweep(complete(*others))
    ledger.probe("m-1", found(), ticket=slow)
    back = ledger.machine("m-1")
    assert (False, slow.number, ledger.now) == (back.deleted, back.seen_no, back.missing_since)


def test_the_tombstone_of_a_replaced_machine_keeps_when_it_was_last_seen() -> None:
    """Its scope's listings saw it until the id was another's."""
    ledger = Ledger()
    ledger.sweep(complete(machine(created_at=START)))
    first = ledger.machine("m-1").resource_id
    ledger.advance(60)
    ledger.sweep(complete(machine(created_at=START)))
    last_seen = ledger.now
    ledger.advance(60)
    ledger.sweep(complete(machine(created_at=START + timedelta(seconds=90))))
    assert (True, "VENDOR", last_seen) == (
        ledger.record(first).deleted,
        ledger.record(first).deleted_by,
        ledger.record(first).seen_at,
    )


def test_what_the_vendor_calls_deleted_after_its_absence_and_shows_again_is_new() -> None:
    """The vendor's own word ends it for good, also where absence had come first."""
    ledger = Ledger()
    others = tuple(machine(f"m-{number}") for number in range(2, 6))
    ledger.sweep(complete(machine(), *others))
    first = ledger.machine("m-1").resource_id
    ledger.advance(600)
    ledger.sweep(complete(*others))
    ledger.probe("m-1", GONE)
    ledger.advance(60)
    ended = machine(status=ResourceStatus.DELETED, vendor_status="terminated")
    assert 1 == len(ledger.sweep(complete(ended, *others)).resources)
    assert ("VENDOR", "terminated") == (ledger.record(first).deleted_by, ledger.record(first).live.vendor_status)
    ledger.advance(60)
    assert () == ledger.sweep(complete(ended, *others)).resources, "what is known is not written again"
    ledger.sweep(complete(machine(), *others))
    assert first == ledger.machine("m-1").resource_id, "a moment later it is a late answer"
    ledger.advance(600)
    ledger.sweep(complete(machine(), *others))
    assert (True, 1) == (ledger.machine("m-1").resource_id != first, ledger.machine("m-1").generation)


def test_a_mark_from_the_future_begins_anew() -> None:
    """Where the clock was set back, the wait for witnesses counts from now, and not until the clock has caught up."""
    ledger = Ledger(probes=False)
    others = tuple(machine(f"m-{number}") for number in range(2, 6))
    ledger.sweep(complete(machine(), *others))
    ledger.advance(600)
    ledger.sweep(complete(*others))
    ledger.advance(-7200)
    for _ in range(2):
        ledger.advance(130)
        ledger.sweep(complete(*others))
    assert not ledger.machine("m-1").deleted, "grace, and then two listings, all by the clock of now"
    ledger.advance(130)
    ledger.sweep(complete(*others))
    assert ledger.machine("m-1").deleted


def test_an_older_sweep_that_fails_last_keeps_a_failing_scope_held_and_a_good_one_free() -> None:
    """Another process's slow sweep tells nothing new, except that what still fails is not to be asked again at once."""
    down = SweepResult(SweepOutcome.FAILED, (), Problem(StaleReason.VENDOR_DOWN, "500"))
    ledger = Ledger()
    slow, slower = ledger.draw(), ledger.draw()
    ledger.sweep(down)
    ledger.advance(30)
    ledger.sweep(down, ticket=slow)
    assert (3, 1, ledger.now + timedelta(seconds=5)) == (
        ledger.scope.tried_no,
        ledger.scope.failures,
        ledger.scope.hold_until,
    )
    ledger.sweep(complete(machine()))
    ledger.sweep(down, ticket=slower)
    assert (None, None) == (ledger.scope.hold_until, ledger.scope.problem)


def test_an_older_sweep_that_ends_well_last_ends_no_hold_of_a_newer_one() -> None:
    """What it shows is recorded; when the vendor may be asked again is the newest try's word."""
    down = SweepResult(
        SweepOutcome.PARTIAL, (), Problem(StaleReason.RATE_LIMITED, "429", START + timedelta(seconds=60))
    )
    ledger = Ledger()
    slow = ledger.draw()
    ledger.sweep(down)
    ledger.advance(1)
    ledger.sweep(complete(machine()), ticket=slow)
    scope = ledger.scope
    assert ("m-1", slow.number) == (ledger.machine("m-1").vendor_id, scope.swept_no)
    assert (StaleReason.RATE_LIMITED, 1, START + timedelta(seconds=60)) == (
        scope.problem,
        scope.failures,
        scope.hold_until,
    )
    assert ScopeState.PARTIAL is scope.state
    ledger.sweep(complete(machine()))
    assert (ScopeState.OK, None, 0, None) == (
        ledger.scope.state,
        ledger.scope.problem,
        ledger.scope.failures,
        ledger.scope.hold_until,
    )
