"""The lock of a record that is a file: one gateway serves from it, and what must not run beside one takes it too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from domain.errors import ConfigurationError


@contextmanager
def serve_lock(record: Path | None) -> Iterator[None]:
    """Hold the record's lock: one gateway a file. Raises ConfigurationError where another holds it."""
    if record is None:
        yield
        return
    # Another file than the one that migrations take turns by.
    lock = FileLock(f"{record}.serve.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigurationError(
            f"database.url: another gateway serves from {record.name}; stop it, or give this one a file of its own"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"database.url: {record} cannot be made: {os.strerror(error.errno or 0)}") from None
    try:
        yield
    finally:
        lock.release()
