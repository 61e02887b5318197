"""Maps HTTP statuses to vendor failures, reads the codes of error bodies, and makes the text of a failure safe to show.

Exceptions of the HTTP library are mapped in `vendors/client/transport.py`. No text contains a secret, a URL or a header.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from domain.errors import (
    CredentialsRejected,
    MalformedAnswer,
    NotFoundByVendor,
    RateLimited,
    TimedOut,
    Unreachable,
    VendorFailure,
)

_MAX_TEXT_LENGTH: Final = 300
_MAX_RETRY_AFTER: Final = timedelta(hours=24)
_MIN_SECRET_LENGTH: Final = 4
_ERROR_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,79}")


class ConnectTimedOut(TimedOut):
    """The connection was not established in time. Nothing was sent, so the call may be retried."""


class Intercepted(Unreachable):
    """Something between the gateway and the vendor answered, or the vendor refuses the place. A retry would not help."""


_KEY_CURE: Final = "check the account's credentials and what they may list"
_CURES: Final[Mapping[int, tuple[type[VendorFailure], str]]] = {
    HTTPStatus.UNAUTHORIZED: (CredentialsRejected, _KEY_CURE),
    HTTPStatus.FORBIDDEN: (CredentialsRejected, _KEY_CURE),
    HTTPStatus.PAYMENT_REQUIRED: (CredentialsRejected, "the vendor asks for payment; add credit to the account"),
    HTTPStatus.REQUEST_TIMEOUT: (TimedOut, "the vendor waited for the request for too long"),
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: (Intercepted, "a proxy asks for credentials; check HTTPS_PROXY"),
    HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS: (Intercepted, "the vendor may not serve this place for legal reasons"),
}


def failure_from_status(
    status: int, headers: Mapping[str, str], operation: str, now: datetime, code: object = None
) -> VendorFailure:
    """Return the failure that a status means if the vendor's error body says nothing more specific.

    Header names must be lower case. `code` is the vendor's own error code; it is quoted if `safe_error_code` allows it.
    """
    text = f"{operation}: answered {status}" + (f" ({safe_error_code(code)})" if code is not None else "")
    if status == HTTPStatus.FORBIDDEN and _is_filter(headers):
        return Intercepted(f"{text} with a web page; a filter in front of the vendor's API refuses this machine.")
    if status in _CURES:
        failure_type, cure = _CURES[status]
        return failure_type(f"{text}; {cure}.")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(f"{text}, too many calls.", parse_retry_after(headers, now))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(f"{text}.", parse_retry_after(headers, now))
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return MalformedAnswer(f"{text}, a redirect, which is never followed; check the account's endpoint.")
    return MalformedAnswer(f"{text}, which the vendor does not document for this call; check the account's endpoint.")


def _is_filter(headers: Mapping[str, str]) -> bool:
    """Return whether a refusal is a web page, such as Cloudflare's challenge. No vendor's API answers with one."""
    return "cf-mitigated" in headers or "text/html" in headers.get("content-type", "").lower()


def parse_retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Return when `retry-after` (seconds or an HTTP date) permits the next call, at most a day ahead.

    `None` if the header is missing or cannot be read.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        seconds = min(int(text[:9]), int(_MAX_RETRY_AFTER.total_seconds()))
        return now + timedelta(seconds=seconds)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    try:
        return min(max(aware.astimezone(UTC), now), now + _MAX_RETRY_AFTER)
    except OverflowError:
        return None


def is_retryable(error: BaseException) -> bool:
    """Return whether the same call may succeed if it is sent again at once. It may not if the vendor said when to come back."""
    if isinstance(error, Unreachable):
        return error.retry_at is None and not isinstance(error, Intercepted)
    return isinstance(error, ConnectTimedOut)


def safe_error_code(text: object) -> str:
    """Return a vendor's error code if it is safe to quote, else `unreadable`."""
    return text if isinstance(text, str) and _ERROR_CODE.fullmatch(text) else "unreadable"


def error_object(body: str) -> Mapping[str, object]:
    """Return the JSON object of an error body; an empty mapping if the body is not a JSON object."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def error_code(body: str, *path: str) -> str | None:
    """Return the text at a path of an error body, such as `error`, `code`; `None` if there is no text."""
    value: object = error_object(body)
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None


def scrub_failure(failure: VendorFailure, secrets: Iterable[str]) -> VendorFailure:
    """Return the failure with every secret and control character removed from its text, and the text shortened."""
    text = failure.detail
    for secret in secrets:
        if len(secret) >= _MIN_SECRET_LENGTH:
            text = text.replace(secret, "***")
    text = "".join(letter if letter.isprintable() else " " for letter in text)[:_MAX_TEXT_LENGTH]
    return type(failure)(text, failure.retry_at)


def outcome_label(failure: VendorFailure) -> str:
    """Return the label of a failure in metrics and logs."""
    for failure_type, label in _OUTCOMES:
        if isinstance(failure, failure_type):
            return label
    return "failed"


_OUTCOMES: Final[tuple[tuple[type[VendorFailure], str], ...]] = (
    (NotFoundByVendor, "not_found"),
    (RateLimited, "rate_limited"),
    (CredentialsRejected, "auth_rejected"),
    (TimedOut, "timed_out"),
    (MalformedAnswer, "malformed_answer"),
    (Unreachable, "unreachable"),
)
