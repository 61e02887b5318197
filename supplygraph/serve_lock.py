"""The lock of a database file: held by the gateway that serves from it, and by commands that need it stopped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from domain.errors import ConfigurationError


@contextmanager
def serve_lock(file: Path | None) -> Iterator[None]:
    """Hold the lock of a database file. `None`, for a database that is not a file, needs no lock.

    Raises ConfigurationError if another process holds the lock.
    """
    if file is None:
        yield
        return
    # Not the lock file of migrations, which is held only while they run.
    lock = FileLock(f"{file}.serve.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigurationError(
            f"database.url: another gateway is using {file.name}; stop it, or configure another file for this one"
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"database.url: the file {file} cannot be created: {os.strerror(error.errno or 0)}"
        ) from None
    try:
        yield
    finally:
        lock.release()
