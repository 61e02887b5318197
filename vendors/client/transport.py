"""The HTTP transport that all vendors share: connections, timeouts, retries and size limits. The only module that imports httpx.

It sends a vendor's request and returns the decoded response, or raises a VendorFailure whose text is safe to show.

`_FAILURES` maps the exceptions of httpx to failures; `vendors/client/failures.py` maps statuses.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Protocol, TypeAlias
from urllib.parse import quote, urlencode

import httpx
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from domain.errors import ConfigurationError, MalformedAnswer, RateLimited, TimedOut, Unreachable, VendorFailure
from domain.timestamps import Clock
from vendors.base import RateLimit, VendorRequest, VendorResponse
from vendors.client import failures, response_bodies
from vendors.client.call_context import CallContext
from vendors.client.connections import connection_problem, custom_ssl_context
from vendors.client.intermediaries import PROXY_AUTHENTICATION, Intercepted, failure_from_intermediary
from vendors.client.parse_guard import parse_guard
from vendors.client.rate_limits import SHARE, Budget
from vendors.client.request_ids import request_id

TRANSPORT_ERRORS: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError, OSError)
"""Every exception that sending a request may raise. `failure_from_exception` maps each of them."""

_FAILURES: Final[tuple[tuple[type[Exception], type[VendorFailure], str], ...]] = (
    (httpx.ConnectTimeout, failures.ConnectTimedOut, "no connection in time"),
    (httpx.PoolTimeout, TimedOut, "all connections of the account were busy for too long"),
    (httpx.TimeoutException, TimedOut, "no complete response in time"),
    (httpx.ConnectError, Unreachable, "no connection; check the network and the account's endpoint"),
    (httpx.NetworkError, Unreachable, "the connection broke"),
    (httpx.ProtocolError, Unreachable, "the connection broke, or the response was not HTTP"),
    (
        httpx.ProxyError,
        Unreachable,
        "the proxy did not connect to the cloud; check HTTPS_PROXY, or name the host in NO_PROXY",
    ),
    (httpx.UnsupportedProtocol, Unreachable, "the address is neither http nor https"),
    (httpx.InvalidURL, Unreachable, "the address is not a valid URL"),
    (httpx.DecodingError, MalformedAnswer, "the body does not have the encoding that its headers declare"),
    (httpx.TooManyRedirects, MalformedAnswer, "redirected"),
    (httpx.StreamError, Unreachable, "the connection was used after it was closed"),
    (httpx.CookieConflict, Unreachable, "the connection was used incorrectly"),
    (httpx.HTTPError, Unreachable, "the call failed"),
    (OSError, Unreachable, "the connection broke"),
)
# A server that takes `accept` literally sends problem documents (RFC 9457) only to clients that accept them.
_ACCEPT: Final = {"json": "application/json, application/problem+json", "xml": "text/xml, application/xml"}
_PROXY_REFUSAL: Final = "407 "
"""How httpcore begins the text of the error if a proxy answers CONNECT with 407."""
_DECODE_IN_THREAD_BYTES: Final = 256 * 1024
"""Bodies of at least this size are decoded in a thread, so that they do not block the event loop."""


class CallObserver(Protocol):
    """Is called after every HTTP call."""

    def __call__(self, account: str, operation: str, outcome: str, seconds: float) -> None:
        """`outcome` is `ok`, `cancelled`, `error` or a label of `failures.outcome_label`."""
        ...


Authorize: TypeAlias = Callable[[VendorRequest, str, bytes, str | None, datetime], Mapping[str, str]]
"""`Vendor.authorize`."""
ReadFailure: TypeAlias = Callable[[VendorRequest, int, Mapping[str, str], str, datetime], VendorFailure | None]
"""`Vendor.read_failure`."""


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """Limits of one account's calls, in seconds, bytes and counts.

    `call_seconds` bounds one HTTP call as a whole, also when its body arrives at one byte a second.
    """

    connect_seconds: float = 5
    read_seconds: float = 15
    call_seconds: float = 25
    body_bytes: int = 32 * 1024 * 1024
    error_bytes: int = 64 * 1024
    retries: int = 2
    backoff_seconds: float = 0.25
    backoff_max_seconds: float = 2
    connections: int = 8
    keepalive_seconds: float = 90

    @classmethod
    def for_flight(cls, flight_seconds: float, body_bytes: int) -> TransportLimits:
        """Return the limits of an account whose flights may take `flight_seconds`: one call may use most of the flight."""
        default = cls(body_bytes=body_bytes)
        return replace(
            default,
            read_seconds=max(default.read_seconds, flight_seconds / 2),
            call_seconds=max(default.call_seconds, flight_seconds * 5 / 6),
        )


def ignore_call(account: str, operation: str, outcome: str, seconds: float) -> None:
    """Observe a call and do nothing."""


def failure_from_exception(error: Exception, operation: str) -> VendorFailure:
    """Return the failure that one of TRANSPORT_ERRORS means. Its own text is not quoted, because it may contain a URL."""
    cause = connection_problem(error) if isinstance(error, httpx.ConnectError) else None
    if cause is not None:
        return Unreachable(f"{operation}: {cause}.")
    if isinstance(error, httpx.ProxyError) and str(error).startswith(_PROXY_REFUSAL):
        return Intercepted(f"{operation}: {PROXY_AUTHENTICATION}.")
    for error_type, failure_type, reason in _FAILURES:
        if isinstance(error, error_type):
            return failure_type(f"{operation}: {reason}.")
    raise TypeError(f"no failure is defined for {type(error).__name__}")


class Transport:
    """The HTTP connections of one account. Safe to use from several flights at once; call `close` when done."""

    def __init__(
        self,
        account: str,
        base_url: Callable[[str | None], str],
        authorize: Authorize,
        read_failure: ReadFailure,
        *,
        clock: Clock,
        observer: CallObserver = ignore_call,
        secrets: tuple[str, ...] = (),
        limits: TransportLimits | None = None,
        rate_limits: Sequence[RateLimit] = (),
        budget_share: float = SHARE,
        uses_proxy: bool = True,
    ) -> None:
        self._account = account
        self._base_url = base_url
        self._authorize = authorize
        self._read_failure = read_failure
        self._clock = clock
        self._observer = observer
        self._secrets = secrets
        self._limits = limits or TransportLimits()
        self._client = _make_client(self._limits, uses_proxy=uses_proxy)
        self._rate_limits = rate_limits
        self._share = budget_share
        self._budgets: dict[str | None, Budget] = {}

    async def send(self, request: VendorRequest, region: str | None, context: CallContext) -> VendorResponse:
        """Send a request, with retries. Raise VendorFailure. A 429 is not retried. Safe to cancel."""
        limits = self._limits
        attempts = AsyncRetrying(
            stop=stop_after_attempt(1 + (limits.retries if request.idempotent else 0)),
            wait=wait_random_exponential(multiplier=limits.backoff_seconds, max=limits.backoff_max_seconds),
            retry=retry_if_exception(
                lambda error: failures.is_retryable(error) and not self.budget(region).wait_seconds(request.operation)
            ),
            reraise=True,
        )
        return await attempts(self._send_once, request, region, context)

    def budget(self, region: str | None) -> Budget:
        """Return the budget of the account's calls to a region."""
        return self._budgets.setdefault(region, Budget(self._rate_limits, self._clock, self._share))

    def use_credentials(self, authorize: Authorize, secrets: tuple[str, ...]) -> None:
        """Send further calls with other credentials. The old secrets are still removed from texts."""
        self._authorize = authorize
        self._secrets = tuple(dict.fromkeys((*self._secrets, *secrets)))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _send_once(self, request: VendorRequest, region: str | None, context: CallContext) -> VendorResponse:
        await self.budget(region).acquire(request.operation, context)
        context.calls += 1
        outcome = "error"
        started = time.perf_counter()
        try:
            response = await self._exchange(request, region)
            outcome = "ok"
            response = replace(response, seconds=time.perf_counter() - started)
        except VendorFailure as failure:
            outcome = failures.outcome_label(failure)
            if isinstance(failure, RateLimited):
                self.budget(region).observe_rate_limit(failure)
            raise failures.scrub_failure(failure, self._secrets) from None
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            self._observer(self._account, request.operation, outcome, time.perf_counter() - started)
        return response

    async def _exchange(self, request: VendorRequest, region: str | None) -> VendorResponse:
        try:
            async with asyncio.timeout(self._limits.call_seconds):
                response = await self._client.send(self._compose(request, region), stream=True)
                try:
                    return await self._read_response(request, response, region)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise TimedOut(f"{request.operation}: no complete response in time.") from None
        except TRANSPORT_ERRORS as error:
            raise failure_from_exception(error, request.operation) from None

    def _compose(self, request: VendorRequest, region: str | None) -> httpx.Request:
        url = self._base_url(region).rstrip("/") + request.path
        if request.query:
            url += "?" + urlencode(request.query, quote_via=quote)
        body = urlencode(request.form, quote_via=quote).encode()
        headers = {
            "accept": _ACCEPT[request.expects],
            "accept-encoding": "gzip",
            "user-agent": "supplygraph",
            **request.headers,
        }
        if request.form:
            headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
        headers |= self._authorize(request, url, body, region, self._clock.now())
        return self._client.build_request(request.method, url, headers=headers, content=body or None)

    async def _read_response(
        self, request: VendorRequest, response: httpx.Response, region: str | None
    ) -> VendorResponse:
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.budget(region).observe_headers(headers)
        encoding = headers.get("content-encoding", "")
        if not response.is_success:
            raise await self._failure(request, response, headers, encoding)
        try:
            body = await response_bodies.read_body(response.aiter_raw(), encoding, self._limits.body_bytes)
            if len(body) < _DECODE_IN_THREAD_BYTES:
                payload = response_bodies.decode_body(body, request.expects)
            else:
                payload = await asyncio.to_thread(response_bodies.decode_body, body, request.expects)
        except MalformedAnswer as failure:
            raise MalformedAnswer(f"{request.operation}: {failure.detail}") from None
        vendor_request_id = request_id(headers, payload, self._secrets)
        return VendorResponse(response.status_code, headers, payload, request_id=vendor_request_id)

    async def _failure(
        self, request: VendorRequest, response: httpx.Response, headers: Mapping[str, str], encoding: str
    ) -> VendorFailure:
        try:
            body = await response_bodies.read_error_text(response.aiter_raw(), encoding, self._limits.error_bytes)
        except TRANSPORT_ERRORS:
            # The status is valid even if the body cannot be read.
            body = ""
        now = self._clock.now()
        status = response.status_code
        foreign = failure_from_intermediary(str(response.url), status, headers, body, request.operation)
        if foreign is not None:
            return foreign
        try:
            with parse_guard(self._account, request.operation):
                failure = self._read_failure(request, status, headers, body, now)
        except MalformedAnswer:
            failure = None
        return failure or failures.failure_from_status(status, headers, request.operation, now)


def _make_client(limits: TransportLimits, *, uses_proxy: bool) -> httpx.AsyncClient:
    """Return a client. httpx reads HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY if `uses_proxy` is true.

    Raise ConfigurationError if a variable cannot be used. Its value is not quoted, because it may contain a password.
    """
    ssl_context = custom_ssl_context()
    try:
        return httpx.AsyncClient(
            http1=True,
            http2=False,
            trust_env=uses_proxy,
            verify=ssl_context or True,
            follow_redirects=False,
            # No vendor needs cookies, and a cookie must not change later responses.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds),
            limits=httpx.Limits(
                max_connections=limits.connections,
                max_keepalive_connections=limits.connections,
                keepalive_expiry=limits.keepalive_seconds,
            ),
        )
    except (ValueError, httpx.InvalidURL, ImportError):
        # ImportError: SOCKS needs a library that is not installed.
        raise ConfigurationError(
            "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY or NO_PROXY is not valid; write a proxy as http://USER:PASSWORD@HOST:PORT "
            "(SOCKS is not supported)"
        ) from None
