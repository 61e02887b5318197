"""The traces that explain an answer: which call reported a resource, and which flights failed since."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.enums import ObservationSource, ResourceStatus, StaleReason
from domain.records.observation import CallTrace, Observation, ProbeResult, Problem, SweepOutcome, SweepResult
from domain.records.traces import MAX_FAILED_FLIGHTS
from reconcile.rules.traces import last_trace
from tests.observations import complete, machine
from tests.reconcile.cloud import failed_sweep
from tests.reconcile.rules.ledger import DecisionLedger

PAGES = tuple(CallTrace("list", page, 200, 0.1 * page, f"req-{page}") for page in (1, 2))
PROBE = CallTrace("get", 1, 200, 0.3, "req-probe")
LATE_PROBE = ProbeResult("failed", problem=Problem(StaleReason.TIMED_OUT, "late"))


def on_page(page: int, *numbers: int) -> tuple[Observation, ...]:
    """Return observations of machines on a page of a listing."""
    return tuple(replace(machine(f"m-{number}"), call=page - 1) for number in numbers)


def two_pages(*observations: Observation) -> SweepResult:
    """Return a complete listing of two pages."""
    return SweepResult(SweepOutcome.COMPLETE, observations, calls=2, trace=PAGES)


def traced_page(ledger: DecisionLedger, vendor_id: str) -> int | None:
    """Return the page that reported a machine last."""
    record = ledger.machine(vendor_id)
    inherits = record.missing_since is None and not record.deleted
    number = max(record.seen_no, ledger.scope.swept_no if inherits else 0)
    trace = last_trace(record, ledger.scope, number)
    return None if trace is None or trace.call is None else trace.call.page


def test_each_machine_is_explained_by_its_page() -> None:
    """Of the first sweep, and of the next one, which writes no row at all."""
    ledger = DecisionLedger()
    ledger.sweep(two_pages(*on_page(1, 0, 1), *on_page(2, 2)))
    first = [traced_page(ledger, f"m-{number}") for number in range(3)]
    changes = ledger.sweep(two_pages(*on_page(1, 0), *on_page(2, 1, 2)))

    assert [1, 1, 2] == first
    assert [1, 2, 2] == [traced_page(ledger, f"m-{number}") for number in range(3)]
    assert ((), ()) == (changes.resources, changes.history)


def test_a_sweep_of_one_call_stores_no_ids() -> None:
    """Its only call explains every resource."""
    ledger = DecisionLedger()
    ledger.sweep(SweepResult(SweepOutcome.COMPLETE, on_page(1, 0, 1), trace=PAGES[:1]))

    assert ledger.scope.sweep_trace is not None
    assert ((), PAGES[0]) == (ledger.scope.sweep_trace.ids, ledger.scope.sweep_trace.of("m-1").call)


def test_a_missing_machine_is_explained_by_the_sweep_that_saw_it_last() -> None:
    """Its row takes over the trace that the scope stored for its previous listing."""
    ledger = DecisionLedger()
    ledger.sweep(two_pages(*on_page(1, 0), *on_page(2, 1)))
    ledger.sweep(two_pages(*on_page(1, 1), *on_page(2, 0)))
    seen_at = ledger.now
    ledger.advance(60)
    ledger.sweep(two_pages(*on_page(1, 1)))
    ledger.advance(60)
    ledger.sweep(two_pages(*on_page(1, 1)))

    trace = ledger.machine("m-0").trace
    assert trace is not None
    assert (seen_at, PAGES[1]) == (trace.sent_at, trace.call)


def test_a_probe_explains_the_machine_that_it_shows() -> None:
    """Until a later sweep shows the machine again."""
    ledger = DecisionLedger()
    ledger.sweep(two_pages(*on_page(1, 0), *on_page(2, 1)))
    ledger.probe("m-0", ProbeResult("found", replace(machine("m-0"), call=0), trace=(PROBE,)))
    trace = ledger.machine("m-0").trace
    ledger.sweep(two_pages(*on_page(2, 0, 1)))

    assert trace is not None
    assert (ObservationSource.PROBE, PROBE) == (trace.source, trace.call)
    assert 2 == traced_page(ledger, "m-0")


def test_failed_flights_are_stored_until_one_succeeds() -> None:
    """The sweeps of a scope and the probes of a machine, newest last. None of them is a change in the history."""
    ledger = DecisionLedger()
    ledger.sweep(complete(machine("m-0")))
    reasons = [StaleReason.VENDOR_DOWN, StaleReason.TIMED_OUT]
    histories = [ledger.sweep(failed_sweep(reason)).history for reason in reasons]
    histories += [ledger.probe("m-0", result).history for result in (LATE_PROBE, ProbeResult("gone"))]
    sweeps = [(flight.source, flight.reason) for flight in ledger.scope.failed_flights]
    probes = [(flight.source, flight.reason) for flight in ledger.machine("m-0").failed_flights]
    ledger.probe("m-0", ProbeResult("found", machine("m-0")))
    ledger.sweep(complete(machine("m-0")))

    assert [(ObservationSource.SWEEP, reason) for reason in reasons] == sweeps
    assert [(ObservationSource.PROBE, reason) for reason in (StaleReason.TIMED_OUT, StaleReason.ABSENT)] == probes
    assert [()] * 4 == histories
    assert ((), ()) == (ledger.scope.failed_flights, ledger.machine("m-0").failed_flights)


def test_only_the_newest_failed_flights_are_stored() -> None:
    """A cloud that is down for a week does not fill the database."""
    ledger = DecisionLedger()
    for _ in range(MAX_FAILED_FLIGHTS + 3):
        ledger.sweep(failed_sweep(StaleReason.VENDOR_DOWN))

    numbers = [flight.number for flight in ledger.scope.failed_flights]
    assert list(range(4, MAX_FAILED_FLIGHTS + 4)) == numbers


def test_a_deletion_reported_by_the_vendor_is_explained() -> None:
    """The tombstone keeps the call that reported it, whatever is listed later."""
    ledger = DecisionLedger()
    ledger.sweep(two_pages(*on_page(1, 0, 1)))
    gone = replace(machine("m-0", status=ResourceStatus.DELETED, vendor_status="terminated"), call=1)
    ledger.sweep(two_pages(*on_page(1, 1), gone))
    ledger.sweep(two_pages(*on_page(1, 1)))

    assert 2 == traced_page(ledger, "m-0")


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
    """After all events in every order, the trace has the instant and the kind of the last sighting."""
    ledger = DecisionLedger()
    ledger.sweep(two_pages(*on_page(1, *range(5))))
    numbers: dict[UUID, int] = {}
    for flight in flights:
        _play(ledger, flight, late=late)
        for record in ledger.machines():
            assert record.trace is not None
            assert (record.seen_at, record.seen_source) == (record.trace.sent_at, record.trace.source)
            assert numbers.get(record.resource_id, 0) <= record.seen_no
            numbers[record.resource_id] = record.seen_no


def _play(ledger: DecisionLedger, flight: tuple[str, object, object], *, late: bool) -> None:
    """Apply a flight. `late`: a sweep sent after it is applied before it."""
    kind, subject, outcome = flight
    ledger.advance(50)
    ticket = ledger.draw()
    if late:
        ledger.sweep(two_pages(*on_page(2, 1, 2)))
    if kind == "sweep":
        assert isinstance(subject, frozenset)
        assert isinstance(outcome, SweepOutcome)
        observations = () if outcome is SweepOutcome.FAILED else on_page(1, *sorted(subject))
        ledger.sweep(SweepResult(outcome, observations, trace=PAGES), ticket=ticket)
    else:
        results = {
            "found": ProbeResult("found", replace(machine(f"m-{subject}"), call=0), trace=(PROBE,)),
            "gone": ProbeResult("gone"),
            "failed": LATE_PROBE,
        }
        ledger.probe(f"m-{subject}", results[str(outcome)], ticket=ticket)
