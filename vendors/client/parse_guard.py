"""A vendor's pure functions read foreign data: whatever breaks them is the answer's fault, and never escapes."""

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
    """Turn what a reader raised, unless an error of ours, into MalformedAnswer. The log has its class and place, no payload."""
    try:
        yield
    except SupplygraphError:
        raise
    except Exception as broken:  # noqa: BLE001 - foreign data can break a reader in any way; it is logged and told
        frame = extract_tb(broken.__traceback__)[-1]
        place = f"{PurePath(frame.filename).name}:{frame.lineno}"
        error = type(broken).__name__
        _log.warning("vendor_response_malformed", account=account, operation=operation, error=error, place=place)
        raise MalformedAnswer(f"{operation}: the answer has a shape that the vendor does not document.") from None
