"""Write a population into a database that the gateway's own migrations created."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import asyncpg

from benchmarks.population import BenchPopulation, Row
from db.database import Database
from tests.doubles.postgresql import USER, PostgresServer

_VIEWS: Final = Path(__file__).parent / "peers" / "views.sql"


async def create_tables(url: str) -> None:
    """Create the tables as `supplygraph serve` does."""
    database = Database.open(url)
    try:
        await database.migrate()
    finally:
        await database.close()


async def seed_postgres(server: PostgresServer, name: str, population: BenchPopulation) -> None:
    """Create a database with the population and the views of the peers, and update its statistics."""
    await server.run(f'CREATE DATABASE "{name}"')
    await create_tables(server.url(name))
    connection = await asyncpg.connect(host=str(server.folder), port=server.port, user=USER, database=name)
    try:
        for table, rows in population.tables.items():
            columns = list(rows[0])
            await connection.copy_records_to_table(table, records=_values(rows, columns), columns=columns)
        await connection.execute(_VIEWS.read_text(encoding="utf-8"))
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


async def seed_sqlite(file: Path, population: BenchPopulation) -> None:
    """Create a SQLite file with the population."""
    await create_tables(f"sqlite+aiosqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection, connection:
        for table, rows in population.tables.items():
            columns = list(rows[0])
            marks = ", ".join("?" for _ in columns)
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own names
            connection.executemany(statement, _values(rows, columns))


def _values(rows: list[Row], columns: list[str]) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in columns) for row in rows]
