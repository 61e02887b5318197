"""Whether a listing is plausible: another tenant's key or listing must never make our resources look deleted."""

from __future__ import annotations

from domain.enums import ScopeState
from domain.records.observation import ProbeResult
from tests.observations import complete, machine
from tests.reconcile.rules.ledger import DecisionLedger

GONE = ProbeResult("gone")
OURS = tuple(machine(f"ours-{number}") for number in range(2))
THEIRS = tuple(machine(f"theirs-{number}") for number in range(4))


def assert_suspect_and_ours_alive(ledger: DecisionLedger) -> None:
    """Assert that the scope is suspect and that none of our machines was deleted."""
    ours = [record for record in ledger.machines() if record.vendor_id.startswith("ours")]
    assert (ScopeState.SUSPECT, False) == (ledger.scope.state, any(record.deleted for record in ours))


def sweep_with_their_key(ledger: DecisionLedger) -> None:
    """For half an hour, another tenant's key lists that tenant's machines and reports ours as gone."""
    ledger.credential = "theirs"
    for _ in range(6):
        ledger.advance(300)
        ledger.sweep(complete(*THEIRS))
        for observation in OURS:
            ledger.probe(observation.vendor_id, GONE)


def test_missing_machines_do_not_prove_the_key_that_shows_them() -> None:
    """Another tenant's machines were in one wrong listing and have been missing since: they do not prove its key."""
    ledger = DecisionLedger()
    ledger.sweep(complete(*OURS))
    ledger.advance(600)
    ledger.sweep(complete(*THEIRS))
    ledger.advance(5)
    ledger.sweep(complete(*OURS))
    sweep_with_their_key(ledger)
    assert_suspect_and_ours_alive(ledger)


def test_machines_that_the_last_good_listing_lacked_do_not_prove_a_key_that_shows_them_again() -> None:
    """Another tenant's machines were listed long ago, went missing, and are listed again: that does not prove its key."""
    ledger = DecisionLedger()
    ledger.sweep(complete(*OURS))
    ledger.advance(600)
    ledger.sweep(complete(*OURS, *THEIRS[:2]))
    ledger.advance(5)
    ledger.sweep(complete(*OURS))
    assert ScopeState.OK is ledger.scope.state
    for _ in range(3):
        for observations in (THEIRS[:2], OURS, THEIRS[:2]):
            ledger.advance(5)
            ledger.sweep(complete(*observations))
    sweep_with_their_key(ledger)
    assert_suspect_and_ours_alive(ledger)


def test_machines_first_shown_by_a_listing_in_doubt_do_not_prove_a_key() -> None:
    """The last listing by our own key was another tenant's: that this tenant's key shows the same proves nothing."""
    ledger = DecisionLedger()
    ledger.sweep(complete(*OURS))
    ledger.advance(600)
    ledger.sweep(complete(*THEIRS))
    for observation in OURS:
        ledger.probe(observation.vendor_id, ProbeResult("found", observation))
    sweep_with_their_key(ledger)
    assert_suspect_and_ours_alive(ledger)


def test_a_key_must_show_half_of_what_our_key_listed_last() -> None:
    """The very first listing was another tenant's, unnoticed. What our key showed next counts."""
    ledger = DecisionLedger()
    ledger.sweep(complete(*THEIRS))
    ledger.advance(600)
    ledger.sweep(complete(*OURS))
    sweep_with_their_key(ledger)
    assert_suspect_and_ours_alive(ledger)


def test_machines_that_are_already_missing_do_not_hide_how_many_others_are() -> None:
    """Two of the three machines of the last good listing are missing: the scope is suspect, although two others reappear."""
    ledger = DecisionLedger()
    others = tuple(machine(f"other-{number}") for number in range(2))
    ledger.sweep(complete(*OURS, machine("ours-3"), *others))
    ledger.advance(600)
    ledger.sweep(complete(*OURS, machine("ours-3")))
    with_two_of_five_missing = ledger.scope.state
    ledger.advance(5)
    ledger.sweep(complete(machine("ours-3"), *others))
    with_two_of_three_missing = ledger.scope.state
    assert (ScopeState.OK, ScopeState.SUSPECT) == (with_two_of_five_missing, with_two_of_three_missing)


def test_a_new_key_that_shows_everything_after_an_empty_listing_is_accepted() -> None:
    """The listing was empty, the operator changes the key, and everything is listed again."""
    ledger = DecisionLedger()
    ledger.sweep(complete(*OURS))
    ledger.advance(600)
    ledger.sweep(complete())
    assert 2 == sum(record.missing_since is not None for record in ledger.machines())
    ledger.credential = "new"
    ledger.advance(5)
    ledger.sweep(complete(*OURS))
    assert (ScopeState.OK, [None, None]) == (ledger.scope.state, [record.missing_since for record in ledger.machines()])
