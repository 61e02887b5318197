"""Many that write at once on SQLite leave connections to those who read."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import text

from db.engine import ConnectionSettings, make_engine, read_transaction, write_transaction

WRITERS = 30


async def test_writers_that_wait_hold_no_connection(tmp_path: Path) -> None:
    """While one writes and many wait, whoever reads is answered, through a pool of two; all of them write in the end."""
    engine = make_engine(
        f"sqlite+aiosqlite:///{tmp_path / 'record.db'}", ConnectionSettings(pool_size=2, pool_wait_seconds=0.5)
    )
    go_on, wrote = asyncio.Event(), []

    async def write(number: int) -> None:
        async with write_transaction(engine):
            await go_on.wait()
            wrote.append(number)

    async with asyncio.TaskGroup() as together:
        for number in range(WRITERS):
            together.create_task(write(number))
        await asyncio.sleep(0)
        async with read_transaction(engine) as connection:
            assert 1 == await connection.scalar(text("SELECT 1"))
        assert [] == wrote
        go_on.set()
    await engine.dispose()

    assert list(range(WRITERS)) == wrote


def test_an_engine_outlives_its_loop(tmp_path: Path) -> None:
    """Who writes in another event loop does not wait for a turn of the one before."""
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'record.db'}")

    async def both() -> None:
        async def write() -> None:
            async with write_transaction(engine) as connection:
                await connection.execute(text("SELECT 1"))

        await asyncio.gather(write(), write())
        await engine.dispose()

    for _ in range(2):
        asyncio.run(both())
