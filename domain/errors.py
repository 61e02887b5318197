"""The exceptions of supplygraph.

SupplygraphError
├── ConfigurationError          an error in the configuration or on the command line
├── ReaderError                 a request is refused; carries a GraphQL code and an HTTP status
│   ├── Unauthenticated
│   ├── Forbidden
│   ├── BadUserInput            names the argument
│   └── LimitExceeded           names the limit and the count
│       └── Busy                a later retry can succeed
├── DatabaseUnavailable         the database does not respond
└── VendorFailure               a vendor call failed; readers see it as a freshness reason, never as an error
    ├── Unreachable
    ├── TimedOut
    ├── RateLimited             with the end of the limit, if the vendor reports it
    ├── CredentialsRejected
    ├── MalformedAnswer
    ├── NothingReturned         the response has nothing where the resource should be
    └── NotFoundByVendor        the vendor reports that the resource does not exist
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from domain.enums import StaleReason
from domain.records.observation import Problem


class SupplygraphError(Exception):
    """The base class. Its text is safe to show to clients."""


class ConfigurationError(SupplygraphError):
    """An error in the configuration. The text says what is wrong, where it is, and how to correct it."""


class ReaderError(SupplygraphError):
    """A request that is refused."""

    code: ClassVar[str] = "BAD_REQUEST"
    http_status: ClassVar[int] = 400

    def extensions(self) -> dict[str, object]:
        """Return the `extensions` of the GraphQL error."""
        return {"code": self.code}


class Unauthenticated(ReaderError):
    """The request carries no token, or one that is unknown, expired or revoked."""

    code = "UNAUTHENTICATED"
    http_status = 401


class Forbidden(ReaderError):
    """The token lacks a permission."""

    code = "FORBIDDEN"
    http_status = 403


class BadUserInput(ReaderError):
    """An argument has an invalid value."""

    code = "BAD_USER_INPUT"

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(message)
        self.argument = argument

    def extensions(self) -> dict[str, object]:
        """Return the code and the argument's name."""
        return {"code": self.code, "argument": self.argument}


class PersistedQueryNotSupported(ReaderError):
    """The request names an operation by its hash only. Clients then send the text: Apollo's link knows this code and text."""

    code = "PERSISTED_QUERY_NOT_SUPPORTED"

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")


class LimitExceeded(ReaderError):
    """An operation is larger than the configured limit."""

    code = "LIMIT_EXCEEDED"

    def __init__(self, limit: str, allowed: int, count: int) -> None:
        super().__init__(f"The operation has {count} {limit}; at most {allowed} are allowed.")
        self.limit = limit
        self.allowed = allowed
        self.count = count

    def extensions(self) -> dict[str, object]:
        """Return the code, the limit's name, the allowed count and the actual count."""
        return {"code": self.code, "limit": self.limit, "allowed": self.allowed, "count": self.count}


class Busy(LimitExceeded):
    """The queue of the compile worker is full."""

    http_status = 503

    def __init__(self, allowed: int) -> None:
        super().__init__("new operations waiting", allowed, allowed + 1)
        self.args = ("The server is compiling too many new operations at the moment. Retry in a second.",)


class DatabaseUnavailable(SupplygraphError):
    """The database does not respond. No data is lost, and a retry succeeds once it responds again.

    `cause` is for the operator: the driver's message without the statement, its values and the URL.
    """

    def __init__(self, cause: str) -> None:
        super().__init__("The database is unavailable at the moment. Try again later.")
        self.cause = cause


class RecordNotWritten(SupplygraphError):
    """The database refuses a write: the disk is full, the file is read-only, or a constraint is broken.

    What was recorded before can still be read. `cause` is for the operator, like that of `DatabaseUnavailable`.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(f"The database cannot be written: {cause}.")
        self.cause = cause


class VendorFailure(SupplygraphError):
    """A vendor call failed. The text is safe to show: it contains no secret and no URL."""

    reason: ClassVar[StaleReason] = StaleReason.VENDOR_DOWN

    def __init__(self, detail: str, retry_at: datetime | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_at = retry_at

    def problem(self) -> Problem:
        """Return the failure as a value."""
        return Problem(self.reason, self.detail, self.retry_at)


class Unreachable(VendorFailure):
    """No connection could be made, the connection was reset, or the vendor returned a server error."""


class TimedOut(VendorFailure):
    """No complete response arrived in time."""

    reason = StaleReason.TIMED_OUT


class RateLimited(VendorFailure):
    """The vendor's rate limit is exceeded. `retry_at` is set if the vendor reports it."""

    reason = StaleReason.RATE_LIMITED


class CredentialsRejected(VendorFailure):
    """The vendor returned 401, 403, or its own error code for rejected credentials."""

    reason = StaleReason.AUTH_REJECTED


class MalformedAnswer(VendorFailure):
    """The response does not match the vendor's documentation.

    Examples are HTML, truncated JSON, a wrong shape, and a 404 without the vendor's own error code.
    """

    reason = StaleReason.MALFORMED_ANSWER


class NothingReturned(VendorFailure):
    """The response to a probe has the documented shape, with null or nothing where the resource should be."""

    reason = StaleReason.ABSENT


class NotFoundByVendor(VendorFailure):
    """The vendor reports, with its own error code, that the resource does not exist."""

    reason = StaleReason.ABSENT
