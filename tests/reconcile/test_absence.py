"""Absence: what is marked, what is deleted, and above all what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.enums import ResourceStatus, ScopeState, StaleReason
from domain.records.model import ResourceRecord, ScopeRecord
from domain.records.observation import ProbeResult, Problem, SweepOutcome, SweepResult
from reconcile.rules.absence import suspect
from tests.clock import START
from tests.observations import complete, machine
from tests.reconcile.ledger import Ledger

GONE = ProbeResult("gone")
GENERIC_404 = ProbeResult("failed", problem=Problem(StaleReason.MALFORMED_ANSWER, "a 404 in no words of the vendor"))
FOUR = tuple(machine(f"m-{number}") for number in range(4))


def settled_ledger(*, probes: bool = True) -> Ledger:
    """Four machines, seen and long past their grace."""
    ledger = Ledger(probes=probes)
    ledger.sweep(complete(*FOUR))
    ledger.advance(600)
    return ledger


def test_the_first_absence_marks_and_keeps_the_status() -> None:
    """A machine that a complete listing lacks keeps what is known of it, with the time at which it was last seen."""
    ledger = settled_ledger()
    ledger.sweep(complete(*FOUR[:3]))
    lost = ledger.machine("m-3")
    assert (ResourceStatus.RUNNING, ledger.now, START) == (lost.live.status, lost.missing_since, lost.seen_at)


def test_grace_delays_the_verdict_and_never_the_mark() -> None:
    """A machine made a moment ago is marked at once; the vendor's words do not delete it before its grace is over."""
    ledger = Ledger()
    ledger.sweep(complete(*FOUR))
    ledger.advance(30)
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", GONE)
    assert ledger.machine("m-3").missing_since is not None
    ledger.advance(600)
    ledger.probe("m-3", GONE)
    assert not ledger.machine("m-3").deleted, "no listing after the grace period lacked it yet"
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", GONE)
    assert ledger.machine("m-3").deleted


def test_a_listing_and_then_the_vendors_own_words_delete() -> None:
    """Two witnesses, in this order, both sent after the last sighting."""
    ledger = settled_ledger()
    ledger.probe("m-3", GONE)
    assert not ledger.machine("m-3").deleted, "words alone are one witness"
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", GONE)
    gone = ledger.machine("m-3")
    assert ("ABSENCE", ledger.now, None) == (gone.deleted_by, gone.deleted_at, gone.live.access)


@pytest.mark.parametrize("outcome", [SweepOutcome.PARTIAL, SweepOutcome.FAILED])
def test_only_a_complete_listing_says_anything_about_absence(outcome: SweepOutcome) -> None:
    """A cut or failed listing marks nothing and keeps everything."""
    ledger = settled_ledger()
    ledger.sweep(SweepResult(outcome, FOUR[:1] if outcome is SweepOutcome.PARTIAL else ()))
    assert [None] * 4 == [record.missing_since for record in ledger.machines()]


def test_a_generic_404_is_no_witness() -> None:
    """Only the vendor's own words count."""
    ledger = settled_ledger()
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", GENERIC_404)
    lost = ledger.machine("m-3")
    assert (False, StaleReason.MALFORMED_ANSWER) == (lost.deleted, lost.probe_problem)


def test_an_empty_listing_makes_the_scope_suspect_and_deletes_nothing() -> None:
    """Everything is marked; words count only when asked two minutes after the mark."""
    ledger = settled_ledger()
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
    """Words asked for right after it count no more than before it."""
    ledger = settled_ledger()
    ledger.sweep(complete())
    ledger.sweep(SweepResult(SweepOutcome.FAILED, (), Problem(StaleReason.VENDOR_DOWN, "500")))
    ledger.probe("m-0", GONE)
    told = (ledger.machine("m-0").deleted, ledger.scope.state, ledger.scope.problem)
    assert (False, ScopeState.SUSPECT, StaleReason.VENDOR_DOWN) == told


@pytest.mark.parametrize("credential", ["first", "another"])
def test_what_only_a_cut_listing_saw_is_held_too(credential: str) -> None:
    """An empty listing is suspect though no good one came before it, and another tenant's key is known for one."""
    ledger = Ledger()
    ledger.sweep(SweepResult(SweepOutcome.PARTIAL, FOUR))
    ledger.advance(600)
    ledger.credential = credential
    ledger.sweep(complete(machine("foreign")))
    ledger.probe("m-0", GONE)
    assert (False, ScopeState.SUSPECT) == (ledger.machine("m-0").deleted, ledger.scope.state)


def test_another_tenants_key_does_not_prove_itself_by_its_own_machines() -> None:
    """What it was the first to show counts neither for it nor as held before."""
    ledger = settled_ledger()
    ledger.credential = "another"
    foreign = complete(*(machine(f"f-{number}") for number in range(6)))
    for _ in range(3):
        ledger.sweep(foreign)
        ledger.advance(600)
        ledger.probe("m-0", GONE)
    assert (False, ScopeState.SUSPECT) == (ledger.machine("m-0").deleted, ledger.scope.state)


def test_what_comes_back_after_an_empty_listing_is_as_it_was() -> None:
    """The same resources, unmarked, in a scope that is well again."""
    ledger = settled_ledger()
    before = {record.vendor_id: record.resource_id for record in ledger.machines()}
    ledger.sweep(complete())
    ledger.sweep(complete(*FOUR))
    after = {record.vendor_id: record.resource_id for record in ledger.machines()}
    marks = [record.missing_since for record in ledger.machines()]
    assert (before, [None] * 4, ScopeState.OK) == (after, marks, ledger.scope.state)


def test_without_a_probe_two_listings_must_agree_over_the_witness_time() -> None:
    """The second complete listing counts when it is sent two minutes after the first."""
    ledger = settled_ledger(probes=False)
    for seconds, deleted in ((0, False), (60, False), (59, False), (1, True)):
        ledger.advance(seconds)
        ledger.sweep(complete(*FOUR[:3]))
        assert deleted == ledger.machine("m-3").deleted


def test_without_a_probe_a_suspect_scope_needs_three_over_fifteen_minutes() -> None:
    """Over half of the scope is missing, so listings must agree for longer."""
    ledger = settled_ledger(probes=False)
    for seconds, deleted in ((0, False), (400, False), (499, False), (1, True)):
        ledger.advance(seconds)
        ledger.sweep(complete(FOUR[0]))
        assert deleted == ledger.machine("m-3").deleted


def test_another_credential_gives_no_verdict_until_it_has_shown_half() -> None:
    """Absences under new credentials mark; what the old ones saw counts for nothing then."""
    ledger = settled_ledger()
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


def test_a_vendor_that_says_deleted_is_believed_at_once() -> None:
    """No witnesses are needed for the vendor's own word on a listed resource."""
    ledger = settled_ledger()
    ledger.sweep(complete(*FOUR[:3], machine("m-3", status=ResourceStatus.DELETED, vendor_status="terminated")))
    gone = ledger.machine("m-3")
    assert ("VENDOR", None, "terminated") == (gone.deleted_by, gone.missing_since, gone.live.vendor_status)


def test_what_absence_deleted_and_a_sighting_revives_is_the_same_resource() -> None:
    """A sighting newer than the tombstone brings the same UUID back."""
    ledger = settled_ledger()
    before = ledger.machine("m-3").resource_id
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", GONE)
    ledger.sweep(complete(*FOUR))
    after = ledger.machine("m-3")
    assert (before, False, None) == (after.resource_id, after.deleted, after.deleted_at)


@pytest.mark.parametrize("created_at", [None, START - timedelta(days=1)])
def test_what_the_vendor_deleted_and_shows_again_is_a_new_resource(created_at: datetime | None) -> None:
    """A copy that lags shows it for a moment: that is the past. Later the tombstone stays, and the id names another UUID."""
    four = tuple(machine(f"m-{number}", created_at=created_at) for number in range(4))
    ledger = Ledger()
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
    """Clouds list what was terminated for an hour; that makes no new resource."""
    ledger = settled_ledger()
    told = complete(*FOUR[:3], machine("m-3", status=ResourceStatus.DELETED, vendor_status="terminated"))
    ledger.sweep(told)
    assert () == ledger.sweep(told).resources


def test_a_listing_that_tells_twice_that_a_machine_is_deleted_makes_one_tombstone() -> None:
    """Also when it tells in the same breath that it runs."""
    ledger = settled_ledger()
    gone = machine("m-3", status=ResourceStatus.DELETED, vendor_status="terminated")
    changes = ledger.sweep(complete(*FOUR[:3], gone, gone, FOUR[3]))
    assert ["m-3"] == [record.vendor_id for record in changes.resources]
    assert ["status", "vendorStatus"] == [entry.field for entry in changes.history][:2]
    assert ledger.machine("m-3").deleted


def test_another_creation_time_is_another_resource() -> None:
    """The vendor id was used again: the old UUID never changes its meaning."""
    ledger = Ledger()
    first = START - timedelta(days=2)
    ledger.sweep(complete(machine("m-1", created_at=first)))
    before = ledger.machine("m-1").resource_id
    ledger.sweep(complete(machine("m-1", created_at=first + timedelta(days=1))))
    after = ledger.machine("m-1").resource_id
    assert after != before
    assert ledger.record(before).deleted
    ledger.sweep(complete(machine("m-1", created_at=first)))
    assert (after, False) == (ledger.machine("m-1").resource_id, ledger.machine("m-1").deleted), "a late answer"


def test_a_slow_listing_does_not_mark_what_a_newer_one_saw() -> None:
    """An absence is applied only if its flight was sent after the last sighting."""
    ledger = settled_ledger()
    slow = ledger.draw()
    ledger.sweep(complete(*FOUR))
    ledger.sweep(complete(*FOUR[:1]), ticket=slow)
    assert [None] * 4 == [record.missing_since for record in ledger.machines()]


def test_a_probe_sent_before_the_listing_does_not_clear_its_mark() -> None:
    """It saw the machine before the listing lacked it: the value is kept, the mark stays."""
    ledger = settled_ledger()
    slow = ledger.draw()
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", ProbeResult("found", machine("m-3", name="renamed")), ticket=slow)
    lost = ledger.machine("m-3")
    assert ("renamed", slow.number) == (lost.live.name, lost.seen_no)
    assert lost.missing_since is not None


def test_a_probe_sent_after_the_listing_clears_its_mark() -> None:
    """The machine lives: the listing was wrong."""
    ledger = settled_ledger()
    ledger.sweep(complete(*FOUR[:3]))
    ledger.probe("m-3", ProbeResult("found", machine("m-3")))
    assert (None, None) == (ledger.machine("m-3").missing_since, ledger.machine("m-3").first_absence_no)


def test_a_resource_that_moves_region_keeps_its_record_and_only_its_new_scope_misses_it() -> None:
    """It belongs to the scope that saw it last."""
    ledger = Ledger()
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


@given(marks=st.integers(0, 50), held=st.integers(0, 50))
def test_suspicion_is_everything_or_over_half_of_three(marks: int, held: int) -> None:
    """The rule, said another way."""
    everything = held >= 1 and marks >= held
    half = held >= 3 and marks / held > 0.5
    assert (everything or half) == suspect(marks, held)


_EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("list"), st.frozensets(st.integers(0, 5)), st.sampled_from(SweepOutcome)),
        st.tuples(st.just("probe"), st.integers(0, 5), st.sampled_from(["found", "generic", "failed"])),
        st.tuples(st.just("wait"), st.integers(0, 2000), st.none()),
    ),
    max_size=40,
)


def _play(ledger: Ledger, events: list[tuple[str, object, object]]) -> None:
    answers = {
        "generic": GENERIC_404,
        "failed": ProbeResult("failed", problem=Problem(StaleReason.TIMED_OUT, "late")),
    }
    for what, subject, how in events:
        if what == "list":
            seen = tuple(machine(f"m-{number}") for number in sorted(subject))  # type: ignore[call-overload]
            assert isinstance(how, SweepOutcome)
            ledger.sweep(SweepResult(how, seen if how is not SweepOutcome.FAILED else ()))
        elif what == "probe":
            found = ProbeResult("found", machine(f"m-{subject}"))
            ledger.probe(f"m-{subject}", found if how == "found" else answers[str(how)])
        else:
            ledger.advance(float(str(subject)))


@given(events=_EVENTS)
def test_where_there_is_a_probe_nothing_is_deleted_without_the_vendors_words(
    events: list[tuple[str, object, object]],
) -> None:
    """Whatever the listings say, however long, in whatever order."""
    ledger = Ledger()
    ledger.sweep(complete(*(machine(f"m-{number}") for number in range(6))))
    _play(ledger, events)
    assert not any(record.deleted for record in ledger.machines())


@given(events=_EVENTS)
def test_the_order_of_numbers_is_kept_whatever_happens(events: list[tuple[str, object, object]]) -> None:
    """No row's numbers ever fall, and a mark always has its number."""
    ledger = Ledger()
    seen: dict[str, int] = {}
    ledger.sweep(complete(*(machine(f"m-{number}") for number in range(6))))
    for event in events:
        _play(ledger, [event])
        for record in ledger.machines():
            assert seen.get(record.vendor_id, 0) <= record.seen_no
            assert (record.missing_since is None) == (record.absent_no is None)
            seen[record.vendor_id] = record.seen_no


def test_a_failed_listing_holds_the_scope_and_a_good_one_frees_it() -> None:
    """The hold grows with each failure in a row; a vendor's own word on when to return is kept."""
    ledger = settled_ledger()
    retry_at = ledger.now + timedelta(seconds=77)
    ledger.sweep(SweepResult(SweepOutcome.FAILED, (), Problem(StaleReason.VENDOR_DOWN, "500")))
    assert ledger.now + timedelta(seconds=5) == ledger.scope.hold_until
    ledger.sweep(SweepResult(SweepOutcome.FAILED, (), Problem(StaleReason.RATE_LIMITED, "429", retry_at)))
    assert (retry_at, 2) == (ledger.scope.hold_until, ledger.scope.failures)
    ledger.sweep(complete(*FOUR))
    assert ledger.scope.hold_until is None
    assert (0, None) == (ledger.scope.failures, ledger.scope.problem)


def test_a_partial_listing_tells_the_time_of_what_it_saw() -> None:
    """Those seen are as old as the partial listing; the others as old as they were."""
    ledger = settled_ledger()
    ledger.sweep(SweepResult(SweepOutcome.PARTIAL, FOUR[:2]))
    assert [ledger.now, ledger.now, START, START] == [record.seen_at for record in ledger.machines()]


def test_values_are_frozen() -> None:
    """A record that was handed out is never changed."""
    ledger = settled_ledger()
    record: ResourceRecord = ledger.machine("m-0")
    scope: ScopeRecord = ledger.scope
    ledger.sweep(complete())
    assert replace(record) == record
    assert scope.state is ScopeState.OK
