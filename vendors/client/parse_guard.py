"""Turns exceptions of a vendor's parsing functions into MalformedAnswer, because they read untrusted data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from traceback import extract_tb

import structlog

from domain.errors import MalformedAnswer, SupplygraphError

_log = structlog.get_logger(__name__)


@contextmanager
def parse_guard(account: str, operation: str) -> Iterator[None]:
    """Turn any exception other than a SupplygraphError into MalformedAnswer.

    The log gets the exception's class and the line that raised it, but no part of the response.
    """
    try:
        yield
    except SupplygraphError:
        raise
    except Exception as exception:  # noqa: BLE001 - foreign data can break a parser in any way; it is logged and reported
        frame = extract_tb(exception.__traceback__)[-1]
        place = f"{PurePath(frame.filename).name}:{frame.lineno}"
        error = type(exception).__name__
        _log.warning("vendor_response_unreadable", account=account, operation=operation, error=error, place=place)
        raise MalformedAnswer(f"{operation}: the response has a shape that the vendor does not document.") from None
