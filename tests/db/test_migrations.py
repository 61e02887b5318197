"""A database of every schema revision is upgraded to the current one and keeps its rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import make_engine, write_transaction
from db.migrations import alembic_config, migrate
from tests.databases import DatabaseBackend

REVISIONS = [step.revision for step in ScriptDirectory.from_config(alembic_config()).walk_revisions()][::-1]
ROWS = """\
INSERT INTO accounts (account_id, name, vendor, configured, cooldown_seconds) VALUES (1, 'lab', 'lambda', true, 30);
INSERT INTO scopes (scope_id, account_id, kind, region, configured, swept_no, state) VALUES (1, 1, 'MACHINES', '', true, 7, 'OK');
INSERT INTO resources (resource_id, account_id, scope_id, kind, vendor_id, generation, resource_type, vendor, vendor_region,
  created_at, first_seen_at, status, status_rank, has_access, spec_vendor, pricing_source, seen_no, seen_at,
  seen_source)
  VALUES ('a', 1, 1, 'MACHINES', 'm-1', 0, 'VM', 'lambda', 'unknown', 't', 't', 'RUNNING', 2, false, '{}',
    'NONE', 7, 't', 'SWEEP');
INSERT INTO links (account_id, owned, link_type, from_kind, from_vendor_id, from_id, to_kind, to_vendor_id, linked_since)
  VALUES (1, true, 'ATTACHED_STORAGE', 'MACHINES', 'm-1', 'a', 'VOLUMES', 'v-1', 't')"""
TOLD = "SELECT s.swept_no, r.status, l.to_vendor_id FROM accounts a JOIN scopes s USING (account_id) "
TOLD += "JOIN resources r USING (scope_id) JOIN links l ON l.from_id = r.resource_id"


@pytest.fixture
async def old(kept: DatabaseBackend) -> AsyncIterator[AsyncEngine]:
    """A database with nothing in it yet."""
    async with kept.empty() as url:
        engine = make_engine(url)
        yield engine
        await engine.dispose()


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_database_with_rows_is_upgraded(old: AsyncEngine, revision: str) -> None:
    """No row is lost and no foreign key is left dangling."""

    def upgrade(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), revision)

    async with write_transaction(old) as connection:
        await connection.run_sync(upgrade)
        for statement in ROWS.split(";\n"):
            await connection.execute(text(statement))
    await migrate(old)
    async with old.connect() as connection:
        assert [(7, "RUNNING", "v-1")] == [tuple(row) for row in await connection.execute(text(TOLD))]
        if old.dialect.name == "sqlite":
            assert [] == list(await connection.execute(text("PRAGMA foreign_key_check")))


async def test_two_processes_may_bring_one_up(old: AsyncEngine) -> None:
    """One of them does it, and the other finds it done."""
    await asyncio.gather(migrate(old), migrate(old))
