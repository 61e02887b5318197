"""The reasons for which an operation, or one of its root fields, is refused."""

from __future__ import annotations

from typing import Any


class OracleRefusal(Exception):
    """An error instead of an answer: its `extensions`, and the HTTP status if the whole request is refused."""

    def __init__(self, code: str, status: int = 400, **more: Any) -> None:
        super().__init__(code)
        self.extensions = {"code": code, **more}
        self.status = status


def bad_input(argument: str) -> OracleRefusal:
    """Return the refusal of an argument that is not valid."""
    return OracleRefusal("BAD_USER_INPUT", argument=argument)


def forbidden() -> OracleRefusal:
    """Return the refusal for a missing permission."""
    return OracleRefusal("FORBIDDEN", 403)


def too_large(limit: str, allowed: int, count: int) -> OracleRefusal:
    """Return the refusal for a limit that is exceeded."""
    return OracleRefusal("LIMIT_EXCEEDED", limit=limit, allowed=allowed, count=count)
