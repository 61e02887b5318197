"""The operator's word on a suspect scope: what it deletes, and what not even it deletes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.enums import ObservationSource, ScopeState, StaleReason
from domain.records.model import Changes
from domain.records.observation import Problem, SweepOutcome, SweepResult
from tests.observations import complete, machine
from tests.reconcile.ledger import Ledger

FOUR = tuple(machine(f"m-{number}") for number in range(4))


def suspect_ledger(*, waited: float = 600, probes: bool = True) -> Ledger:
    """Four machines, three of which the last listing lacks."""
    ledger = Ledger(probes=probes)
    ledger.sweep(complete(*FOUR))
    ledger.advance(waited)
    ledger.sweep(complete(FOUR[0]))
    return ledger


def statuses(ledger: Ledger) -> list[bool]:
    """Which of the machines are deleted."""
    return [record.deleted for record in ledger.machines()]


@pytest.mark.parametrize("probes", [True, False])
def test_what_a_suspect_scope_lacks_is_deleted(probes: bool) -> None:
    """At once, in the history as the operator's word, by a number of its own; the scope is well again."""
    ledger = suspect_ledger(probes=probes)
    changes = ledger.confirm()

    assert [False, True, True, True] == statuses(ledger)
    assert (ScopeState.OK, 1, None) == (ledger.scope.state, ledger.scope.held, ledger.scope.problem)
    told = {(entry.source, entry.flight_no) for entry in changes.history}
    assert {(ObservationSource.OPERATOR, 3)} == told
    assert 3 == sum(entry.field == "status" and entry.after == "DELETED" for entry in changes.history)


def test_a_listing_without_it_is_believed_afterwards() -> None:
    """The next sweep finds nothing in doubt."""
    ledger = suspect_ledger()
    ledger.confirm()
    ledger.sweep(complete(FOUR[0]))

    assert ScopeState.OK is ledger.scope.state


def test_a_newer_sighting_brings_the_same_resource_back() -> None:
    """The operator was wrong: the UUID is the same."""
    ledger = suspect_ledger()
    before = ledger.machine("m-2").resource_id
    ledger.confirm()
    ledger.sweep(complete(*FOUR))

    assert (before, [False] * 4) == (ledger.machine("m-2").resource_id, statuses(ledger))


def test_grace_is_kept() -> None:
    """A listing within the grace period is no evidence, whoever vouches for it; the scope stays suspect."""
    ledger = suspect_ledger(waited=60)
    ledger.confirm()

    assert [False] * 4 == statuses(ledger)
    assert ScopeState.SUSPECT is ledger.scope.state


def test_other_credentials_are_adopted() -> None:
    """What the new account lacks is gone, and its next listings are judged as any other's."""
    ledger = Ledger()
    ledger.sweep(complete(*FOUR))
    ledger.advance(600)
    ledger.credential = "another"
    ledger.sweep(complete(FOUR[0]))
    before = ledger.scope.problem_detail
    ledger.confirm()
    ledger.sweep(complete(FOUR[0], machine("m-9")))

    assert before is not None
    assert "credentials" in before
    assert [False, True, True, True, False] == statuses(ledger)
    assert (ScopeState.OK, 2) == (ledger.scope.state, ledger.scope.held)


def test_what_failed_since_is_told_on() -> None:
    """The suspicion ends; the failure and its hold stay."""
    ledger = suspect_ledger()
    ledger.sweep(SweepResult(SweepOutcome.FAILED, (), Problem(StaleReason.VENDOR_DOWN, "500")))
    ledger.confirm()

    assert [False, True, True, True] == statuses(ledger)
    assert (ScopeState.FAILED, 1) == (ledger.scope.state, ledger.scope.failures)
    assert ledger.scope.hold_until is not None


@given(present=st.frozensets(st.integers(0, 5)), waited=st.sampled_from([0, 119, 120, 600]))
def test_nothing_that_is_listed_is_deleted(present: frozenset[int], waited: int) -> None:
    """Whatever the listing showed; and in a scope that is not suspect the word changes nothing."""
    ledger = Ledger()
    ledger.sweep(complete(*(machine(f"m-{number}") for number in range(6))))
    ledger.advance(waited)
    ledger.sweep(complete(*(machine(f"m-{number}") for number in sorted(present))))
    in_doubt = ledger.scope.state is ScopeState.SUSPECT
    changes = ledger.confirm()

    deleted = {number for number, gone in enumerate(statuses(ledger)) if gone}
    expected = set(range(6)) - present if in_doubt and waited >= 120 else set()
    assert expected == deleted
    assert in_doubt or changes == Changes()
