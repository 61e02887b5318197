"""Concurrent writers on SQLite do not block readers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import text

from db.engine import ConnectionSettings, make_engine, read_transaction, write_transaction

WRITERS = 30


async def test_waiting_writers_hold_no_connection(tmp_path: Path) -> None:
    """While one transaction writes and 29 wait, a read succeeds through a pool of two. All writers finish in the end."""
    engine = make_engine(
        f"sqlite+aiosqlite:///{tmp_path / 'record.db'}", ConnectionSettings(pool_size=2, pool_wait_seconds=0.5)
    )
    proceed, finished = asyncio.Event(), []

    async def write(number: int) -> None:
        async with write_transaction(engine):
            await proceed.wait()
            finished.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(WRITERS):
            tasks.create_task(write(number))
        await asyncio.sleep(0)
        async with read_transaction(engine) as connection:
            assert 1 == await connection.scalar(text("SELECT 1"))
        assert [] == finished
        proceed.set()
    await engine.dispose()

    assert list(range(WRITERS)) == finished


def test_an_engine_can_be_used_in_several_event_loops(tmp_path: Path) -> None:
    """Writers in a new event loop do not wait for a lock of the previous loop."""
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'record.db'}")

    async def write_twice() -> None:
        async def write() -> None:
            async with write_transaction(engine) as connection:
                await connection.execute(text("SELECT 1"))

        await asyncio.gather(write(), write())
        await engine.dispose()

    for _ in range(2):
        asyncio.run(write_twice())
