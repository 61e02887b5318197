"""The operator's confirmation of a suspect scope: what it deletes, and what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.enums import ObservationSource, ScopeState, StaleReason
from domain.records.model import Changes
from domain.records.observation import Problem, SweepOutcome, SweepResult
from tests.observations import complete, machine
from tests.reconcile.rules.ledger import DecisionLedger

FOUR = tuple(machine(f"m-{number}") for number in range(4))


def suspect_ledger(*, seconds: float = 600, probes: bool = True) -> DecisionLedger:
    """Four machines, three of which are missing from a listing `seconds` after they were first seen."""
    ledger = DecisionLedger(probes=probes)
    ledger.sweep(complete(*FOUR))
    ledger.advance(seconds)
    ledger.sweep(complete(FOUR[0]))
    return ledger


def deleted_flags(ledger: DecisionLedger) -> list[bool]:
    """Return for each machine whether it is deleted."""
    return [record.deleted for record in ledger.machines()]


@pytest.mark.parametrize("probes", [True, False])
def test_a_confirmation_deletes_what_a_suspect_scope_lacks(probes: bool) -> None:
    """At once, with a flight number of its own and the operator as the source. The scope is OK afterwards."""
    ledger = suspect_ledger(probes=probes)
    changes = ledger.confirm()

    assert [False, True, True, True] == deleted_flags(ledger)
    assert (ScopeState.OK, 1, None) == (ledger.scope.state, ledger.scope.held, ledger.scope.problem)
    assert {(ObservationSource.OPERATOR, 3)} == {(entry.source, entry.flight_no) for entry in changes.history}
    assert 3 == sum(entry.field == "status" and entry.after == "DELETED" for entry in changes.history)


def test_the_next_listing_is_accepted() -> None:
    """A sweep after the confirmation finds nothing in doubt."""
    ledger = suspect_ledger()
    ledger.confirm()
    ledger.sweep(complete(FOUR[0]))

    assert ScopeState.OK is ledger.scope.state


def test_a_newer_sighting_revives_the_same_resource() -> None:
    """If the operator was wrong, the UUID stays the same."""
    ledger = suspect_ledger()
    before = ledger.machine("m-2").resource_id
    ledger.confirm()
    ledger.sweep(complete(*FOUR))

    assert (before, [False] * 4) == (ledger.machine("m-2").resource_id, deleted_flags(ledger))


def test_the_grace_period_applies() -> None:
    """A listing within the grace period proves nothing, even with a confirmation. The scope stays suspect."""
    ledger = suspect_ledger(seconds=60)
    ledger.confirm()

    assert [False] * 4 == deleted_flags(ledger)
    assert ScopeState.SUSPECT is ledger.scope.state


def test_a_confirmation_adopts_other_credentials() -> None:
    """A resource that the new account lacks is deleted, and its next listings are judged like any other's."""
    ledger = DecisionLedger()
    ledger.sweep(complete(*FOUR))
    ledger.advance(600)
    ledger.credential = "another"
    ledger.sweep(complete(FOUR[0]))
    detail = ledger.scope.problem_detail
    ledger.confirm()
    ledger.sweep(complete(FOUR[0], machine("m-9")))

    assert detail is not None
    assert "credentials" in detail
    assert [False, True, True, True, False] == deleted_flags(ledger)
    assert (ScopeState.OK, 2) == (ledger.scope.state, ledger.scope.held)


def test_a_later_failure_stays() -> None:
    """The suspicion ends. The failure after it and its hold stay."""
    ledger = suspect_ledger()
    ledger.sweep(SweepResult(SweepOutcome.FAILED, (), Problem(StaleReason.VENDOR_DOWN, "500")))
    ledger.confirm()

    assert [False, True, True, True] == deleted_flags(ledger)
    assert (ScopeState.FAILED, 1) == (ledger.scope.state, ledger.scope.failures)
    assert ledger.scope.hold_until is not None


@given(present=st.frozensets(st.integers(0, 5)), seconds=st.sampled_from([0, 119, 120, 600]))
def test_no_listed_machine_is_deleted(present: frozenset[int], seconds: int) -> None:
    """This holds for every listing, in a suspect scope or not. Without a missing machine it changes nothing."""
    ledger = DecisionLedger()
    ledger.sweep(complete(*(machine(f"m-{number}") for number in range(6))))
    ledger.advance(seconds)
    ledger.sweep(complete(*(machine(f"m-{number}") for number in sorted(present))))
    changes = ledger.confirm()

    deleted = {number for number, is_deleted in enumerate(deleted_flags(ledger)) if is_deleted}
    expected = set(range(6)) - present if seconds >= 120 else set()
    assert expected == deleted
    assert expected or present != set(range(6)) or changes == Changes()
