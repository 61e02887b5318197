"""Every proof runs in a loop whose time can be stopped, and calls vendors without the limits of a single call."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pytest

from tests.proofs.support.stoppable_loop import HANG_SECONDS, StoppableLoop
from vendors.client import transport


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, type[StoppableLoop]]:
    """Run the tests of this folder in a stoppable loop."""
    return {"stoppable": StoppableLoop}


@pytest.fixture(autouse=True)
def patient_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a call to a double take as long as a busy machine needs. `tests/vendors/test_transport.py` tests these limits."""
    patient = partial(
        transport.TransportLimits, connect_seconds=HANG_SECONDS, read_seconds=HANG_SECONDS, call_seconds=HANG_SECONDS
    )
    monkeypatch.setattr(transport, "TransportLimits", patient)
