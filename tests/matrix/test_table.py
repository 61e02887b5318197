"""The table of the fault matrix itself."""

from __future__ import annotations

import pytest

from tests.matrix.faults import FAULTS
from tests.matrix.player import When
from tests.matrix.players import players
from tests.matrix.table import CANNOT_BE, load
from vendors import registry


def test_it_has_every_cell_once_and_no_other() -> None:
    """Every fault met by every kind of flight of every vendor that exists."""
    every = {(vendor, when.value, fault.name) for vendor in registry.names() for when in When for fault in FAULTS}

    assert every == set(load())
    assert len({fault.slug for fault in FAULTS}) == len(FAULTS)


def test_what_cannot_be_says_why() -> None:
    """A cell is left out for a reason that stands in its row; and nothing else has one."""
    for row in load().values():
        assert (row.verdict == CANNOT_BE) == bool(row.note)
        assert (row.verdict == CANNOT_BE) == (players()[row.vendor].impossible(row.fault, When(row.when)) is not None)


def test_nothing_but_the_vendors_own_words_deletes() -> None:
    """Of all cells only probes that are told "no such thing" in these words end in `gone`."""
    gone = {(row.when, row.fault) for row in load().values() if row.verdict == "gone"}

    assert {(When.PROBE, "404 in the vendor's words")} == gone


def test_a_vendor_without_a_double_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later vendor fails here until it plays, and the error says what to add."""
    monkeypatch.setattr(registry, "names", lambda: ("aws", "later"))
    with pytest.raises(LookupError, match=r"tests/matrix/players/later\.py"):
        players()
