"""Whether a listing can be believed: what another tenant's key or listing may show must never make ours look deleted."""

from __future__ import annotations

from domain.enums import ScopeState
from domain.records.observation import ProbeResult
from tests.observations import complete, machine
from tests.reconcile.ledger import Ledger

GONE = ProbeResult("gone")
OURS = tuple(machine(f"ours-{number}") for number in range(2))
THEIRS = tuple(machine(f"theirs-{number}") for number in range(4))


def all_of_ours_living(ledger: Ledger) -> bool:
    """Whether nothing of ours was deleted."""
    return not any(record.deleted for record in ledger.machines() if record.vendor_id.startswith("ours"))


def by_another_key(ledger: Ledger) -> None:
    """The key of another tenant lists its own machines for half an hour and denies ours."""
    ledger.credential = "theirs"
    for _ in range(6):
        ledger.advance(300)
        ledger.sweep(complete(*THEIRS))
        for one in OURS:
            ledger.probe(one.vendor_id, GONE)


def test_what_was_missing_does_not_prove_the_key_that_shows_it() -> None:
    """Machines of another tenant, told once by a wrong listing and missing since, do not make its key ours."""
    ledger = Ledger()
    ledger.sweep(complete(*OURS))
    ledger.advance(600)
    ledger.sweep(complete(*THEIRS))
    ledger.advance(5)
    ledger.sweep(complete(*OURS))
    by_another_key(ledger)
    assert (ScopeState.SUSPECT, True) == (ledger.scope.state, all_of_ours_living(ledger))


def test_what_the_last_good_listing_lacked_does_not_prove_a_key_that_shows_it_again() -> None:
    """Another tenant's machines, told long ago and missing since, are told once more: to its key that is no credit."""
    ledger = Ledger()
    ledger.sweep(complete(*OURS))
    ledger.advance(600)
    ledger.sweep(complete(*OURS, *THEIRS[:2]))
    ledger.advance(5)
    ledger.sweep(complete(*OURS))
    assert ScopeState.OK is ledger.scope.state
    for _ in range(3):
        for told in (THEIRS[:2], OURS, THEIRS[:2]):
            ledger.advance(5)
            ledger.sweep(complete(*told))
    by_another_key(ledger)
    assert (ScopeState.SUSPECT, True) == (ledger.scope.state, all_of_ours_living(ledger))


def test_what_a_listing_in_doubt_was_the_first_to_show_does_not_prove_a_key() -> None:
    """The last listing by our own key was another tenant's: that this tenant's key shows the same proves nothing."""
    ledger = Ledger()
    ledger.sweep(complete(*OURS))
    ledger.advance(600)
    ledger.sweep(complete(*THEIRS))
    for one in OURS:
        ledger.probe(one.vendor_id, ProbeResult("found", one))
    by_another_key(ledger)
    assert (ScopeState.SUSPECT, True) == (ledger.scope.state, all_of_ours_living(ledger))


def test_a_key_must_show_half_of_what_ours_listed_last_too() -> None:
    """The very first listing was another tenant's, and nobody knew; what our key showed next is what counts."""
    ledger = Ledger()
    ledger.sweep(complete(*THEIRS))
    ledger.advance(600)
    ledger.sweep(complete(*OURS))
    by_another_key(ledger)
    assert (ScopeState.SUSPECT, True) == (ledger.scope.state, all_of_ours_living(ledger))


def test_machines_that_are_missing_do_not_dilute_how_much_else_is() -> None:
    """Of two machines that the last good listing showed both are missing: the scope is suspect, whatever else is marked."""
    ledger = Ledger()
    gone = tuple(machine(f"gone-{number}") for number in range(2))
    ledger.sweep(complete(*OURS, machine("ours-3"), *gone))
    ledger.advance(600)
    ledger.sweep(complete(*OURS, machine("ours-3")))
    two_of_five = ledger.scope.state
    ledger.advance(5)
    ledger.sweep(complete(machine("ours-3"), *gone))
    two_of_the_three_that_were_held = ledger.scope.state
    assert (ScopeState.OK, ScopeState.SUSPECT) == (two_of_five, two_of_the_three_that_were_held)


def test_a_new_key_that_shows_what_the_old_one_last_could_not_is_believed() -> None:
    """The listing was empty, the operator changes the key, and all is there again."""
    ledger = Ledger()
    ledger.sweep(complete(*OURS))
    ledger.advance(600)
    ledger.sweep(complete())
    assert 2 == sum(one.missing_since is not None for one in ledger.machines())
    ledger.credential = "new"
    ledger.advance(5)
    ledger.sweep(complete(*OURS))
    assert (ScopeState.OK, [None, None]) == (ledger.scope.state, [one.missing_since for one in ledger.machines()])
