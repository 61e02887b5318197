"""The committed table of the fault matrix."""

from __future__ import annotations

import pytest

from tests.matrix.faults import FAULTS
from tests.matrix.player import FlightKind
from tests.matrix.players import players
from tests.matrix.table import IMPOSSIBLE, load
from vendors import registry


def test_the_table_has_exactly_one_row_for_each_cell() -> None:
    """Every registered vendor meets every fault in every kind of flight."""
    cells = {
        (vendor, flight.value, fault.name) for vendor in registry.names() for flight in FlightKind for fault in FAULTS
    }

    assert cells == set(load())
    assert len({fault.slug for fault in FAULTS}) == len(FAULTS)


def test_impossible_cells_state_a_reason() -> None:
    """A row has a note if and only if its cell is impossible, and the note is the double's reason."""
    for row in load().values():
        reason = players()[row.vendor].why_impossible(row.fault, FlightKind(row.flight))
        assert (row.verdict == IMPOSSIBLE) == bool(row.note)
        assert (reason or "") == row.note


def test_only_the_vendors_own_words_delete() -> None:
    """Only a probe that is answered with the vendor's own "not found" ends in `gone`."""
    gone = {(row.flight, row.fault) for row in load().values() if row.verdict == "gone"}

    assert {(FlightKind.PROBE, "404 in the vendor's words")} == gone


def test_a_vendor_without_a_double_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the missing file."""
    monkeypatch.setattr(registry, "names", lambda: ("aws", "later"))
    with pytest.raises(LookupError, match=r"tests/matrix/players/later\.py"):
        players()
