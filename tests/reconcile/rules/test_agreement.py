"""Deletions that no probe confirms: how many complete listings must agree, over which time, in one process or many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.enums import ResourceStatus, ScopeState, StaleReason
from domain.records.observation import ProbeResult, Problem, SweepOutcome, SweepResult
from tests.observations import complete, machine
from tests.reconcile.rules.ledger import DecisionLedger

GONE = ProbeResult("gone")
EMPTY = ProbeResult("empty")
OTHER_WORDS = ProbeResult("failed", problem=Problem(StaleReason.MALFORMED_ANSWER, "a 404 in other words"))
UNANSWERED = ProbeResult("failed", problem=Problem(StaleReason.VENDOR_DOWN, "500"))
FOUR = tuple(machine(f"m-{number}") for number in range(4))


def listed_ledger(*, probes: bool = True) -> DecisionLedger:
    """Four machines, listed and long past their grace period."""
    ledger = DecisionLedger(probes=probes)
    ledger.sweep(complete(*FOUR))
    ledger.advance(600)
    return ledger


def sweep_and_probe(ledger: DecisionLedger, answer: ProbeResult | None, present: int = 3) -> list[bool]:
    """List the first machines, and probe every missing one if there is an answer. Return which machines are deleted."""
    ledger.sweep(complete(*FOUR[:present]))
    for record in ledger.machines():
        if record.missing_since is not None and answer is not None:
            ledger.probe(record.vendor_id, answer)
    return [record.deleted for record in ledger.machines()]


@pytest.mark.parametrize(
    ("answer", "waits"),
    [
        (EMPTY, ((0, False), (119, False), (1, True))),
        (OTHER_WORDS, ((0, False), (400, False), (499, False), (1, True))),
        (OTHER_WORDS, ((0, False), (900, False), (0, True))),
        (UNANSWERED, ((0, False), (900, False), (20_699, False), (1, True))),
    ],
)
def test_a_consistent_deletion_is_found_whatever_probes_answer(
    answer: ProbeResult, waits: tuple[tuple[int, bool], ...]
) -> None:
    """With nothing in the answer like a listing without probes, else by three listings, which must agree for longer."""
    ledger = listed_ledger()
    for seconds, deleted in waits:
        ledger.advance(seconds)
        assert [False, False, False, deleted] == sweep_and_probe(ledger, answer)
    assert "ABSENCE" == ledger.machine("m-3").deleted_by


def test_nothing_in_an_answer_is_no_evidence_alone() -> None:
    """Neither before a listing lacks the machine, nor after one, however long they are apart."""
    ledger = listed_ledger()
    ledger.probe("m-3", EMPTY)
    ledger.advance(10_000)
    ledger.sweep(complete(*FOUR[:3]))
    ledger.advance(10_000)
    ledger.probe("m-3", EMPTY)
    missing = ledger.machine("m-3")
    assert (False, StaleReason.ABSENT) == (missing.deleted, missing.probe_problem)


def test_an_answer_before_the_listings_does_not_count() -> None:
    """The machine was shown in between, so two listings are not enough."""
    ledger = listed_ledger()
    ledger.probe("m-3", EMPTY)
    ledger.sweep(complete(*FOUR))
    for _ in range(2):
        ledger.advance(200)
        ledger.sweep(complete(*FOUR[:3]))
    assert not ledger.machine("m-3").deleted


@pytest.mark.parametrize(("answer", "deleted"), [(EMPTY, True), (OTHER_WORDS, False), (UNANSWERED, False)])
def test_a_suspect_scope_needs_answers_or_the_operator(answer: ProbeResult, deleted: bool) -> None:
    """If over half is missing, three listings over 15 minutes count only with empty answers. A confirmation settles it."""
    ledger = listed_ledger()
    for seconds in (0, 899):
        ledger.advance(seconds)
        assert [False] * 4 == sweep_and_probe(ledger, answer, present=1)
    ledger.advance(1)
    assert [False, *[deleted] * 3] == sweep_and_probe(ledger, answer, present=1)
    ledger.advance(100_000)
    sweep_and_probe(ledger, answer, present=1)
    ledger.confirm()
    assert [False, True, True, True] == [record.deleted for record in ledger.machines()]


def test_a_sighting_in_between_starts_again() -> None:
    """A probe that shows the machine, or a listing of any kind, is newer than the listings without it."""
    for sighting in (ProbeResult("found", FOUR[3]), None):
        ledger = listed_ledger()
        for _ in range(2):
            sweep_and_probe(ledger, OTHER_WORDS)
            ledger.advance(500)
        if sighting is None:
            ledger.sweep(SweepResult(SweepOutcome.PARTIAL, FOUR[3:]))
        else:
            ledger.probe("m-3", sighting)
        assert [False] * 4 == sweep_and_probe(ledger, OTHER_WORDS)


def test_listings_by_two_credentials_do_not_add_up() -> None:
    """The count starts again with the new one."""
    ledger = listed_ledger()
    for credential in ("first", "first", "second", "second"):
        ledger.credential = credential
        assert [False] * 4 == sweep_and_probe(ledger, OTHER_WORDS)
        ledger.advance(500)
    assert [False, False, False, True] == sweep_and_probe(ledger, OTHER_WORDS)


def test_an_answer_to_another_credential_says_nothing() -> None:
    """The other account has no such machine: listings of our own before and after it do not add up."""
    ledger = listed_ledger()
    ledger.sweep(complete(*FOUR[:3]))
    ledger.advance(500)
    ledger.credential = "another"
    ledger.probe("m-3", EMPTY)
    ledger.credential = "first"
    for wait, deleted in ((0, False), (899, False), (20_701, True)):
        ledger.advance(wait)
        ledger.sweep(complete(*FOUR[:3]))
        assert deleted == ledger.machine("m-3").deleted


def test_the_operator_can_settle_what_is_missing() -> None:
    """Also in a scope that is not suspect, at once."""
    ledger = listed_ledger()
    sweep_and_probe(ledger, UNANSWERED)
    assert ScopeState.OK is ledger.scope.state
    ledger.confirm()
    assert [False, False, False, True] == [record.deleted for record in ledger.machines()]
    assert ScopeState.OK is ledger.scope.state


@pytest.mark.parametrize(
    ("answer", "present", "pauses"),
    [(GONE, 3, 1), (EMPTY, 3, 3), (None, 3, 3), (OTHER_WORDS, 3, 3), (EMPTY, 1, 3), (None, 1, 3), (GONE, 1, 3)],
)
def test_runs_from_cron_add_up(answer: ProbeResult | None, present: int, pauses: int) -> None:
    """Each run is a process with one listing and its probes. One run more is needed than in one process."""
    ledger = DecisionLedger(probes=answer is not None)
    for _ in range(3):
        ledger.sweep(complete(*FOUR))
        ledger.pause(3600)
    results = []
    for _ in range(pauses):
        results.append(any(sweep_and_probe(ledger, answer, present)))
        ledger.pause(3600)
    assert [*[False] * (pauses - 1), True] == results


@pytest.mark.parametrize("step", [10**8, -(10**8)])
@pytest.mark.parametrize("probes", [True, False])
def test_a_clock_that_is_set_between_two_runs_gives_no_verdict(probes: bool, step: int) -> None:
    """Neither the end of the grace period nor that of any other span."""
    ledger = DecisionLedger(probes=probes)
    ledger.sweep(complete(*FOUR))
    ledger.pause(step)
    for _ in range(4):
        assert not any(sweep_and_probe(ledger, GONE if probes else None))
        ledger.pause(5)
    ledger = listed_ledger(probes=probes)
    for pause in (10, step, 10, 10):
        assert not any(sweep_and_probe(ledger, OTHER_WORDS if probes else None))
        ledger.pause(pause)
    ledger.step_clock(step)
    assert not any(sweep_and_probe(ledger, OTHER_WORDS if probes else None))


def test_a_clock_that_was_set_back_does_not_delay_a_verdict() -> None:
    """The time that passed in the process counts, and `missing_since` is never in the future."""
    ledger = listed_ledger(probes=False)
    ledger.sweep(complete(*FOUR[:3]))
    ledger.step_clock(-7200)
    ledger.advance(60)
    ledger.sweep(complete(*FOUR[:3]))
    assert ledger.now == ledger.machine("m-3").missing_since
    ledger.advance(60)
    ledger.sweep(complete(*FOUR[:3]))
    assert ledger.machine("m-3").deleted


def test_the_id_of_a_terminated_machine_is_used_again_in_runs_from_cron() -> None:
    """A later sighting counts as a new resource once it cannot be a late answer."""
    ledger = DecisionLedger()
    ledger.sweep(complete(machine(status=ResourceStatus.DELETED, vendor_status="terminated"), *FOUR[2:]))
    first = ledger.machine("m-1").resource_id
    for expected in (True, False):
        ledger.pause(3600)
        ledger.sweep(complete(machine(), *FOUR[2:]))
        assert expected == (first == ledger.machine("m-1").resource_id)


_EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("list"), st.frozensets(st.integers(0, 5)), st.sampled_from(SweepOutcome)),
        st.tuples(st.just("probe"), st.integers(0, 5), st.sampled_from([OTHER_WORDS, UNANSWERED, None])),
        st.tuples(st.just("wait"), st.sampled_from([1, 100, 400, 1000, 10_000]), st.none()),
    ),
    max_size=40,
)


@given(events=_EVENTS)
def test_without_the_vendors_words_three_listings_agree(events: list[tuple[str, object, object]]) -> None:
    """For all listings and other answers, at all intervals, in every order: over 15 minutes, since the last sighting."""
    ledger = DecisionLedger()
    ledger.sweep(complete(*(machine(f"m-{number}") for number in range(6))))
    absences: dict[str, list[float]] = {f"m-{number}": [] for number in range(6)}
    for kind, subject, detail in events:
        now = ledger.now.timestamp()
        before = {record.vendor_id for record in ledger.machines() if record.deleted}
        shown: set[str] = set()
        if kind == "list" and isinstance(subject, frozenset) and isinstance(detail, SweepOutcome):
            shown = {f"m-{number}" for number in subject} if detail is not SweepOutcome.FAILED else set()
            ledger.sweep(SweepResult(detail, tuple(machine(vendor_id) for vendor_id in sorted(shown))))
            for vendor_id in absences.keys() - shown if detail is SweepOutcome.COMPLETE else ():
                absences[vendor_id].append(now)
        elif kind == "probe":
            vendor_id = f"m-{subject}"
            shown = {vendor_id} if detail is None else set()
            ledger.probe(
                vendor_id, detail if isinstance(detail, ProbeResult) else ProbeResult("found", machine(vendor_id))
            )
        else:
            ledger.advance(float(str(subject)))
        for vendor_id in shown:
            absences[vendor_id] = []
        for record in ledger.machines():
            if record.deleted and record.vendor_id not in before:
                times = absences[record.vendor_id]
                assert len(times) >= 3
                assert times[-1] - times[0] >= 900
