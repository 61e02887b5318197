"""Reading of the data revision. Readers who need it at the same time share one statement."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import Dialect, select

from db.connections import RowReader
from db.revision import revision


class RevisionReader:
    """Reads the revision. One statement serves all readers who arrived before it was sent, and none who arrived later.

    A reader therefore gets a revision that the database had after the reader arrived. Readers who arrive while a statement is
    running wait for the next statement, which one of them sends for all.
    """

    def __init__(self, rows: RowReader, dialect: Dialect) -> None:
        self._rows = rows
        self._sql: Final = str(select(revision()).compile(dialect=dialect))
        self._is_reading = False
        self._waiting: list[asyncio.Future[int | None]] = []
        self._next_sender: asyncio.Future[int | None] | None = None

    async def current(self) -> int | None:
        """Return the revision; None if the database has none. Raises TimeoutError, DatabaseUnavailable."""
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
        """Send the statement for this reader and for all who are waiting now."""
        self._is_reading, self._next_sender = True, None
        batch, self._waiting = self._waiting, []
        try:
            (current,) = await self._rows.row(self._sql, ())
        except Exception as error:
            for future in batch:
                if not future.done():
                    future.set_exception(error)
            raise
        except BaseException:
            # The sender was cancelled. The others keep waiting, and one of them sends the next statement.
            self._waiting = batch + self._waiting
            raise
        else:
            for future in batch:
                if not future.done():
                    future.set_result(current)
            return current  # type: ignore[no-any-return] # the column is a number
        finally:
            self._wake_next()

    def _wake_next(self) -> None:
        """Let the first reader who is still waiting send the next statement."""
        self._is_reading, self._next_sender = False, None
        while self._waiting:
            first = self._waiting.pop(0)
            if not first.done():
                self._is_reading, self._next_sender = True, first
                first.set_result(None)
                return
