"""Synchronizes the recorded accounts and scopes with the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.locks import AdvisoryLock, acquire
from db.tables import accounts, scopes
from domain.enums import ScopeState
from domain.errors import ConfigurationError
from domain.ports import AccountSetup
from domain.records.identity import account_identity


async def sync_accounts(connection: AsyncConnection, setups: Sequence[AccountSetup]) -> bool:
    """Insert new accounts and scopes, and mark every account and scope as configured or not configured.

    Rows of accounts that are no longer configured stay. Return whether the set of configured accounts or their id spaces changed.
    """
    await acquire(connection, AdvisoryLock.CONFIGURING)
    # All accounts are locked in the same order, so that concurrent applies of other processes are not overwritten.
    statement = select(accounts).order_by(accounts.c.account_id).with_for_update(key_share=True)
    recorded = {row.name: row for row in await connection.execute(statement)}
    for setup in setups:
        row = recorded.get(setup.name)
        if row is not None and row.vendor != setup.vendor:
            raise ConfigurationError(
                f"account '{setup.name}' was recorded with the vendor '{row.vendor}' but is now configured with "
                f"'{setup.vendor}'; give the new account another name"
            )
    await connection.execute(update(accounts).values(configured=False))
    await connection.execute(update(scopes).values(configured=False))
    identities = {row.identity for row in recorded.values()}
    for setup in setups:
        row = recorded.get(setup.name)
        if row is None:
            account_id = await _insert_account(connection, setup, account_identity(setup.name, identities))
        else:
            account_id = await _update_account(connection, setup, row.account_id)
        await _upsert_scopes(connection, setup, account_id)
    before = {(name, row.id_space) for name, row in recorded.items() if row.configured}
    return before != {(setup.name, setup.id_space) for setup in setups}


def _values(setup: AccountSetup) -> dict[str, object]:
    return {"configured": True, "cooldown_seconds": setup.cooldown_seconds, "id_space": setup.id_space}


async def _update_account(connection: AsyncConnection, setup: AccountSetup, account_id: int) -> int:
    await connection.execute(update(accounts).where(accounts.c.account_id == account_id).values(_values(setup)))
    return account_id


async def _insert_account(connection: AsyncConnection, setup: AccountSetup, identity: str) -> int:
    values = {"name": setup.name, "vendor": setup.vendor, "identity": identity, **_values(setup)}
    inserted = await connection.execute(insert(accounts).values(values).returning(accounts.c.account_id))
    return int(inserted.scalar_one())


async def _upsert_scopes(connection: AsyncConnection, setup: AccountSetup, account_id: int) -> None:
    mine = scopes.c.account_id == account_id
    recorded = {(row.kind, row.region): row.scope_id for row in await connection.execute(select(scopes).where(mine))}
    for kind, region in setup.scopes:
        scope_id = recorded.get((kind.value, region or ""))
        if scope_id is not None:
            await connection.execute(update(scopes).where(scopes.c.scope_id == scope_id).values(configured=True))
            continue
        await connection.execute(
            insert(scopes).values(
                account_id=account_id,
                kind=kind.value,
                region=region or "",
                configured=True,
                state=ScopeState.NEVER_SWEPT.value,
            )
        )
