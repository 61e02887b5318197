"""What every test of the route needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Keep logged faults out of the output: unconfigured, structlog draws each with every variable, for seconds."""
    with capture_logs():
        yield
