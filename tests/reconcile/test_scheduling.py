"""What a reader's want leads to, as a decision over values."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.enums import ResourceKind
from domain.records.model import ScopeKey, ScopeRecord
from reconcile.rules.scheduling import Action, SchedulingInput, Underway, choose, hold_seconds
from tests.clock import START

SECONDS = st.integers(-100, 100)
INSTANT = SECONDS.map(lambda seconds: START + timedelta(seconds=seconds))
SCOPES = st.builds(
    ScopeRecord,
    scope_id=st.just(1),
    key=st.just(ScopeKey("lab", ResourceKind.MACHINES, None)),
    configured=st.booleans(),
    tried_at=st.none() | INSTANT,
    hold_until=st.none() | INSTANT,
)
UNDERWAY = st.one_of(
    st.just(Underway()),
    st.builds(Underway, running=st.just(True), sent_at=st.none() | INSTANT, queued=st.booleans()),
)
QUESTIONS = st.builds(
    SchedulingInput,
    not_before=INSTANT,
    in_order=st.booleans(),
    probes=st.none() | st.integers(1, 3),
    sweep_calls=st.integers(1, 5),
)
STARTS = {Action.START, Action.QUEUE, Action.PROBE}


@given(scope=SCOPES, underway=UNDERWAY, question=QUESTIONS)
def test_nothing_is_sent_while_a_failure_is_held(
    scope: ScopeRecord, underway: Underway, question: SchedulingInput
) -> None:
    """Force or not: a held scope is answered from the record, unless a sweep that serves is running already."""
    if scope.hold_until is not None and scope.hold_until > START:
        assert choose(scope, underway, question, START) not in STARTS


@given(scope=SCOPES, underway=UNDERWAY, question=QUESTIONS)
def test_at_most_one_sweep_runs_and_one_is_queued(
    scope: ScopeRecord, underway: Underway, question: SchedulingInput
) -> None:
    """A sweep starts only where none runs, and is queued only where none is queued."""
    choice = choose(scope, underway, question, START)
    assert not (choice is Action.START and underway.running)
    assert not (choice is Action.QUEUE and (underway.queued or not underway.running))


@given(scope=SCOPES, underway=UNDERWAY, question=QUESTIONS)
def test_a_reader_joins_only_what_was_sent_late_enough(
    scope: ScopeRecord, underway: Underway, question: SchedulingInput
) -> None:
    """By the record's clock and by the order of events."""
    if choose(scope, underway, question, START) is Action.JOIN_RUNNING and underway.sent_at is not None:
        assert question.not_before <= underway.sent_at <= START
        assert question.in_order


@given(scope=SCOPES, underway=UNDERWAY, question=QUESTIONS)
def test_a_settled_demand_costs_nothing(scope: ScopeRecord, underway: Underway, question: SchedulingInput) -> None:
    """What was asked since, and what is not configured, is answered; a time in the future is no time."""
    tried = scope.tried_at
    settled = not scope.configured or (tried is not None and question.not_before <= tried <= START)
    assert settled == (choose(scope, underway, question, START) is Action.SETTLED)


@given(scope=SCOPES, underway=UNDERWAY, question=QUESTIONS)
def test_probes_serve_where_they_are_cheaper_or_a_sweep_is_in_the_way(
    scope: ScopeRecord, underway: Underway, question: SchedulingInput
) -> None:
    """Otherwise one listing freshens the whole scope."""
    if choose(scope, underway, question, START) is Action.PROBE:
        assert question.probes is not None
        assert underway.running or question.probes < question.sweep_calls


@given(failures=st.integers(1, 1000), jitter=st.floats(0, 1))
def test_holds_double_to_a_limit_and_are_never_shorter_than_the_first(failures: int, jitter: float) -> None:
    """Five seconds to a minute, a fifth of jitter on top."""
    held = hold_seconds(failures, 5, 60, jitter)
    assert 5 <= held <= 72
    assert held <= hold_seconds(failures + 1, 5, 60, jitter)
