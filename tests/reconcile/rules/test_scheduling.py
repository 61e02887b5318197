"""The action for a refresh request, as a decision over values."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.enums import ResourceKind
from domain.records.model import ScopeKey, ScopeRecord
from reconcile.rules.scheduling import Action, SchedulingInput, Underway, choose_action, hold_end, hold_seconds
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
DEMANDS = st.builds(
    SchedulingInput,
    not_before=INSTANT,
    in_order=st.booleans(),
    probes=st.none() | st.integers(1, 3),
    sweep_calls=st.integers(1, 5),
)
SENDING = {Action.START, Action.QUEUE, Action.PROBE}


@given(scope=SCOPES, underway=UNDERWAY, demand=DEMANDS)
def test_nothing_is_sent_while_a_scope_is_held(scope: ScopeRecord, underway: Underway, demand: SchedulingInput) -> None:
    """Forced or not: a held scope is answered from the database, unless a running sweep serves the reader."""
    if scope.hold_until is not None and scope.hold_until > START:
        assert choose_action(scope, underway, demand, START) not in SENDING


@given(scope=SCOPES, underway=UNDERWAY, demand=DEMANDS)
def test_at_most_one_sweep_runs_and_one_is_queued(
    scope: ScopeRecord, underway: Underway, demand: SchedulingInput
) -> None:
    """A sweep starts only if none runs, and is queued only if none is queued."""
    action = choose_action(scope, underway, demand, START)
    assert not (action is Action.START and underway.running)
    assert not (action is Action.QUEUE and (underway.queued or not underway.running))


@given(scope=SCOPES, underway=UNDERWAY, demand=DEMANDS)
def test_a_reader_joins_only_a_sweep_that_was_sent_late_enough(
    scope: ScopeRecord, underway: Underway, demand: SchedulingInput
) -> None:
    """By the database's clock and by the order of events."""
    if choose_action(scope, underway, demand, START) is Action.JOIN_RUNNING and underway.sent_at is not None:
        assert demand.not_before <= underway.sent_at <= START
        assert demand.in_order


@given(scope=SCOPES, underway=UNDERWAY, demand=DEMANDS)
def test_a_settled_demand_costs_nothing(scope: ScopeRecord, underway: Underway, demand: SchedulingInput) -> None:
    """A scope that was swept late enough, or is not configured, needs no flight. A time in the future does not count."""
    tried = scope.tried_at
    settled = not scope.configured or (tried is not None and demand.not_before <= tried <= START)
    assert settled == (choose_action(scope, underway, demand, START) is Action.SETTLED)


@given(scope=SCOPES, underway=UNDERWAY, demand=DEMANDS)
def test_probes_are_sent_if_they_cost_less_or_an_earlier_sweep_runs(
    scope: ScopeRecord, underway: Underway, demand: SchedulingInput
) -> None:
    """Otherwise one listing refreshes the whole scope."""
    if choose_action(scope, underway, demand, START) is Action.PROBE:
        assert demand.probes is not None
        assert underway.running or demand.probes < demand.sweep_calls


@given(failures=st.integers(1, 1000), jitter=st.floats(0, 1))
def test_holds_double_to_a_limit_and_are_never_shorter_than_the_first(failures: int, jitter: float) -> None:
    """From five seconds to a minute, with up to a fifth of jitter added."""
    seconds = hold_seconds(failures, 5, 60, jitter)
    assert 5 <= seconds <= 72
    assert seconds <= hold_seconds(failures + 1, 5, 60, jitter)


@given(seconds=st.floats(1, 100), retry_after=st.none() | st.integers(-100, 100_000))
def test_a_hold_lasts_until_the_vendors_retry_time_but_no_longer_than_an_hour(
    seconds: float, retry_after: int | None
) -> None:
    """It is never shorter than the hold of its failures."""
    own_end = START + timedelta(seconds=seconds)
    retry_at = None if retry_after is None else START + timedelta(seconds=retry_after)
    end = hold_end(START, seconds, retry_at)
    assert own_end <= end <= START + timedelta(hours=1)
    assert retry_at is None or end >= min(retry_at, START + timedelta(hours=1))
    assert retry_at is not None or end == own_end
