"""A database that does not answer, told as one error of ours; whatever else goes wrong stays what it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from domain.errors import DatabaseUnavailable

# https://www.postgresql.org/docs/current/errcodes-appendix.html: connections, authorization, resources, an operator's word.
_CLASSES: Final = ("08", "28", "3D", "53", "57P")


@asynccontextmanager
async def translate_db_errors() -> AsyncIterator[None]:
    """Raise RecordUnavailable where the block failed since the database does not answer; its cause is not shown."""
    try:
        yield
    except (DBAPIError, DisconnectionError, NoConnectionFree, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if is_unavailable(error):
            raise DatabaseUnavailable(error_cause(error)) from None
        raise
    except OSError as error:
        # Of the connection: a statement that ran too long is a TimeoutError of its own, and says so.
        raise DatabaseUnavailable(error_cause(error)) from None


def is_unavailable(error: Exception) -> bool:
    """Whether it says that the database does not answer, not that it was asked something wrong."""
    if isinstance(error, DisconnectionError | NoConnectionFree | asyncpg.InterfaceError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    code = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    return str(code or "").startswith(_CLASSES)


def error_cause(error: BaseException) -> str:
    """The driver's own first line, for whoever runs the gateway: no statement, no values, no URL."""
    if isinstance(error, NoConnectionFree):
        return "no connection became free in time"
    if isinstance(error, DBAPIError) and error.orig is not None:
        # The dialect writes the class of the driver's error in front.
        return str(error.orig).rpartition(">: ")[2].splitlines()[0]
    if isinstance(error, TimeoutError):
        return "it was not reached in time"
    if isinstance(error, OSError):
        return error.strerror or "it was not reached"
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
