"""What the tests of the matrix share: a third of the cells of one kind of flight, each against its row of the committed table.

Each vendor meets each fault in one kind of flight; `python -m tests.matrix` plays them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.matrix.faults import FAULTS
from tests.matrix.judging import Outcome
from tests.matrix.player import When
from tests.matrix.run import run
from tests.matrix.table import Key, Row, load
from vendors import registry


def cells(when: When) -> list[str]:
    """The third of these flights."""
    turn = list(When).index(when)
    return [
        f"{vendor} {fault.name}"
        for row, vendor in enumerate(registry.names())
        for column, fault in enumerate(FAULTS)
        if (row + column) % len(When) == turn
    ]


def ran(when: When) -> Mapping[str, Outcome]:
    """The third of these flights, run beside each other."""
    return asyncio.run(run(when, chosen=cells(when)))


def compare(when: When, cell: str, outcomes: Mapping[str, Outcome]) -> None:
    """Fail where the cell came to something else than its row, or to what must never be."""
    vendor, _, fault = cell.partition(" ")
    key = Key(vendor, when, fault)
    expected: Row | None = load().get(key)
    if expected is None:
        pytest.fail(
            f"expected.csv has no row of {' | '.join(key)}: `python -m tests.matrix --write`, and judge what it says"
        )
    came = outcomes[cell]
    # How long it took is the machine's matter here; whoever runs the whole matrix compares that too.
    if replace(expected, seconds="") != replace(came.row, seconds=""):
        pytest.fail(f"expected {expected.text}\n  came to {came.row.text}")
    if came.amiss:
        pytest.fail("\n".join([came.row.text, *came.amiss]))
