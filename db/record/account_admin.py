"""What the operator says of accounts: their names."""

from __future__ import annotations

import json

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.engine import read_transaction, write_transaction
from db.locks import AdvisoryLock, acquire
from db.revision import bump
from db.tables import accounts, tokens
from domain.errors import ConfigurationError


async def account_names(engine: AsyncEngine) -> tuple[str, ...]:
    """Every account that was ever recorded, by name."""
    async with read_transaction(engine) as connection:
        return tuple((await connection.scalars(select(accounts.c.name).order_by(accounts.c.name))).all())


async def require_account(engine: AsyncEngine, name: str) -> None:
    """Raises ConfigurationError, naming those that are recorded, where no account of this name is."""
    async with read_transaction(engine) as connection:
        await _account_id(connection, name)


async def rename(engine: AsyncEngine, old: str, new: str) -> None:
    """Give an account another name; its record and the tokens that see it go with it. Raises ConfigurationError."""
    async with write_transaction(engine) as connection:
        await acquire(connection, AdvisoryLock.CONFIGURING)
        await acquire(connection, AdvisoryLock.TOKENS)
        account_id = await _account_id(connection, old)
        if await connection.scalar(select(accounts.c.account_id).where(accounts.c.name == new)) is not None:
            raise ConfigurationError(f"an account named '{new}' is recorded already; an account's name is its identity")
        await connection.execute(update(accounts).where(accounts.c.account_id == account_id).values(name=new))
        for row in (await connection.execute(select(tokens).where(tokens.c.accounts.is_not(None)))).all():
            seen = json.loads(row.accounts)
            if old in seen:
                names = json.dumps(sorted({new if name == old else name for name in seen}))
                await connection.execute(update(tokens).where(tokens.c.token_id == row.token_id).values(accounts=names))
        await bump(connection)


async def _account_id(connection: AsyncConnection, name: str) -> int:
    found = await connection.scalar(select(accounts.c.account_id).where(accounts.c.name == name))
    if found is None:
        known = ", ".join(f"'{known}'" for known in await connection.scalars(select(accounts.c.name)))
        raise ConfigurationError(f"no account named '{name}' is recorded; recorded are: {known or 'none yet'}")
    return int(found)
