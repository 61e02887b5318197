"""The one map of foreign errors: nothing that httpx can raise is unmapped, and no text of it gets through."""

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

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
EVERY_EXCEPTION = sorted(
    (one for _, one in inspect.getmembers(httpx, inspect.isclass) if issubclass(one, Exception)),
    key=lambda one: one.__name__,
)


def test_the_list_is_not_empty() -> None:
    """The enumeration below finds httpx's exceptions."""
    assert {httpx.ConnectError, httpx.ReadTimeout, httpx.InvalidURL, httpx.StreamClosed} <= set(EVERY_EXCEPTION)


@pytest.mark.parametrize("foreign", EVERY_EXCEPTION)
def test_every_exception_of_httpx_is_mapped(foreign: type[Exception]) -> None:
    """Each is caught by the transport, and has a failure of ours without its own text."""
    error = foreign.__new__(foreign)
    error.args = ("https://user:password@host/",)

    failure = failures.of_exception(error, "list_things")

    assert issubclass(foreign, failures.FOREIGN)
    assert isinstance(failure, Unreachable | TimedOut | MalformedAnswer)
    assert "password" not in failure.detail
    assert failure.detail.startswith("list_things: ")


@pytest.mark.parametrize(
    ("error", "expected", "again"),
    [
        (httpx.ConnectTimeout(""), failures.NotConnectedInTime, True),
        (httpx.ReadTimeout(""), TimedOut, False),
        (httpx.PoolTimeout(""), TimedOut, False),
        (httpx.ConnectError(""), Unreachable, True),
        (httpx.RemoteProtocolError(""), Unreachable, True),
        (httpx.DecodingError(""), MalformedAnswer, False),
        (ConnectionResetError(), Unreachable, True),
    ],
)
def test_what_may_be_tried_again(error: Exception, expected: type[VendorFailure], again: bool) -> None:
    """Only what broke before or beside an answer."""
    failure = failures.of_exception(error, "list_things")

    assert expected is type(failure)
    assert again is failures.worth_again(failure)


@pytest.mark.parametrize("status", [*HTTPStatus, 299, 418, 499, 599])
def test_every_status_has_a_failure(status: int) -> None:
    """No status falls through, and none is a word for "no such thing"."""
    failure = failures.of_status(status, {}, "list_things", NOW)

    assert isinstance(failure, VendorFailure)
    assert not isinstance(failure, NotFoundByVendor)


@pytest.mark.parametrize(
    ("code", "quoted"),
    [("AuthFailure", "(AuthFailure)"), ("a b\r\n", "(unreadable)"), ({}, "(unreadable)"), ("x" * 81, "(unreadable)")],
)
def test_only_a_code_is_quoted(code: object, quoted: str) -> None:
    """What is no plain word never gets into a text."""
    assert quoted in failures.of_status(400, {}, "list_things", NOW, code).detail


@pytest.mark.parametrize(
    ("failure", "word"),
    [
        (NotFoundByVendor(""), "no_such_thing"),
        (RateLimited(""), "rate_limited"),
        (CredentialsRejected(""), "auth_rejected"),
        (failures.NotConnectedInTime(""), "timed_out"),
        (MalformedAnswer(""), "malformed_answer"),
        (Unreachable(""), "unreachable"),
        (VendorFailure(""), "failed"),
    ],
)
def test_outcome_words(failure: VendorFailure, word: str) -> None:
    """Each failure has one word for metrics."""
    assert word == failures.outcome_word(failure)
