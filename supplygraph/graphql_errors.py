"""Errors as a GraphQL answer tells them: each with its code, none with anything of ours in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias
from uuid import uuid4

import structlog
from graphql import GraphQLError

from domain.errors import DatabaseUnavailable, ReaderError

ToldError: TypeAlias = dict[str, Any]
"""`message`, `extensions` with `code`, and where they are known `locations` and `path`."""

PARSE_FAILED: Final = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED: Final = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT: Final = "BAD_USER_INPUT"
INTERNAL: Final = "INTERNAL"

_MESSAGE_MAX: Final = 500
_QUOTED: Final = re.compile(r"(?:Argument|Variable) '\$?(\w+)'")
_log = structlog.get_logger("supplygraph.graphql")


class ErrorMasker:
    """Masks what is our own fault: the reader gets a correlation id, the log gets the rest under the same id."""

    def __init__(self, correlate: Callable[[], str] = lambda: uuid4().hex) -> None:
        self._correlate = correlate

    def masked(self, fault: BaseException) -> ToldError:
        """Log the fault and tell an error with code INTERNAL."""
        correlation_id = self._correlate()
        if isinstance(fault, DatabaseUnavailable):
            _log.error("database_unavailable", correlation_id=correlation_id, cause=fault.cause)
            return {"message": str(fault), "extensions": {"code": INTERNAL, "correlationId": correlation_id}}
        _log.error("internal_error", correlation_id=correlation_id, exc_info=fault)
        return {
            "message": "Something went wrong on our side. Tell the operator the correlation id.",
            "extensions": {"code": INTERNAL, "correlationId": correlation_id},
        }


def told_reader_error(error: ReaderError) -> ToldError:
    """An error that the reader can do something about."""
    return {"message": _short(str(error)), "extensions": error.extensions()}


def told_request_error(error: GraphQLError, code: str) -> ToldError:
    """A document that does not parse or validate, or variables that are not what they should be."""
    extensions: dict[str, object] = {"code": code}
    if code == BAD_USER_INPUT:
        extensions["argument"] = _argument(error)
    return _placed({"message": _short(error.message)}, error, extensions)


def told_field_error(error: GraphQLError, faults: ErrorMasker) -> ToldError:
    """An error of one field: the reader's own, or a fault of ours, masked."""
    cause = error.original_error
    if isinstance(cause, ReaderError):
        return _placed({"message": _short(str(cause))}, error, cause.extensions())
    if cause is None and _QUOTED.match(error.message):
        return told_request_error(error, BAD_USER_INPUT)
    masked = faults.masked(cause or error)
    return _placed({"message": masked["message"]}, error, masked["extensions"])


def codes_of(errors: Iterable[ToldError]) -> tuple[str, ...]:
    """The codes of errors."""
    return tuple(error["extensions"]["code"] for error in errors)


def payload(errors: Iterable[ToldError]) -> dict[str, Any]:
    """A response that holds errors alone."""
    return {"errors": list(errors)}


def _placed(told: ToldError, error: GraphQLError, extensions: Mapping[str, object]) -> ToldError:
    if error.locations:
        told["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        told["path"] = error.path
    told["extensions"] = dict(extensions)
    return told


def _argument(error: GraphQLError) -> str:
    quoted = _QUOTED.search(error.message)
    return quoted[1] if quoted else "variables"


def _short(message: str) -> str:
    # Messages quote what was sent, which may be a megabyte.
    return message if len(message) <= _MESSAGE_MAX else message[: _MESSAGE_MAX - 1] + "…"
