"""Readers of the data revision share statements, and none gets a revision from before its arrival."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite

from db.query.revision_reader import RevisionReader
from domain.errors import DatabaseUnavailable


class HeldRows:
    """A database that holds its answers back until they are released. `statement_count` counts the statements."""

    seconds = 5.0

    def __init__(self) -> None:
        self.revision: int | None = 1
        self.statement_count = 0
        self.fault: Exception | None = None
        self._gate = asyncio.Event()

    async def row(self, _sql: str, _parameters: Sequence[Any]) -> Sequence[Any]:
        """Return the revision of the moment when the statement was sent, once it is released."""
        self.statement_count += 1
        revision, fault, gate = self.revision, self.fault, self._gate
        await gate.wait()
        if fault is not None:
            raise fault
        return (revision,)

    async def close(self) -> None:
        """Do nothing, because there are no connections."""

    async def release(self) -> None:
        """Answer all statements that were sent until now."""
        gate, self._gate = self._gate, asyncio.Event()
        gate.set()
        await run_ready_tasks()


async def run_ready_tasks() -> None:
    """Let every task run that does not wait for a held answer."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_late_readers_share_the_next_statement() -> None:
    """Readers who arrive while a statement is running get the result of the next one, not of this one."""
    rows = HeldRows()
    revisions = RevisionReader(rows, sqlite.dialect())
    first = asyncio.create_task(revisions.current())
    await run_ready_tasks()
    rows.revision = 2
    late = [asyncio.create_task(revisions.current()) for _ in range(4)]
    await run_ready_tasks()
    assert rows.statement_count == 1
    await rows.release()
    assert first.result() == 1
    assert not any(task.done() for task in late)
    assert rows.statement_count == 2
    await rows.release()
    assert [2, 2, 2, 2] == [task.result() for task in late]
    rows.revision = None
    single = asyncio.create_task(revisions.current())
    await run_ready_tasks()
    await rows.release()
    assert single.result() is None
    assert rows.statement_count == 3


async def test_a_cancelled_reader_does_not_stop_the_others() -> None:
    """If the sender, a waiting reader or the next sender is cancelled, another one sends the statement."""
    rows = HeldRows()
    revisions = RevisionReader(rows, sqlite.dialect())
    sender, waiting, next_sender, last = [asyncio.create_task(revisions.current()) for _ in range(4)]
    await run_ready_tasks()
    waiting.cancel()
    sender.cancel()
    await asyncio.sleep(0)
    next_sender.cancel()
    await run_ready_tasks()
    assert [True, True, True, False] == [task.cancelled() for task in (sender, waiting, next_sender, last)]
    await rows.release()
    assert last.result() == 1
    later = asyncio.create_task(revisions.current())
    await run_ready_tasks()
    await rows.release()
    assert later.result() == 1
    assert rows.statement_count == 3


async def test_an_error_reaches_only_the_readers_of_its_statement() -> None:
    """Later readers send a new statement."""
    rows = HeldRows()
    revisions = RevisionReader(rows, sqlite.dialect())
    first = asyncio.create_task(revisions.current())
    await run_ready_tasks()
    rows.fault = DatabaseUnavailable("away")
    early = [asyncio.create_task(revisions.current()) for _ in range(3)]
    await rows.release()
    assert first.result() == 1
    rows.fault = None
    late = asyncio.create_task(revisions.current())
    await rows.release()
    for task in early:
        with pytest.raises(DatabaseUnavailable):
            await task
    await rows.release()
    assert await late == 1
    assert rows.statement_count == 3
