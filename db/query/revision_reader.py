"""Reads the data revision, once for all readers who need it at the same time."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import Dialect, select

from db.connections import RowReader
from db.revision import revision


class RevisionReader:
    """Reads the revision. One statement serves every reader who arrived before it was sent, and nobody who arrived later.

    So the revision that a reader gets was the database's after the reader arrived. Readers who arrive while a statement is
    running wait for the next one, which one of them sends for all.
    """

    def __init__(self, rows: RowReader, dialect: Dialect) -> None:
        self._rows = rows
        self._sql: Final = str(select(revision()).compile(dialect=dialect))
        self._is_reading = False
        self._waiting: list[asyncio.Future[int | None]] = []
        self._next_sender: asyncio.Future[int | None] | None = None

    async def current(self) -> int | None:
        """Return the revision; None in a database that has none. Raises TimeoutError, DatabaseUnavailable."""
        if not self._is_reading:
            return await self._read()
        future: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            current = await future
        except asyncio.CancelledError:
            if future is self._next_sender:
                self._wake_next()
            raise
        return await self._read() if future is self._next_sender else current

    async def _read(self) -> int | None:
        """Send the statement, also for all who wait now."""
        self._is_reading, self._next_sender = True, None
        together, self._waiting = self._waiting, []
        try:
            (current,) = await self._rows.row(self._sql, ())
        except Exception as error:
            for future in together:
                if not future.done():
                    future.set_exception(error)
            raise
        except BaseException:
            # The sender was cancelled. The others go on waiting: one of them sends the next statement.
            self._waiting = together + self._waiting
            raise
        else:
            for future in together:
                if not future.done():
                    future.set_result(current)
            return current  # type: ignore[no-any-return] # the column is a number
        finally:
            self._wake_next()

    def _wake_next(self) -> None:
        """Let the first reader who still waits send the next statement."""
        self._is_reading, self._next_sender = False, None
        while self._waiting:
            first = self._waiting.pop(0)
            if not first.done():
                self._is_reading, self._next_sender = True, first
                first.set_result(None)
                return
