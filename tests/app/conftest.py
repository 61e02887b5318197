"""Fixtures of the application tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.app.running import Running, running


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Running]:
    """Run a complete gateway over a simulated cloud."""
    async with running(tmp_path) as gateway:
        yield gateway
