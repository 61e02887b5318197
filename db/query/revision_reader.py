"""The record's version at this moment, asked of the database once for all readers who want to know it together."""

from __future__ import annotations

import asyncio
from typing import Final

from sqlalchemy import Dialect, select

from db.connections import RowReader
from db.revision import revision


class RevisionReader:
    """Asks the version. An answer serves whoever came before it was asked, and nobody who came later.

    So what it tells was the record's after the reader arrived. While one is under way, those who come wait; then one of them
    asks for all of them.
    """

    def __init__(self, connections: RowReader, dialect: Dialect) -> None:
        self._connections = connections
        self._sql: Final = str(select(revision()).compile(dialect=dialect))
        self._asking = False
        self._waiting: list[asyncio.Future[int | None]] = []
        self._turn: asyncio.Future[int | None] | None = None

    async def now(self) -> int | None:
        """The version; None in a record that has none. Raises TimeoutError, RecordUnavailable."""
        if not self._asking:
            return await self._ask()
        waiting: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            told = await waiting
        except asyncio.CancelledError:
            if waiting is self._turn:
                self._next()
            raise
        return await self._ask() if waiting is self._turn else told

    async def _ask(self) -> int | None:
        """For whoever waits now, too."""
        self._asking, self._turn = True, None
        together, self._waiting = self._waiting, []
        try:
            (found,) = await self._connections.row(self._sql, ())
        except Exception as error:
            for each in together:
                if not each.done():
                    each.set_exception(error)
            raise
        except BaseException:
            # Whoever hangs up leaves the others waiting: one of them asks.
            self._waiting = together + self._waiting
            raise
        else:
            for each in together:
                if not each.done():
                    each.set_result(found)
            return found  # type: ignore[no-any-return] # the column is a number
        finally:
            self._next()

    def _next(self) -> None:
        """It is the turn of the first who still waits."""
        self._asking, self._turn = False, None
        while self._waiting:
            first = self._waiting.pop(0)
            if not first.done():
                self._asking, self._turn = True, first
                first.set_result(None)
                return
