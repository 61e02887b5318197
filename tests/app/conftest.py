"""Fixtures of the application tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.app.harness import GatewayHarness, run_gateway


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    """Run a complete gateway over a simulated cloud."""
    async with run_gateway(tmp_path) as gateway:
        yield gateway
