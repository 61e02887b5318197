"""Failures: every exception of httpx and every status has one, and its text is safe."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from http import HTTPStatus

import httpx
import pytest

from domain.errors import (
    CredentialsRejected,
    MalformedAnswer,
    NotFoundByVendor,
    RateLimited,
    TimedOut,
    Unreachable,
    VendorFailure,
)
from vendors.client import failures
from vendors.client.transport import TRANSPORT_ERRORS, failure_from_exception

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
EVERY_EXCEPTION = sorted(
    (member for _, member in inspect.getmembers(httpx, inspect.isclass) if issubclass(member, Exception)),
    key=lambda exception_type: exception_type.__name__,
)


def test_exceptions_are_enumerated() -> None:
    """The enumeration below contains httpx's exceptions."""
    assert {httpx.ConnectError, httpx.ReadTimeout, httpx.InvalidURL, httpx.StreamClosed} <= set(EVERY_EXCEPTION)


@pytest.mark.parametrize("exception_type", EVERY_EXCEPTION)
def test_every_httpx_exception_is_mapped(exception_type: type[Exception]) -> None:
    """The transport catches every exception of httpx and maps it to a failure without the exception's own text."""
    error = exception_type.__new__(exception_type)
    error.args = ("https://user:password@host/",)

    failure = failure_from_exception(error, "list_things")

    assert issubclass(exception_type, TRANSPORT_ERRORS)
    assert isinstance(failure, Unreachable | TimedOut | MalformedAnswer)
    assert "password" not in failure.detail
    assert failure.detail.startswith("list_things: ")


@pytest.mark.parametrize(
    ("error", "expected", "retryable"),
    [
        (httpx.ConnectTimeout(""), failures.ConnectTimedOut, True),
        (httpx.ReadTimeout(""), TimedOut, False),
        (httpx.PoolTimeout(""), TimedOut, False),
        (httpx.ConnectError(""), Unreachable, True),
        (httpx.RemoteProtocolError(""), Unreachable, True),
        (httpx.DecodingError(""), MalformedAnswer, False),
        (ConnectionResetError(), Unreachable, True),
    ],
)
def test_retryable_failures(error: Exception, expected: type[VendorFailure], retryable: bool) -> None:
    """Only failures without a response may be retried."""
    failure = failure_from_exception(error, "list_things")

    assert expected is type(failure)
    assert retryable is failures.is_retryable(failure)


@pytest.mark.parametrize("status", [*HTTPStatus, 299, 418, 499, 599])
def test_every_status_has_a_failure(status: int) -> None:
    """Every status has a failure, and none means "not found"."""
    failure = failures.failure_from_status(status, {}, "list_things", NOW)

    assert isinstance(failure, VendorFailure)
    assert not isinstance(failure, NotFoundByVendor)


@pytest.mark.parametrize(
    ("code", "quoted"),
    [("AuthFailure", "(AuthFailure)"), ("a b\r\n", "(unreadable)"), ({}, "(unreadable)"), ("x" * 81, "(unreadable)")],
)
def test_only_plain_codes_are_quoted(code: object, quoted: str) -> None:
    """A value that is not a plain code never becomes part of a text."""
    assert quoted in failures.failure_from_status(400, {}, "list_things", NOW, code).detail


@pytest.mark.parametrize(
    ("failure", "label"),
    [
        (NotFoundByVendor(""), "not_found"),
        (RateLimited(""), "rate_limited"),
        (CredentialsRejected(""), "auth_rejected"),
        (failures.ConnectTimedOut(""), "timed_out"),
        (MalformedAnswer(""), "malformed_answer"),
        (Unreachable(""), "unreachable"),
        (VendorFailure(""), "failed"),
    ],
)
def test_outcome_labels(failure: VendorFailure, label: str) -> None:
    """Each failure has one label for metrics."""
    assert label == failures.outcome_label(failure)
