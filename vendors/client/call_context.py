"""State that a flight shares with the HTTP calls made on its behalf, passed by a context variable."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(slots=True)
class CallContext:
    """The context of the calls of one flight, and the count of these calls.

    `background` is set while no reader waits for the flight: it then leaves half of the budget to flights that readers
    wait for. It may change during the flight, because a reader who joins makes it urgent. `calls` counts HTTP calls,
    failed and repeated ones included. It stays readable after the flight was cut off. `ends_at` is when the flight is
    cut off, in seconds of the event loop's clock; `None` if it is not.
    """

    background: bool = False
    calls: int = 0
    ends_at: float | None = None


CALL_CONTEXT: Final[ContextVar[CallContext | None]] = ContextVar("call_context", default=None)


def current_context() -> CallContext:
    """Return the context of the running flight; a new one if none is set."""
    return CALL_CONTEXT.get() or CallContext()
