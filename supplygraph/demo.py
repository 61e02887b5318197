"""The sandbox: two accounts of a simulated cloud behind real HTTP, for `serve` without a configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pydantic import SecretStr

from domain.timestamps import Clock
from sandbox.http.server import SandboxServer
from sandbox.world import World
from supplygraph.config.settings import AccountSettings
from vendors.api_key import KeySettings
from vendors.base import ApiKey

# The cloud listens only on the loopback interface and contains only simulated data. The keys are constant, because
# changed keys would look like the credentials of another account.
_KEYS: Final = {"sandbox-research": "sandbox-key-research", "sandbox-serving": "sandbox-key-serving"}
_SEED: Final = 20_260_131


@asynccontextmanager
async def sandbox_accounts(clock: Clock) -> AsyncIterator[tuple[AccountSettings, ...]]:
    """Run the simulated cloud on a free loopback port; yields its accounts."""
    async with SandboxServer(World.default(clock, _SEED, _KEYS)) as server:
        yield tuple(
            AccountSettings(
                name=name,
                vendor="sandbox",
                endpoint=server.url,
                own=KeySettings(credentials=ApiKey(api_key=SecretStr(key))),
            )
            for name, key in _KEYS.items()
        )
