"""What went wrong with a call, in our words. The one place that maps foreign errors and statuses.

httpx                                       ours
├── ConnectTimeout                          NotConnectedInTime (a TimedOut that may be tried again)
├── other TimeoutException                  TimedOut
├── NetworkError, ProtocolError, ProxyError Unreachable
├── UnsupportedProtocol, InvalidURL         Unreachable
├── DecodingError, TooManyRedirects         MalformedAnswer
├── StreamError, CookieConflict             Unreachable: a connection used after its end
└── HTTPStatusError                         never raised by us; Unreachable

status: 401, 403 CredentialsRejected · 408 TimedOut · 429 RateLimited · 5xx Unreachable · any other MalformedAnswer.
Every text is safe: no secret, no URL, no header.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import httpx

from domain.errors import (
    CredentialsRejected,
    MalformedAnswer,
    NotFoundByVendor,
    RateLimited,
    TimedOut,
    Unreachable,
    VendorFailure,
)

FOREIGN: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError, OSError)
"""Everything that a call may raise; `of_exception` has a word for each."""

_LONGEST_TEXT: Final = 300
_LONGEST_HOLD: Final = timedelta(hours=24)
_SHORTEST_SECRET: Final = 4
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,79}")


class NotConnectedInTime(TimedOut):
    """No connection in time: nothing was sent, so the call may be tried again."""


_MAPPING: Final[tuple[tuple[type[Exception], type[VendorFailure], str], ...]] = (
    (httpx.ConnectTimeout, NotConnectedInTime, "no connection in time"),
    (httpx.PoolTimeout, TimedOut, "all connections of the account were busy for too long"),
    (httpx.TimeoutException, TimedOut, "no whole answer in time"),
    (httpx.ConnectError, Unreachable, "no connection: refused, an unknown host, or a certificate that is not trusted"),
    (httpx.NetworkError, Unreachable, "the connection broke"),
    (httpx.ProtocolError, Unreachable, "the connection broke, or what came was not HTTP"),
    (httpx.ProxyError, Unreachable, "the proxy failed"),
    (httpx.UnsupportedProtocol, Unreachable, "the address is neither http nor https"),
    (httpx.InvalidURL, Unreachable, "the address cannot be called"),
    (httpx.DecodingError, MalformedAnswer, "the body is not in the encoding that its headers tell"),
    (httpx.TooManyRedirects, MalformedAnswer, "redirected"),
    (httpx.StreamError, Unreachable, "the connection was used after its end"),
    (httpx.CookieConflict, Unreachable, "the connection was used wrongly"),
    (httpx.HTTPError, Unreachable, "the call failed"),
    (OSError, Unreachable, "the connection broke"),
)


def of_exception(error: Exception, operation: str) -> VendorFailure:
    """The failure that a foreign error means. Its own text is never quoted: it may hold an address."""
    for foreign, ours, words in _MAPPING:
        if isinstance(error, foreign):
            return ours(f"{operation}: {words}.")
    raise TypeError(f"no mapping of {type(error).__name__}")


def of_status(
    status: int, headers: Mapping[str, str], operation: str, now: datetime, code: object = None
) -> VendorFailure:
    """The failure that a status means where the vendor's own words told nothing more. Header names are lower case.

    `code` is the vendor's own error code, quoted if it can be.
    """
    text = f"{operation}: answered {status}" + (f" ({vendor_word(code)})" if code is not None else "")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return CredentialsRejected(f"{text}; check the account's credentials and what they may list.")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(f"{text}, too many calls.", retry_at(headers, now))
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return TimedOut(f"{text}.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(f"{text}.", retry_at(headers, now))
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return MalformedAnswer(f"{text}, a redirect, which is never followed; check the account's endpoint.")
    return MalformedAnswer(f"{text}, which is not how the vendor documents this call; check the account's endpoint.")


def retry_at(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When `retry-after` (seconds or an HTTP date) lets us ask again, at most a day ahead; None where it tells nothing."""
    told = headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        seconds = min(int(told[:9]), int(_LONGEST_HOLD.total_seconds()))
        return now + timedelta(seconds=seconds)
    try:
        date = parsedate_to_datetime(told)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    try:
        return min(max(aware.astimezone(UTC), now), now + _LONGEST_HOLD)
    except OverflowError:
        return None


def worth_again(error: BaseException) -> bool:
    """Whether the same call may do better at once: not where the vendor told when to come back."""
    if isinstance(error, Unreachable):
        return error.retry_at is None
    return isinstance(error, NotConnectedInTime)


def vendor_word(text: object) -> str:
    """A vendor's error code, fit to be quoted; anything that is no code reads `unreadable`."""
    return text if isinstance(text, str) and _WORD.fullmatch(text) else "unreadable"


def scrubbed(failure: VendorFailure, secrets: Iterable[str]) -> VendorFailure:
    """The same failure with every secret out of its text, without control characters, and short."""
    text = failure.detail
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    text = "".join(letter if letter.isprintable() else " " for letter in text)[:_LONGEST_TEXT]
    return type(failure)(text, failure.retry_at)


def outcome_word(failure: VendorFailure) -> str:
    """One word for metrics and logs."""
    for kind, word in _OUTCOMES:
        if isinstance(failure, kind):
            return word
    return "failed"


_OUTCOMES: Final[tuple[tuple[type[VendorFailure], str], ...]] = (
    (NotFoundByVendor, "no_such_thing"),
    (RateLimited, "rate_limited"),
    (CredentialsRejected, "auth_rejected"),
    (TimedOut, "timed_out"),
    (MalformedAnswer, "malformed_answer"),
    (Unreachable, "unreachable"),
)
