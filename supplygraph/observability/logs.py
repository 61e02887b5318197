"""Structured logs on standard error: JSON lines, or coloured text if standard error is a terminal."""

from __future__ import annotations

import asyncio
import atexit
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, TextIO
from uuid import uuid4

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_CORRELATION: Final = "correlation_id"
_FLUSH_SECONDS: Final = 0.2
_MAX_BUFFERED_LINES: Final = 1_000
_JSON_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
_RANDOM: Final = Random()  # noqa: S311 - correlation ids are not secret
_VALID_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


_current_id: ContextVar[str | None] = ContextVar(_CORRELATION, default=None)


def configure(stream: TextIO | None = None, *, quiet: bool = False) -> None:
    """Set up logging for the process, including the logs of libraries.

    `serve` logs each request and flight. Other commands print their result and are `quiet`: they log only errors.
    """
    target = stream or sys.stderr
    shared: list[Processor] = [
        _add_correlation_id,
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
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_final_processors(target))
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.ERROR if quiet else logging.WARNING)
    logging.getLogger("supplygraph").setLevel(logging.ERROR if quiet else logging.INFO)
    global _lines  # noqa: PLW0603 - logging is global in a process
    _lines = None if quiet or target.isatty() else BufferedLines(target)
    if _lines is not None:
        atexit.register(_lines.flush)


def _add_correlation_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    current = _current_id.get()
    if current is not None:
        event.setdefault(_CORRELATION, current)
    return event


def _final_processors(target: TextIO) -> list[Processor]:
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if target.isatty():
        # These tracebacks do not show the values of variables, which may be secrets.
        plain = structlog.dev.plain_traceback
        return [remove, structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [remove, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def logger(name: str) -> Any:
    """Return the structlog logger `supplygraph.NAME`."""
    return structlog.get_logger(f"supplygraph.{name}")


def valid_or_new_id(header: str | None) -> str:
    """Return the caller's correlation id if it is valid, otherwise a new one.

    New ids come from a pseudo-random generator: `os.urandom` releases the GIL, and the request would then wait for
    the threads that read the database.
    """
    return header if header is not None and _VALID_ID.fullmatch(header) else f"{_RANDOM.getrandbits(128):032x}"


class BufferedLines:
    """Buffers JSON lines and writes them a few times a second, because a write per line costs more than a cached read."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._buffer: list[bytes] = []

    def add(self, event: dict[str, Any]) -> None:
        """Buffer a line and schedule a flush."""
        if not self._buffer:
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        self._buffer.append(orjson.dumps(event, option=_JSON_OPTIONS))
        if len(self._buffer) >= _MAX_BUFFERED_LINES:
            self.flush()

    def flush(self) -> None:
        """Write all buffered lines."""
        lines, self._buffer = self._buffer, []
        if lines:
            self._stream.write(b"".join(lines).decode())
            self._stream.flush()


_lines: BufferedLines | None = None


def log_request(correlation_id: str, **values: Any) -> None:
    """Log one finished request."""
    if _lines is None:
        logger("http").info("request", correlation_id=correlation_id, **values)
        return
    fields = {"event": "request", _CORRELATION: correlation_id, "level": "info", "logger": "supplygraph.http"}
    _lines.add({**values, **fields, "timestamp": datetime.now(UTC)})


def begin_request(header: str | None) -> str:
    """Set the correlation id for the log lines of a new request and return it. `header` is the id that the caller sent."""
    correlation_id = valid_or_new_id(header)
    _current_id.set(correlation_id)
    return correlation_id


def correlation_id() -> str:
    """Return the correlation id of the current request, a new one outside of requests."""
    return _current_id.get() or uuid4().hex
