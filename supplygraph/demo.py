"""The sandbox: two accounts of a simulated cloud behind real HTTP, for `serve` without a configuration."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from db.tokens import TokenRows
from domain.enums import Permission
from domain.timestamps import Clock
from sandbox.http.server import SandboxServer
from sandbox.world import World
from supplygraph.auth.tokens import digest_of, make
from supplygraph.config.settings import AccountSettings
from vendors.api_key import KeySettings
from vendors.base import ApiKey

# The cloud listens only on the loopback interface and contains only simulated data. The keys are constant, because
# changed keys would look like the credentials of another account.
_KEYS: Final = {"sandbox-research": "sandbox-key-research", "sandbox-serving": "sandbox-key-serving"}
_SEED: Final = 20_260_131
_TOKEN_NAME: Final = "sandbox"  # noqa: S105 - the name of a token


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


async def sandbox_token(tokens: TokenRows, database: Path | None, now: datetime) -> str:
    """Return a token for the sandbox with every permission: the one of the last run if it is still valid, else a new one.

    Its text is stored next to the database, in a file that only its owner can read. It opens nothing but simulated data.
    """
    file = None if database is None else database.with_suffix(".token")
    if file is not None and file.is_file():
        text = file.read_text(encoding="utf-8").strip()
        record = await tokens.by_digest(digest_of(text))
        if record is not None and record.valid_at(now):
            return text
    token = make(_TOKEN_NAME, Permission, None, now)
    await tokens.add(token.record, replace=True)
    if file is not None:
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(f"{token.text}\n")
    return token.text
