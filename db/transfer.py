"""Copies all rows of one database into another, for example from SQLite to PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Column, Table, delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.engine import is_postgresql, read_transaction, write_transaction
from db.revision import bump
from db.tables import accounts, data_revision, metadata, tokens
from domain.errors import ConfigurationError

_BATCH_ROWS: Final = 1_000
_WRITE_SECONDS: Final = 3_600


async def copy_rows(source: AsyncEngine, target: AsyncEngine) -> Mapping[str, int]:
    """Copy every row, and return how many rows each table has. Both databases must have the schema of this version.

    Everything is read from one snapshot and written in one transaction, a thousand rows at a time. Raises ConfigurationError
    if the target has accounts or tokens, and DatabaseUnavailable or RecordNotWritten if it cannot be written. Then the target
    stays empty.
    """
    tables = [table for table in metadata.sorted_tables if table is not data_revision]
    async with read_transaction(source) as reading, write_transaction(target, _WRITE_SECONDS) as writing:
        for table in (accounts, tokens):
            if await _count(writing, table):
                raise ConfigurationError(
                    f"--to: the database is not empty, its table {table.name} has rows; name a new one"
                )
        counts = {table.name: await _copy_table(reading, writing, table) for table in tables}
        if not await _count(writing, data_revision):
            await writing.execute(insert(data_revision).values(revision=0))
        await bump(writing)
    return counts


async def _copy_table(reading: AsyncConnection, writing: AsyncConnection, table: Table) -> int:
    await writing.execute(delete(table))
    columns = [column for column in table.columns if column.computed is None]
    ordered = select(*columns).order_by(*table.primary_key.columns)
    rows = await reading.stream(ordered.execution_options(yield_per=_BATCH_ROWS))
    async for batch in rows.mappings().partitions():
        await writing.execute(insert(table), [dict(row) for row in batch])
    copied = await _count(writing, table)
    if copied != await _count(reading, table):
        raise ConfigurationError(f"--to: not every row of {table.name} was copied; the database was left empty")
    for column in table.primary_key.columns:
        await _raise_sequence(writing, table, column)
    return copied


async def _count(connection: AsyncConnection, table: Table) -> int:
    return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


async def _raise_sequence(writing: AsyncConnection, table: Table, column: Column[int]) -> None:
    """Let PostgreSQL continue to number rows after the highest number. SQLite does this without help."""
    if not is_postgresql(writing):
        return
    sequence = await writing.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
    highest = None if sequence is None else await writing.scalar(select(func.max(column)))
    if highest is not None:
        await writing.execute(text("SELECT setval(:sequence, :highest)"), {"sequence": sequence, "highest": highest})
