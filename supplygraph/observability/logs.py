"""Structured logs on standard error: JSON where a machine reads them, colours where a person does."""

from __future__ import annotations

import asyncio
import atexit
import logging
import re
import sys
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, TextIO
from uuid import uuid4

import orjson
import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars
from structlog.typing import Processor

_CORRELATION: Final = "correlation_id"
_LINES_SECONDS: Final = 0.2
_LINES_MOST: Final = 1_000
_LINE: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
_NUMBERS: Final = Random()  # noqa: S311 - no secret
_GIVEN: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def configure(stream: TextIO | None = None, *, quiet: bool = False) -> None:
    """Set up logging for the process, our own lines and those of libraries alike. `quiet` leaves only errors.

    A gateway tells each request and flight; a command that shows its result itself is quiet.
    """
    target = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_ending(target)))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.ERROR if quiet else logging.WARNING)
    logging.getLogger("supplygraph").setLevel(logging.ERROR if quiet else logging.INFO)
    global _lines  # noqa: PLW0603 - logging is one a process
    _lines = None if quiet or target.isatty() else BufferedLines(target)
    if _lines is not None:
        atexit.register(_lines.flush)


def _ending(target: TextIO) -> list[Processor]:
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if target.isatty():
        # Tracebacks without the values of variables: those may be secrets.
        plain = structlog.dev.plain_traceback
        return [remove, structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [remove, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def logger(name: str) -> Any:
    """A logger of ours; its lines have an event and named values."""
    return structlog.get_logger(f"supplygraph.{name}")


def given_or_new(given: str | None) -> str:
    """The correlation id of a request: the caller's own where it is plain, else a new one.

    It is no secret: asking the system for random bits would make each request wait for the threads that read the record.
    """
    return given if given is not None and _GIVEN.fullmatch(given) else f"{_NUMBERS.getrandbits(128):032x}"


class BufferedLines:
    """Lines in JSON that are written together, a few times a second: a write for each would cost more than a read."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: list[bytes] = []

    def add(self, event: dict[str, Any]) -> None:
        """Have a line written soon."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(_LINES_SECONDS, self.flush)
        self._waiting.append(orjson.dumps(event, option=_LINE))
        if len(self._waiting) >= _LINES_MOST:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._stream.write(b"".join(waiting).decode())
            self._stream.flush()


_lines: BufferedLines | None = None


def log_request(correlation_id: str, **values: Any) -> None:
    """The line of a request that was answered outside of any other bookkeeping."""
    if _lines is None:
        logger("http").info("request", correlation_id=correlation_id, **values)
        return
    named = {"event": "request", _CORRELATION: correlation_id, "level": "info", "logger": "supplygraph.http"}
    _lines.add({**values, **named, "timestamp": datetime.now(UTC)})


def begin_request(given: str | None) -> str:
    """The correlation id of a request that begins: the caller's own where it is plain, else a new one."""
    correlation_id = given_or_new(given)
    clear_contextvars()
    bind_contextvars(**{_CORRELATION: correlation_id})
    return correlation_id


def correlation_id() -> str:
    """That of the present request; a new one outside of any."""
    return str(get_contextvars().get(_CORRELATION) or uuid4().hex)
