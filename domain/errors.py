"""Every error of ours.

SupplygraphError
├── ConfigurationError          what the operator wrote; says where, and the cure
├── ReaderError                 what a reader asked; has a code for GraphQL and a status for HTTP
│   ├── Unauthenticated
│   ├── Forbidden
│   ├── BadUserInput            names the argument
│   └── LimitExceeded           names the limit and the count
│       └── Busy                asking again later helps
├── RecordUnavailable           the database does not answer
└── VendorFailure               what a cloud did; becomes freshness, never an error of a reader
    ├── Unreachable
    ├── TimedOut
    ├── RateLimited             until when, where told
    ├── CredentialsRejected
    ├── MalformedAnswer
    └── NotFoundByVendor             the vendor's own words for it
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from domain.enums import StaleReason
from domain.records.observation import Problem


class SupplygraphError(Exception):
    """The root of ours; its text is safe to show."""


class ConfigurationError(SupplygraphError):
    """A mistake in the configuration: what was wrong, where, what to do."""


class ReaderError(SupplygraphError):
    """A request that is refused."""

    code: ClassVar[str] = "BAD_REQUEST"
    http_status: ClassVar[int] = 400

    def extensions(self) -> dict[str, object]:
        """What `extensions` of the GraphQL error holds."""
        return {"code": self.code}


class Unauthenticated(ReaderError):
    """No token, an unknown, expired or revoked one."""

    code = "UNAUTHENTICATED"
    http_status = 401


class Forbidden(ReaderError):
    """The token lacks a permission."""

    code = "FORBIDDEN"
    http_status = 403


class BadUserInput(ReaderError):
    """An argument that cannot be honoured."""

    code = "BAD_USER_INPUT"

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(message)
        self.argument = argument

    def extensions(self) -> dict[str, object]:
        """Code and argument."""
        return {"code": self.code, "argument": self.argument}


class LimitExceeded(ReaderError):
    """An operation larger than allowed."""

    code = "LIMIT_EXCEEDED"

    def __init__(self, limit: str, allowed: int, count: int) -> None:
        super().__init__(f"The operation has {count} {limit}; at most {allowed} are allowed.")
        self.limit = limit
        self.allowed = allowed
        self.count = count

    def extensions(self) -> dict[str, object]:
        """Code, limit, what is allowed and what was counted."""
        return {"code": self.code, "limit": self.limit, "allowed": self.allowed, "count": self.count}


class Busy(LimitExceeded):
    """As much waits to be made ready as may wait."""

    http_status = 503

    def __init__(self, allowed: int) -> None:
        super().__init__("new operations waiting", allowed, allowed + 1)
        self.args = ("Too many operations that are new here wait to be made ready; ask again in a second.",)


class DatabaseUnavailable(SupplygraphError):
    """The database does not answer. Nothing is lost; asking again helps once it does.

    `cause` is for whoever runs the gateway: the driver's own words, without statement, values or URL.
    """

    def __init__(self, cause: str) -> None:
        super().__init__("The record cannot be read at the moment; try again.")
        self.cause = cause


class VendorFailure(SupplygraphError):
    """A cloud did not answer as it should. The text is safe: no secret, no URL."""

    reason: ClassVar[StaleReason] = StaleReason.VENDOR_DOWN

    def __init__(self, detail: str, retry_at: datetime | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_at = retry_at

    def problem(self) -> Problem:
        """The failure as a value."""
        return Problem(self.reason, self.detail, self.retry_at)


class Unreachable(VendorFailure):
    """No connection, a reset, a server error."""


class TimedOut(VendorFailure):
    """No whole answer in time."""

    reason = StaleReason.TIMED_OUT


class RateLimited(VendorFailure):
    """Too many calls; `retry_at` where the vendor tells it."""

    reason = StaleReason.RATE_LIMITED


class CredentialsRejected(VendorFailure):
    """401, 403, or the vendor's own words for it."""

    reason = StaleReason.AUTH_REJECTED


class MalformedAnswer(VendorFailure):
    """An answer that cannot be what the vendor documents: HTML, cut JSON, a wrong shape, a 404 in no words of the vendor."""

    reason = StaleReason.MALFORMED_ANSWER


class NotFoundByVendor(VendorFailure):
    """The vendor's own words for "no such thing"."""

    reason = StaleReason.ABSENT
