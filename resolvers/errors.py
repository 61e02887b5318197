"""Errors in GraphQL responses: each has a code, and internal details are masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import uuid4

import structlog
from graphql import GraphQLError

from domain.errors import DatabaseUnavailable, ReaderError

FormattedError: TypeAlias = dict[str, Any]
"""`message`, `extensions` with `code`, and `locations` and `path` where they apply."""

PARSE_FAILED: Final = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED: Final = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT: Final = "BAD_USER_INPUT"
INTERNAL: Final = "INTERNAL"

_LONGEST_MESSAGE: Final = 500
_QUOTED_NAME: Final = re.compile(r"(?:Argument|Variable) '\$?(\w+)'")
_log = structlog.get_logger("supplygraph.graphql")


class RequestRejected(Exception):
    """Raised for a request that is not executed.

    `status` is the HTTP status for the GraphQL media type, `json_status` the one for application/json.
    """

    def __init__(
        self,
        errors: Sequence[FormattedError],
        status: int = 400,
        json_status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__("The request was rejected.")
        self.errors = tuple(errors)
        self.status = status
        self.json_status = json_status
        self.headers = dict(headers or {})

    @classmethod
    def because(cls, error: ReaderError, status: int, headers: Mapping[str, str] | None = None) -> RequestRejected:
        """Return the rejection for one error, with the same status in both media types."""
        return cls([format_reader_error(error)], status, status, headers)


class ErrorMasker:
    """Masks internal errors: the client gets a correlation id, and the log gets the error with the same id."""

    def __init__(self, correlate: Callable[[], str] = lambda: uuid4().hex) -> None:
        self._correlate = correlate

    def mask(self, error: BaseException) -> FormattedError:
        """Log the error and return an error with the code INTERNAL in its place."""
        correlation_id = self._correlate()
        if isinstance(error, DatabaseUnavailable):
            _log.error("database_unavailable", correlation_id=correlation_id, cause=error.cause)
            return {"message": str(error), "extensions": {"code": INTERNAL, "correlationId": correlation_id}}
        _log.error("internal_error", correlation_id=correlation_id, exc_info=error)
        return {
            "message": "Something went wrong on our side. Give the operator the correlation id.",
            "extensions": {"code": INTERNAL, "correlationId": correlation_id},
        }


def format_reader_error(error: ReaderError) -> FormattedError:
    """Return an error that the client can correct."""
    return {"message": _shorten(str(error)), "extensions": error.extensions()}


def format_request_error(error: GraphQLError, code: str) -> FormattedError:
    """Return an error in the document or the variables, with this code."""
    extensions: dict[str, object] = {"code": code}
    if code == BAD_USER_INPUT:
        quoted = _QUOTED_NAME.search(error.message)
        extensions["argument"] = quoted[1] if quoted else "variables"
    return _located({"message": _shorten(error.message)}, error, extensions)


def format_field_error(error: GraphQLError, masker: ErrorMasker) -> FormattedError:
    """Return the error of one field. An error that is not the client's own is masked."""
    cause = error.original_error
    if isinstance(cause, ReaderError):
        return _located({"message": _shorten(str(cause))}, error, cause.extensions())
    if cause is None and _QUOTED_NAME.match(error.message):
        return format_request_error(error, BAD_USER_INPUT)
    masked = masker.mask(cause or error)
    return _located({"message": masked["message"]}, error, masked["extensions"])


def codes_of(errors: Iterable[FormattedError]) -> tuple[str, ...]:
    """Return the codes of the errors."""
    return tuple(error["extensions"]["code"] for error in errors)


def _located(formatted: FormattedError, error: GraphQLError, extensions: Mapping[str, object]) -> FormattedError:
    if error.locations:
        formatted["locations"] = [{"line": location.line, "column": location.column} for location in error.locations]
    if error.path:
        formatted["path"] = error.path
    formatted["extensions"] = dict(extensions)
    return formatted


def _shorten(message: str) -> str:
    # Messages quote the request, which may be a megabyte.
    return message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…"
