"""Absence: what becomes missing, what is deleted, and above all what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.enums import ResourceStatus, ScopeState, StaleReason
from domain.records.model import ResourceRecord, ScopeRecord
from domain.records.observation import ProbeResult, Problem, SweepOutcome, SweepResult
from reconcile.rules.absence import is_suspect
from tests.clock import START
from tests.observations import complete, machine
from tests.reconcile.rules.ledger import DecisionLedger

GONE = ProbeResult("gone")
GENERIC_404 = ProbeResult(
    "failed", problem=Problem(StaleReason.MALFORMED_ANSWER, "a 404 without the vendor's own words")
)
FOUR = tuple(machine(f"m-{number}") for number in range(4))


def listed_ledger(*, probes: bool = True) -> DecisionLedger:
    """Four machines, listed and long past their grace period."""
    ledger = DecisionLedger(probes=probes)
    ledger.sweep(complete(*FOUR))
    ledger.advance(600)
    return ledger


def test_the_first_absence_makes_a_machine_missing_and_its_status_stays() -> None:
    """A machine that a complete listing lacks keeps its recorded values and the time at which it was last seen."""
    ledger = listed_ledger()
    ledger.sweep(complete(*FOUR[:3]))
    missing = ledger.machine("m-3")
    expected = (ResourceStatus.RUNNING, ledger.now, START)
    assert expected == (missing.live.status, missing.missing_since, missing.seen_at)


def test_the_grace_period_delays_the_deletion_but_not_missing_since() -> None:
    """A machine created a moment ago becomes missing at once. A probe does not delete it before its grace period is over."""
    ledger = DecisionLedger()
    ledger.sweep(complete(*FOUR))
    ledger.advance(30)
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", GONE)
    assert ledger.machine("m-3").missing_since is not None
    ledger.advance(600)
    ledger.probe("m-3", GONE)
    assert not ledger.machine("m-3").deleted, "no listing after the grace period has lacked it yet"
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", GONE)
    assert ledger.machine("m-3").deleted


def test_a_listing_and_then_a_probe_in_the_vendors_own_words_delete() -> None:
    """Two pieces of evidence, in this order, both sent after the last sighting."""
    ledger = listed_ledger()
    ledger.probe("m-3", GONE)
    assert not ledger.machine("m-3").deleted, "a probe alone is not enough evidence"
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", GONE)
    gone = ledger.machine("m-3")
    assert ("ABSENCE", ledger.now, None) == (gone.deleted_by, gone.deleted_at, gone.live.access)


@pytest.mark.parametrize("outcome", [SweepOutcome.PARTIAL, SweepOutcome.FAILED])
def test_only_a_complete_listing_says_anything_about_absence(outcome: SweepOutcome) -> None:
    """After a partial or failed listing nothing is missing and every value stays."""
    ledger = listed_ledger()
    ledger.sweep(SweepResult(outcome, FOUR[:1] if outcome is SweepOutcome.PARTIAL else ()))
    assert [None] * 4 == [record.missing_since for record in ledger.machines()]


def test_a_generic_404_is_no_evidence() -> None:
    """Only the vendor's own words count."""
    ledger = listed_ledger()
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", GENERIC_404)
    missing = ledger.machine("m-3")
    assert (False, StaleReason.MALFORMED_ANSWER) == (missing.deleted, missing.probe_problem)


def test_an_empty_listing_makes_the_scope_suspect_and_deletes_nothing() -> None:
    """Everything is missing. A probe counts only if it was sent two minutes after that."""
    ledger = listed_ledger()
    ledger.sweep(complete())
    for number in range(4):
        ledger.probe(f"m-{number}", GONE)
    assert ScopeState.SUSPECT is ledger.scope.state
    assert [False] * 4 == [record.deleted for record in ledger.machines()]
    ledger.advance(119)
    ledger.probe("m-0", GONE)
    assert not ledger.machine("m-0").deleted
    ledger.advance(1)
    ledger.probe("m-0", GONE)
    assert ledger.machine("m-0").deleted


def test_a_failed_listing_does_not_end_a_suspicion() -> None:
    """A probe right after it counts no more than one before it."""
    ledger = listed_ledger()
    ledger.sweep(complete())
    ledger.sweep(SweepResult(SweepOutcome.FAILED, (), Problem(StaleReason.VENDOR_DOWN, "500")))
    ledger.probe("m-0", GONE)
    scope = ledger.scope
    expected = (False, ScopeState.SUSPECT, StaleReason.VENDOR_DOWN)
    assert expected == (ledger.machine("m-0").deleted, scope.state, scope.problem)


@pytest.mark.parametrize("credential", ["first", "another"])
def test_machines_that_only_a_partial_listing_saw_count_as_held(credential: str) -> None:
    """An empty listing is suspect although no good one came before it, and another tenant's key is recognized."""
    ledger = DecisionLedger()
    ledger.sweep(SweepResult(SweepOutcome.PARTIAL, FOUR))
    ledger.advance(600)
    ledger.credential = credential
    ledger.sweep(complete(machine("foreign")))
    ledger.probe("m-0", GONE)
    assert (False, ScopeState.SUSPECT) == (ledger.machine("m-0").deleted, ledger.scope.state)


def test_another_tenants_machines_do_not_prove_that_tenants_key() -> None:
    """Machines that a key was the first to show do not count in its favor."""
    ledger = listed_ledger()
    ledger.credential = "another"
    foreign = complete(*(machine(f"f-{number}") for number in range(6)))
    for _ in range(3):
        ledger.sweep(foreign)
        ledger.advance(600)
        ledger.probe("m-0", GONE)
    assert (False, ScopeState.SUSPECT) == (ledger.machine("m-0").deleted, ledger.scope.state)


def test_machines_that_reappear_after_an_empty_listing_are_as_before() -> None:
    """The same resources, no longer missing, in a scope that is OK."""
    ledger = listed_ledger()
    before = {record.vendor_id: record.resource_id for record in ledger.machines()}
    ledger.sweep(complete())
    ledger.sweep(complete(*FOUR))
    after = {record.vendor_id: record.resource_id for record in ledger.machines()}
    missing_since = [record.missing_since for record in ledger.machines()]
    assert (before, [None] * 4, ScopeState.OK) == (after, missing_since, ledger.scope.state)


def test_without_a_probe_two_listings_must_agree_over_witness_seconds() -> None:
    """The second complete listing counts if it is sent two minutes after the first."""
    ledger = listed_ledger(probes=False)
    for seconds, deleted in ((0, False), (60, False), (59, False), (1, True)):
        ledger.advance(seconds)
        ledger.sweep(complete(*FOUR[:3]))
        assert deleted == ledger.machine("m-3").deleted


def test_without_a_probe_a_suspect_scope_needs_three_over_fifteen_minutes() -> None:
    """Over half of the scope is missing, so listings must agree for longer."""
    ledger = listed_ledger(probes=False)
    for seconds, deleted in ((0, False), (400, False), (499, False), (1, True)):
        ledger.advance(seconds)
        ledger.sweep(complete(FOUR[0]))
        assert deleted == ledger.machine("m-3").deleted


def test_listings_by_another_credential_delete_nothing_until_one_has_shown_half() -> None:
    """Under a new credential resources become missing, and absences counted under the old one are discarded."""
    ledger = listed_ledger()
    ledger.credential = "another"
    ledger.sweep(complete(FOUR[0]))
    ledger.advance(600)
    ledger.sweep(complete(FOUR[0]))
    ledger.probe("m-3", GONE)
    assert (False, ScopeState.SUSPECT) == (ledger.machine("m-3").deleted, ledger.scope.state)
    assert "credentials" in (ledger.scope.problem_detail or "")
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", GONE)
    assert (True, ScopeState.OK) == (ledger.machine("m-3").deleted, ledger.scope.state)


def test_a_deletion_reported_by_the_vendor_applies_at_once() -> None:
    """The vendor's own status of a listed resource needs no further evidence."""
    ledger = listed_ledger()
    ledger.sweep(complete(*FOUR[:3], machine("m-3", status=ResourceStatus.DELETED, vendor_status="terminated")))
    gone = ledger.machine("m-3")
    assert ("VENDOR", None, "terminated") == (gone.deleted_by, gone.missing_since, gone.live.vendor_status)


def test_a_machine_deleted_by_absence_and_seen_again_is_the_same_resource() -> None:
    """A sighting newer than the tombstone revives the same UUID."""
    ledger = listed_ledger()
    before = ledger.machine("m-3").resource_id
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", GONE)
    ledger.sweep(complete(*FOUR))
    after = ledger.machine("m-3")
    assert (before, False, None) == (after.resource_id, after.deleted, after.deleted_at)


@pytest.mark.parametrize("created_at", [None, START - timedelta(days=1)])
def test_a_machine_deleted_by_the_vendor_and_shown_again_is_a_new_resource(created_at: datetime | None) -> None:
    """For two minutes this may be a replica that lags. After that the tombstone stays, and the id names another UUID."""
    four = tuple(machine(f"m-{number}", created_at=created_at) for number in range(4))
    ledger = DecisionLedger()
    ledger.sweep(complete(*four))
    ledger.advance(600)
    before = ledger.machine("m-3").resource_id
    gone = machine("m-3", status=ResourceStatus.DELETED, vendor_status="terminated", created_at=created_at)
    ledger.sweep(complete(*four[:3], gone))
    ledger.advance(60)
    ledger.sweep(complete(*four))
    assert (before, True) == (ledger.machine("m-3").resource_id, ledger.machine("m-3").deleted)
    ledger.advance(60)
    ledger.sweep(complete(*four))
    after = ledger.machine("m-3")
    assert after.resource_id != before
    assert (1, False) == (after.generation, after.deleted)
    assert ledger.record(before).deleted


def test_a_terminated_machine_that_stays_listed_stays_one_tombstone() -> None:
    """Clouds list terminated machines for an hour. That creates no new resource."""
    ledger = listed_ledger()
    listing = complete(*FOUR[:3], machine("m-3", status=ResourceStatus.DELETED, vendor_status="terminated"))
    ledger.sweep(listing)
    assert () == ledger.sweep(listing).resources


def test_a_listing_that_shows_a_deleted_machine_twice_makes_one_tombstone() -> None:
    """Also if the same listing shows it as running."""
    ledger = listed_ledger()
    gone = machine("m-3", status=ResourceStatus.DELETED, vendor_status="terminated")
    changes = ledger.sweep(complete(*FOUR[:3], gone, gone, FOUR[3]))
    assert ["m-3"] == [record.vendor_id for record in changes.resources]
    assert ["status", "vendorStatus"] == [entry.field for entry in changes.history][:2]
    assert ledger.machine("m-3").deleted


def test_another_creation_time_is_another_resource() -> None:
    """The vendor used the id again. The old UUID never changes its meaning."""
    ledger = DecisionLedger()
    first = START - timedelta(days=2)
    ledger.sweep(complete(machine("m-1", created_at=first)))
    before = ledger.machine("m-1").resource_id
    ledger.sweep(complete(machine("m-1", created_at=first + timedelta(days=1))))
    after = ledger.machine("m-1").resource_id
    assert after != before
    assert ledger.record(before).deleted
    ledger.sweep(complete(machine("m-1", created_at=first)))
    assert (after, False) == (ledger.machine("m-1").resource_id, ledger.machine("m-1").deleted), "a late answer"


def test_a_slow_listing_does_not_make_missing_what_a_newer_one_saw() -> None:
    """An absence is applied only if its flight was sent after the last sighting."""
    ledger = listed_ledger()
    slow = ledger.draw()
    ledger.sweep(complete(*FOUR))
    ledger.sweep(complete(*FOUR[:1]), ticket=slow)
    assert [None] * 4 == [record.missing_since for record in ledger.machines()]


def test_a_machine_stays_missing_after_a_probe_sent_before_the_listing() -> None:
    """The probe saw the machine before the listing lacked it: its values are recorded, and the machine stays missing."""
    ledger = listed_ledger()
    slow = ledger.draw()
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", ProbeResult("found", machine("m-3", name="renamed")), ticket=slow)
    missing = ledger.machine("m-3")
    assert ("renamed", slow.number) == (missing.live.name, missing.seen_no)
    assert missing.missing_since is not None


def test_a_machine_is_no_longer_missing_after_a_probe_sent_after_the_listing() -> None:
    """The listing was wrong."""
    ledger = listed_ledger()
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", ProbeResult("found", machine("m-3")))
    assert (None, None) == (ledger.machine("m-3").missing_since, ledger.machine("m-3").first_absence_no)


def test_a_resource_that_moves_region_keeps_its_record_and_only_its_new_scope_misses_it() -> None:
    """It belongs to the scope that saw it last."""
    ledger = DecisionLedger()
    ledger.sweep(complete(machine("m-1"), machine("m-2")))
    before = ledger.machine("m-1").resource_id
    ledger.in_scope(2).sweep(complete(machine("m-1", region="eu-west-1")))
    ledger.in_scope(1).sweep(complete(machine("m-2")))
    moved = ledger.machine("m-1")
    assert (before, "eu-west-1", None, 2) == (
        moved.resource_id,
        moved.vendor_region,
        moved.missing_since,
        moved.scope_id,
    )


@given(missing=st.integers(0, 50), held=st.integers(0, 50))
def test_a_scope_is_suspect_if_everything_or_over_half_of_three_is_missing(missing: int, held: int) -> None:
    """The same rule, computed in another way."""
    everything = held >= 1 and missing >= held
    half = held >= 3 and missing / held > 0.5
    assert (everything or half) == is_suspect(missing, held)


_EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("list"), st.frozensets(st.integers(0, 5)), st.sampled_from(SweepOutcome)),
        st.tuples(st.just("probe"), st.integers(0, 5), st.sampled_from(["found", "generic", "failed"])),
        st.tuples(st.just("wait"), st.integers(0, 2000), st.none()),
    ),
    max_size=40,
)


def _play(ledger: DecisionLedger, events: list[tuple[str, object, object]]) -> None:
    results = {
        "generic": GENERIC_404,
        "failed": ProbeResult("failed", problem=Problem(StaleReason.TIMED_OUT, "late")),
    }
    for kind, subject, outcome in events:
        if kind == "list":
            observations = tuple(machine(f"m-{number}") for number in sorted(subject))  # type: ignore[call-overload]
            assert isinstance(outcome, SweepOutcome)
            ledger.sweep(SweepResult(outcome, observations if outcome is not SweepOutcome.FAILED else ()))
        elif kind == "probe":
            results["found"] = ProbeResult("found", machine(f"m-{subject}"))
            ledger.probe(f"m-{subject}", results[str(outcome)])
        else:
            ledger.advance(float(str(subject)))


@given(events=_EVENTS)
def test_flight_numbers_never_fall(events: list[tuple[str, object, object]]) -> None:
    """`seen_no` only rises, and `missing_since` is set if and only if `absent_no` is."""
    ledger = DecisionLedger()
    numbers: dict[str, int] = {}
    ledger.sweep(complete(*(machine(f"m-{number}") for number in range(6))))
    for event in events:
        _play(ledger, [event])
        for record in ledger.machines():
            assert numbers.get(record.vendor_id, 0) <= record.seen_no
            assert (record.missing_since is None) == (record.absent_no is None)
            numbers[record.vendor_id] = record.seen_no


def test_a_failed_listing_holds_the_scope_and_a_good_one_ends_the_hold() -> None:
    """The hold grows with each failure in a row, and lasts at least until the vendor's own retry time."""
    ledger = listed_ledger()
    retry_at = ledger.now + timedelta(seconds=77)
    ledger.sweep(SweepResult(SweepOutcome.FAILED, (), Problem(StaleReason.VENDOR_DOWN, "500")))
    assert ledger.now + timedelta(seconds=5) == ledger.scope.hold_until
    ledger.sweep(SweepResult(SweepOutcome.FAILED, (), Problem(StaleReason.RATE_LIMITED, "429", retry_at)))
    assert (retry_at, 2) == (ledger.scope.hold_until, ledger.scope.failures)
    ledger.sweep(complete(*FOUR))
    assert ledger.scope.hold_until is None
    assert (0, None) == (ledger.scope.failures, ledger.scope.problem)


def test_a_partial_listing_refreshes_only_what_it_shows() -> None:
    """The machines that it shows are as old as the listing, the others as old as before."""
    ledger = listed_ledger()
    ledger.sweep(SweepResult(SweepOutcome.PARTIAL, FOUR[:2]))
    assert [ledger.now, ledger.now, START, START] == [record.seen_at for record in ledger.machines()]


def test_records_are_not_changed_in_place() -> None:
    """A record that a caller holds never changes."""
    ledger = listed_ledger()
    record: ResourceRecord = ledger.machine("m-0")
    scope: ScopeRecord = ledger.scope
    ledger.sweep(complete())
    assert replace(record) == record
    assert scope.state is ScopeState.OK
