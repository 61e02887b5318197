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
from types import MappingProxyType
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
from vendors.client.intermediaries import Intercepted

_MAX_TEXT_LENGTH: Final = 300
_MAX_RETRY_AFTER: Final = timedelta(hours=24)
_SECONDS: Final = re.compile(r"[0-9]{1,300}(?:\.[0-9]{0,20})?")
_MIN_SECRET_LENGTH: Final = 4
LEAVE_OUT_KIND: Final = "or leave the kind out with the account's setting kinds"
"""The cure for a key that may list machines or volumes, but not both."""
_CHECK_CREDENTIALS: Final = "; check the account's credentials and what they may list"
_REFUSALS: Final[Mapping[HTTPStatus, str]] = MappingProxyType({
    HTTPStatus.UNAUTHORIZED: _CHECK_CREDENTIALS,
    HTTPStatus.PAYMENT_REQUIRED: ", payment required; add credit or a payment method in the vendor's console",
    HTTPStatus.FORBIDDEN: f"{_CHECK_CREDENTIALS}, {LEAVE_OUT_KIND}",
})  # fmt: skip
_ERROR_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,79}")


class ConnectTimedOut(TimedOut):
    """The connection was not established in time. Nothing was sent, so the call may be retried."""


def failure_from_status(
    status: int, headers: Mapping[str, str], operation: str, now: datetime, code: object = None
) -> VendorFailure:
    """Return the failure that a status means if the vendor's error body says nothing more specific.

    Header names must be lower case. `code` is the vendor's own error code; it is quoted if `safe_error_code` allows it.
    """
    text = f"{operation}: answered {status}" + (f" ({safe_error_code(code)})" if code is not None else "")
    if status in _REFUSALS:
        return CredentialsRejected(f"{text}{_REFUSALS[HTTPStatus(status)]}.")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(f"{text}, too many calls.", parse_retry_after(headers, now))
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return TimedOut(f"{text}; the vendor waited for the request for too long.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(f"{text}.", parse_retry_after(headers, now))
    return MalformedAnswer(f"{text}, which the vendor does not document for this call; check the account's endpoint.")


def parse_retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Return when `retry-after` (seconds or an HTTP date) permits the next call, at most a day ahead.

    Fractions of a second are accepted although RFC 9110 has none. `None` if the header is missing, negative or unreadable.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return now + timedelta(seconds=min(float(text), _MAX_RETRY_AFTER.total_seconds()))
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
    if isinstance(error, Intercepted):
        return False
    if isinstance(error, Unreachable):
        return error.retry_at is None
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
