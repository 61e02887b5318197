"""Why an operation, or a root field of it, is refused."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """What is told instead of an answer: `extensions` of the error, and the HTTP status where the whole request is refused."""

    def __init__(self, code: str, status: int = 400, **more: Any) -> None:
        super().__init__(code)
        self.extensions = {"code": code, **more}
        self.status = status


def bad(argument: str) -> Refusal:
    """An argument that cannot be honoured."""
    return Refusal("BAD_USER_INPUT", argument=argument)


def forbidden() -> Refusal:
    """A permission is lacking."""
    return Refusal("FORBIDDEN", 403)


def too_large(limit: str, allowed: int, count: int) -> Refusal:
    """A limit is passed."""
    return Refusal("LIMIT_EXCEEDED", limit=limit, allowed=allowed, count=count)
