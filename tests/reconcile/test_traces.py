"""What answers are explained by: which call told them, and what failed since."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.enums import ObservationSource, ResourceStatus, StaleReason
from domain.records.observation import CallTrace, Observation, ProbeResult, Problem, SweepOutcome, SweepResult
from domain.records.traces import MAX_FAILED_FLIGHTS
from reconcile.rules.traces import last_told
from tests.observations import complete, machine
from tests.reconcile.ledger import Ledger

PAGES = tuple(CallTrace("list", page, 200, 0.1 * page, f"req-{page}") for page in (1, 2))
PROBE = CallTrace("get", 1, 200, 0.3, "req-probe")


def on(page: int, *numbers: int) -> tuple[Observation, ...]:
    """Machines told by a page."""
    return tuple(replace(machine(f"m-{number}"), call=page - 1) for number in numbers)


def paged(*observations: Observation) -> SweepResult:
    """A complete listing of two pages."""
    return SweepResult(SweepOutcome.COMPLETE, observations, calls=2, trace=PAGES)


def failing(reason: StaleReason = StaleReason.VENDOR_DOWN) -> SweepResult:
    """A listing that failed."""
    return SweepResult(SweepOutcome.FAILED, (), Problem(reason, "as wanted"))


def told_page(ledger: Ledger, vendor_id: str) -> int | None:
    """The page that the record says told of a machine last."""
    record = ledger.machine(vendor_id)
    inherits = record.missing_since is None and not record.deleted
    number = max(record.seen_no, ledger.scope.swept_no if inherits else 0)
    told = last_told(record, ledger.scope, number)
    return None if told is None or told.call is None else told.call.page


def test_each_machine_is_explained_by_its_page() -> None:
    """Of the first sweep, and of the next, which writes no row at all."""
    ledger = Ledger()
    ledger.sweep(paged(*on(1, 0, 1), *on(2, 2)))
    first = [told_page(ledger, f"m-{number}") for number in range(3)]
    changes = ledger.sweep(paged(*on(1, 0), *on(2, 1, 2)))

    assert [1, 1, 2] == first
    assert [1, 2, 2] == [told_page(ledger, f"m-{number}") for number in range(3)]
    assert ((), ()) == (changes.resources, changes.history)


def test_one_page_names_nobody() -> None:
    """The scope keeps no ids where one call told all."""
    ledger = Ledger()
    ledger.sweep(SweepResult(SweepOutcome.COMPLETE, on(1, 0, 1), trace=PAGES[:1]))

    assert ledger.scope.sweep_trace is not None
    assert ((), PAGES[0]) == (ledger.scope.sweep_trace.ids, ledger.scope.sweep_trace.of("m-1").call)


def test_a_marked_machine_keeps_the_sweep_that_saw_it_last() -> None:
    """The mark takes over what the scope kept of its previous listing."""
    ledger = Ledger()
    ledger.sweep(paged(*on(1, 0), *on(2, 1)))
    ledger.sweep(paged(*on(1, 1), *on(2, 0)))
    seen_at = ledger.now
    ledger.advance(60)
    ledger.sweep(paged(*on(1, 1)))
    ledger.advance(60)
    ledger.sweep(paged(*on(1, 1)))

    told = ledger.machine("m-0").trace
    assert told is not None
    assert (seen_at, PAGES[1]) == (told.sent_at, told.call)


def test_a_probe_explains_what_it_found() -> None:
    """Until a later sweep sees the machine again."""
    ledger = Ledger()
    ledger.sweep(paged(*on(1, 0), *on(2, 1)))
    found = replace(machine("m-0"), call=0)
    ledger.probe("m-0", ProbeResult("found", found, trace=(PROBE,)))
    probed = ledger.machine("m-0").trace
    ledger.sweep(paged(*on(2, 0, 1)))

    assert probed is not None
    assert (ObservationSource.PROBE, PROBE) == (probed.source, probed.call)
    assert 2 == told_page(ledger, "m-0")


def test_failed_tries_are_kept_until_one_succeeds() -> None:
    """Of a scope its sweeps, of a machine its probes, newest last; none of them is a change."""
    ledger = Ledger()
    ledger.sweep(complete(machine("m-0")))
    reasons = [StaleReason.VENDOR_DOWN, StaleReason.TIMED_OUT]
    late = ProbeResult("failed", problem=Problem(StaleReason.TIMED_OUT, "late"))
    histories = [ledger.sweep(failing(reason)).history for reason in reasons]
    histories += [ledger.probe("m-0", answer).history for answer in (late, ProbeResult("gone"))]
    swept = [(one.source, one.reason) for one in ledger.scope.failed_flights]
    probed = [(one.source, one.reason) for one in ledger.machine("m-0").failed_flights]
    ledger.probe("m-0", ProbeResult("found", machine("m-0")))
    ledger.sweep(complete(machine("m-0")))

    assert [(ObservationSource.SWEEP, reason) for reason in reasons] == swept
    told = [StaleReason.TIMED_OUT, StaleReason.ABSENT]
    assert [(ObservationSource.PROBE, reason) for reason in told] == probed
    assert [()] * 4 == histories
    assert ((), ()) == (ledger.scope.failed_flights, ledger.machine("m-0").failed_flights)


def test_only_the_newest_tries_are_kept() -> None:
    """A cloud that is down for a week fills nothing."""
    ledger = Ledger()
    for _ in range(MAX_FAILED_FLIGHTS + 3):
        ledger.sweep(failing())

    numbers = [one.number for one in ledger.scope.failed_flights]
    assert list(range(4, MAX_FAILED_FLIGHTS + 4)) == numbers


def test_the_vendors_own_deletion_is_explained() -> None:
    """The tombstone keeps the call that said so, whatever is listed later."""
    ledger = Ledger()
    ledger.sweep(paged(*on(1, 0, 1)))
    gone = replace(machine("m-0", status=ResourceStatus.DELETED, vendor_status="terminated"), call=1)
    ledger.sweep(paged(*on(1, 1), gone))
    ledger.sweep(paged(*on(1, 1)))

    assert 2 == told_page(ledger, "m-0")


_FLIGHTS = st.lists(
    st.one_of(
        st.tuples(st.just("sweep"), st.frozensets(st.integers(0, 4)), st.sampled_from(SweepOutcome)),
        st.tuples(st.just("probe"), st.integers(0, 4), st.sampled_from(["found", "gone", "failed"])),
    ),
    max_size=30,
)


@given(flights=_FLIGHTS, late=st.booleans())
def test_a_row_is_always_explained_by_the_flight_that_wrote_it(
    flights: list[tuple[str, object, object]], late: bool
) -> None:
    """Whatever happens in whatever order: its instant and its kind are those of its last sighting."""
    ledger = Ledger()
    ledger.sweep(paged(*on(1, *range(5))))
    kept: dict[UUID, int] = {}
    for what, subject, how in flights:
        ledger.advance(50)
        ticket = ledger.draw()
        if late:
            ledger.sweep(paged(*on(2, 1, 2)))
        if what == "sweep":
            assert isinstance(subject, frozenset)
            assert isinstance(how, SweepOutcome)
            seen = () if how is SweepOutcome.FAILED else on(1, *sorted(subject))
            ledger.sweep(SweepResult(how, seen, trace=PAGES), ticket=ticket)
        else:
            found = replace(machine(f"m-{subject}"), call=0)
            answers = {
                "found": ProbeResult("found", found, trace=(PROBE,)),
                "gone": ProbeResult("gone"),
                "failed": ProbeResult("failed", problem=Problem(StaleReason.TIMED_OUT, "late")),
            }
            ledger.probe(f"m-{subject}", answers[str(how)], ticket=ticket)
        for record in ledger.machines():
            assert record.trace is not None
            assert (record.seen_at, record.seen_source) == (record.trace.sent_at, record.trace.source)
            assert kept.get(record.resource_id, 0) <= record.seen_no
            kept[record.resource_id] = record.seen_no
