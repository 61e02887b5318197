"""Upgrades from every schema revision to the current one preserve the rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
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
QUERY = "SELECT s.swept_no, r.status, l.to_vendor_id FROM accounts a JOIN scopes s USING (account_id) "
QUERY += "JOIN resources r USING (scope_id) JOIN links l ON l.from_id = r.resource_id"


@pytest.fixture
async def empty_engine(backend: DatabaseBackend) -> AsyncIterator[AsyncEngine]:
    """Yield an engine on a database without tables."""
    async with backend.empty() as url:
        engine = make_engine(url)
        yield engine
        await engine.dispose()


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_database_with_rows_is_upgraded(empty_engine: AsyncEngine, revision: str) -> None:
    """No row is lost, and every foreign key has its target."""

    def upgrade(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), revision)

    async with write_transaction(empty_engine) as connection:
        await connection.run_sync(upgrade)
        for statement in ROWS.split(";\n"):
            await connection.execute(text(statement))
    await migrate(empty_engine)
    async with empty_engine.connect() as connection:
        assert [(7, "RUNNING", "v-1")] == [tuple(row) for row in await connection.execute(text(QUERY))]
        if empty_engine.dialect.name == "sqlite":
            assert [] == list(await connection.execute(text("PRAGMA foreign_key_check")))


async def test_spans_of_evidence_start_with_the_upgrade(empty_engine: AsyncEngine) -> None:
    """How much time passed before is unknown. Missing and deleted resources have a start, and the account keeps its identity."""

    def upgrade(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), "0001")

    async with write_transaction(empty_engine) as connection:
        await connection.run_sync(upgrade)
        for statement in ROWS.split(";\n"):
            await connection.execute(text(statement))
        await connection.execute(
            text(
                "UPDATE resources SET missing_since = 't', absent_no = 8, first_absence_no = 8, first_absence_at = 't'"
            )
        )
    await migrate(empty_engine)
    query = (
        "SELECT first_seen_elapsed, missing_elapsed, first_absence_elapsed, deleted_elapsed, identity, elapsed, pauses "
    )
    query += "FROM resources JOIN accounts USING (account_id)"
    async with empty_engine.connect() as connection:
        rows = await connection.execute(text(query))
        assert [(0.0, 0.0, 0.0, None, "lab", 0.0, "[]")] == [tuple(row) for row in rows]


async def test_two_processes_can_migrate_at_once(empty_engine: AsyncEngine) -> None:
    """One of them migrates, and the other has nothing to do."""
    await asyncio.gather(migrate(empty_engine), migrate(empty_engine))


async def test_a_downgrade_can_be_upgraded_again(empty_engine: AsyncEngine) -> None:
    """Downgrading to nothing drops every table."""

    def downgrade(connection: Connection) -> set[str]:
        command.downgrade(alembic_config(connection), "base")
        return set(inspect(connection).get_table_names())

    await migrate(empty_engine)
    async with write_transaction(empty_engine) as connection:
        assert {"alembic_version"} == await connection.run_sync(downgrade)
    await migrate(empty_engine)
