"""Structured logs on standard error: JSON where a machine reads them, colours where a person does."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, Final, TextIO
from uuid import uuid4

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars
from structlog.typing import Processor

_CORRELATION: Final = "correlation_id"
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


def begin_request(given: str | None) -> str:
    """The correlation id of a request that begins: the caller's own where it is plain, else a new one."""
    correlation_id = given if given is not None and _GIVEN.fullmatch(given) else uuid4().hex
    clear_contextvars()
    bind_contextvars(**{_CORRELATION: correlation_id})
    return correlation_id


def correlation_id() -> str:
    """That of the present request; a new one outside of any."""
    return str(get_contextvars().get(_CORRELATION) or uuid4().hex)
