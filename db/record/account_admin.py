"""Administration of recorded accounts: listing and renaming."""

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
    """Return the names of all recorded accounts, configured or not, in order."""
    async with read_transaction(engine) as connection:
        return tuple((await connection.scalars(select(accounts.c.name).order_by(accounts.c.name))).all())


async def require_account(engine: AsyncEngine, name: str) -> None:
    """Raise ConfigurationError, listing the recorded accounts, unless an account with this name is recorded."""
    async with read_transaction(engine) as connection:
        await _account_id(connection, name)


async def rename(engine: AsyncEngine, old: str, new: str) -> None:
    """Rename an account. Its rows and the tokens that see it follow the new name. Raises ConfigurationError."""
    async with write_transaction(engine) as connection:
        await acquire(connection, AdvisoryLock.CONFIGURING)
        await acquire(connection, AdvisoryLock.TOKENS)
        account_id = await _account_id(connection, old)
        if await connection.scalar(select(accounts.c.account_id).where(accounts.c.name == new)) is not None:
            raise ConfigurationError(f"an account named '{new}' already exists; choose another name")
        await connection.execute(update(accounts).where(accounts.c.account_id == account_id).values(name=new))
        for row in (await connection.execute(select(tokens).where(tokens.c.accounts.is_not(None)))).all():
            visible = json.loads(row.accounts)
            if old in visible:
                names = json.dumps(sorted({new if name == old else name for name in visible}))
                await connection.execute(update(tokens).where(tokens.c.token_id == row.token_id).values(accounts=names))
        await bump(connection)


async def _account_id(connection: AsyncConnection, name: str) -> int:
    account_id = await connection.scalar(select(accounts.c.account_id).where(accounts.c.name == name))
    if account_id is None:
        names = ", ".join(f"'{other}'" for other in await connection.scalars(select(accounts.c.name)))
        raise ConfigurationError(f"there is no account named '{name}'; recorded accounts: {names or 'none'}")
    return int(account_id)
