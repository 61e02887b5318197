"""Translation of database errors: an outage becomes `DatabaseUnavailable`, and every other error stays as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import DatabaseError, DBAPIError, DisconnectionError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from domain.errors import DatabaseUnavailable, RecordNotWritten

# https://www.postgresql.org/docs/current/errcodes-appendix.html: connection exceptions, invalid authorization, unknown database,
# insufficient resources, operator intervention.
_UNAVAILABLE_CLASSES: Final = ("08", "28", "3D", "53", "57P")


@asynccontextmanager
async def translate_db_errors(*, writing: bool = False) -> AsyncIterator[None]:
    """Raise DatabaseUnavailable if the block fails because the database does not respond. The original error is hidden.

    With `writing`, a refused statement becomes RecordNotWritten.
    """
    try:
        yield
    except (DBAPIError, DisconnectionError, PoolTimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if is_unavailable(error):
            raise DatabaseUnavailable(error_cause(error)) from None
        if writing and isinstance(error, DatabaseError) and not isinstance(error, ProgrammingError):
            raise RecordNotWritten(error_cause(error)) from None
        raise
    except OSError as error:
        # The connection failed. A statement that ran too long raises TimeoutError with a message of its own.
        raise DatabaseUnavailable(error_cause(error)) from None


def is_unavailable(error: Exception) -> bool:
    """Return whether the error means that the database does not respond, as opposed to a faulty statement."""
    if isinstance(error, DisconnectionError | PoolTimeoutError | asyncpg.InterfaceError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    code = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    return str(code or "").startswith(_UNAVAILABLE_CLASSES)


def error_cause(error: BaseException) -> str:
    """Return the first line of the driver's message, for the operator. It contains no statement, no values and no URL."""
    if isinstance(error, PoolTimeoutError):
        return "no connection became free in time"
    if isinstance(error, DBAPIError) and error.orig is not None:
        # The dialect puts the class of the driver's error in front.
        return str(error.orig).rpartition(">: ")[2].splitlines()[0]
    if isinstance(error, TimeoutError):
        return "the connection attempt timed out"
    if isinstance(error, OSError):
        return error.strerror or "the server could not be reached"
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
