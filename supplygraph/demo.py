"""What `serve` runs on where nothing is configured: two accounts of a simulated cloud of our own, behind real HTTP."""

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

# The cloud listens on the loopback alone and holds nothing but inventions. The same keys each time: another key would look
# like another account's credentials.
_KEYS: Final = {"sandbox-research": "sandbox-key-research", "sandbox-serving": "sandbox-key-serving"}
_SEED: Final = 20_260_131


@asynccontextmanager
async def sandbox_accounts(clock: Clock) -> AsyncIterator[tuple[AccountSettings, ...]]:
    """Run the simulated cloud on a free port of the loopback; the accounts that it serves."""
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
