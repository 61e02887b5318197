"""The version is asked once for all who want to know it together, and never told to who came after it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite

from db.query.revision_reader import RevisionReader
from domain.errors import DatabaseUnavailable


class Slow:
    """A database whose answers wait until they are let go. `asked` counts the statements."""

    seconds = 5.0

    def __init__(self) -> None:
        self.revision: int | None = 1
        self.asked = 0
        self.fault: Exception | None = None
        self._gate = asyncio.Event()

    async def row(self, _sql: str, _parameters: Sequence[Any]) -> Sequence[Any]:
        """The version as it is when it is asked, told when the gate opens."""
        self.asked += 1
        found, fault, gate = self.revision, self.fault, self._gate
        await gate.wait()
        if fault is not None:
            raise fault
        return (found,)

    async def close(self) -> None:
        """Nothing is held."""

    async def let_go(self) -> None:
        """Answer what was asked until now."""
        gate, self._gate = self._gate, asyncio.Event()
        gate.set()
        await ticks()


async def ticks() -> None:
    """Let everything that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_those_who_wait_together_cost_one_statement_and_late_ones_another() -> None:
    """Whoever comes while one is under way is not told what that one finds, but what the next does."""
    slow = Slow()
    revisions = RevisionReader(slow, sqlite.dialect())
    first = asyncio.create_task(revisions.current())
    await ticks()
    slow.revision = 2
    late = [asyncio.create_task(revisions.current()) for _ in range(4)]
    await ticks()
    assert slow.asked == 1
    await slow.let_go()
    assert first.result() == 1
    assert not any(task.done() for task in late)
    assert slow.asked == 2
    await slow.let_go()
    assert [2, 2, 2, 2] == [task.result() for task in late]
    slow.revision = None
    alone = asyncio.create_task(revisions.current())
    await ticks()
    await slow.let_go()
    assert alone.result() is None
    assert slow.asked == 3


async def test_whoever_hangs_up_leaves_the_others_waiting_for_their_answer() -> None:
    """Whoever asks, or waits, or whose turn it just is: another one asks for those who are left."""
    slow = Slow()
    revisions = RevisionReader(slow, sqlite.dialect())
    asks, waits, turns, left = [asyncio.create_task(revisions.current()) for _ in range(4)]
    await ticks()
    waits.cancel()
    asks.cancel()
    await asyncio.sleep(0)
    turns.cancel()
    await ticks()
    assert [True, True, True, False] == [task.cancelled() for task in (asks, waits, turns, left)]
    await slow.let_go()
    assert left.result() == 1
    after = asyncio.create_task(revisions.current())
    await ticks()
    await slow.let_go()
    assert after.result() == 1
    assert slow.asked == 3


async def test_what_goes_wrong_is_told_to_those_who_asked_together_and_to_nobody_else() -> None:
    """The next one asks anew."""
    slow = Slow()
    revisions = RevisionReader(slow, sqlite.dialect())
    first = asyncio.create_task(revisions.current())
    await ticks()
    slow.fault = DatabaseUnavailable("away")
    early = [asyncio.create_task(revisions.current()) for _ in range(3)]
    await slow.let_go()
    assert first.result() == 1
    slow.fault = None
    late = asyncio.create_task(revisions.current())
    await slow.let_go()
    for task in early:
        with pytest.raises(DatabaseUnavailable):
            await task
    await slow.let_go()
    assert await late == 1
    assert slow.asked == 3
