"""The fixture that every test of the route uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Capture the logs. Without a configuration, structlog prints each traceback with all variables, which takes seconds."""
    with capture_logs():
        yield
