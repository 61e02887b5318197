"""The one shared transport: connections, timeouts, retries, size limits. The only home of httpx, with its map of errors.

It sends what a vendor asks for and hands back a decoded answer, or raises a VendorFailure whose text is safe.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Protocol
from urllib.parse import quote, urlencode

import httpx
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from domain.errors import MalformedAnswer, RateLimited, TimedOut, VendorFailure
from domain.timestamps import Clock
from vendors.base import RateLimit, VendorRequest, VendorResponse
from vendors.client import decoding, failures
from vendors.client.call_context import Tally
from vendors.client.parse_guard import parse_guard
from vendors.client.rate_limits import SHARE, Budget
from vendors.client.request_ids import request_id

# A server that takes this at its word tells its problems (RFC 9457) to none who does not accept them.
_ACCEPTS: Final = {"json": "application/json, application/problem+json", "xml": "text/xml, application/xml"}
_THREAD_FROM: Final = 256 * 1024
"""Bodies from this size on are decoded beside the event loop, so that other accounts' calls go on."""


class CallObserver(Protocol):
    """Is told of every HTTP call once it has ended."""

    def __call__(self, account: str, operation: str, outcome: str, seconds: float) -> None:
        """`outcome` is `ok`, `cancelled`, `broken` or a word of `failures.outcome_word`."""
        ...


class Authorize(Protocol):
    """A vendor's authentication."""

    def __call__(
        self, request: VendorRequest, url: str, body: bytes, region: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The headers that authenticate the call."""
        ...


class ReadFailure(Protocol):
    """A vendor's own words for what went wrong."""

    def __call__(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """The failure, or None."""
        ...


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """Seconds, bytes and counts of one account's calls.

    `call_seconds` bounds one HTTP call whole, a body of one byte a second included.
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


def nobody(account: str, operation: str, outcome: str, seconds: float) -> None:
    """An observer that looks away."""


class Transport:
    """One account's connections. Safe to share between flights; `close` when done."""

    def __init__(
        self,
        account: str,
        base_url: Callable[[str | None], str],
        authorize: Authorize,
        read_failure: ReadFailure,
        *,
        clock: Clock,
        observer: CallObserver = nobody,
        secrets: tuple[str, ...] = (),
        limits: TransportLimits | None = None,
        allowances: Sequence[RateLimit] = (),
        budget_share: float = SHARE,
    ) -> None:
        self._account = account
        self._base_url = base_url
        self._authorize = authorize
        self._read_failure = read_failure
        self._clock = clock
        self._observer = observer
        self._secrets = secrets
        self._limits = limits or TransportLimits()
        self._client = _client(self._limits)
        self._allowances = allowances
        self._share = budget_share
        self._budgets: dict[str | None, Budget] = {}

    async def send(self, request: VendorRequest, region: str | None, tally: Tally) -> VendorResponse:
        """One call and its repetitions. Raises VendorFailure; a 429 is never waited for. Safe to cancel."""
        limits = self._limits
        attempts = AsyncRetrying(
            stop=stop_after_attempt(1 + (limits.retries if request.idempotent else 0)),
            wait=wait_random_exponential(multiplier=limits.backoff_seconds, max=limits.backoff_max_seconds),
            retry=retry_if_exception(
                lambda error: failures.worth_again(error) and not self.budget(region).wait(request.operation)
            ),
            reraise=True,
        )
        return await attempts(self._once, request, region, tally)

    def budget(self, region: str | None) -> Budget:
        """The budget of the account's calls to a region."""
        return self._budgets.setdefault(region, Budget(self._allowances, self._clock, self._share))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _once(self, request: VendorRequest, region: str | None, tally: Tally) -> VendorResponse:
        await self.budget(region).take(request.operation)
        tally.calls += 1
        outcome = "broken"
        started = time.perf_counter()
        try:
            answer = await self._exchange(request, region)
            outcome = "ok"
            answer = replace(answer, seconds=time.perf_counter() - started)
        except VendorFailure as failure:
            outcome = failures.outcome_word(failure)
            if isinstance(failure, RateLimited):
                self.budget(region).refused(failure)
            raise failures.scrubbed(failure, self._secrets) from None
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            self._observer(self._account, request.operation, outcome, time.perf_counter() - started)
        return answer

    async def _exchange(self, request: VendorRequest, region: str | None) -> VendorResponse:
        try:
            async with asyncio.timeout(self._limits.call_seconds):
                response = await self._client.send(self._compose(request, region), stream=True)
                try:
                    return await self._answer(request, response, region)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise TimedOut(f"{request.operation}: no whole answer in time.") from None
        except failures.FOREIGN as error:
            raise failures.of_exception(error, request.operation) from None

    def _compose(self, request: VendorRequest, region: str | None) -> httpx.Request:
        url = self._base_url(region).rstrip("/") + request.path
        if request.query:
            url += "?" + urlencode(request.query, quote_via=quote)
        body = urlencode(request.form, quote_via=quote).encode()
        headers = {
            "accept": _ACCEPTS[request.expects],
            "accept-encoding": "gzip",
            "user-agent": "supplygraph",
            **request.headers,
        }
        if request.form:
            headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
        headers |= self._authorize(request, url, body, region, self._clock.now())
        return self._client.build_request(request.method, url, headers=headers, content=body or None)

    async def _answer(self, request: VendorRequest, response: httpx.Response, region: str | None) -> VendorResponse:
        status = response.status_code
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.budget(region).heard(headers)
        encoding = headers.get("content-encoding", "")
        if not response.is_success:
            raise await self._refusal(request, response, headers, encoding)
        try:
            body = await decoding.bounded(response.aiter_raw(), encoding, self._limits.body_bytes)
            if len(body) < _THREAD_FROM:
                payload = decoding.decode(body, request.expects)
            else:
                payload = await asyncio.to_thread(decoding.decode, body, request.expects)
        except MalformedAnswer as failure:
            raise MalformedAnswer(f"{request.operation}: {failure.detail}") from None
        return VendorResponse(status, headers, payload, request_id=request_id(headers, payload, self._secrets))

    async def _refusal(
        self, request: VendorRequest, response: httpx.Response, headers: Mapping[str, str], encoding: str
    ) -> VendorFailure:
        try:
            body = await decoding.beginning(response.aiter_raw(), encoding, self._limits.error_bytes)
        except failures.FOREIGN:
            # The status stands, whatever became of its body.
            body = ""
        now = self._clock.now()
        try:
            with parse_guard(self._account, request.operation):
                told = self._read_failure(request, response.status_code, headers, body, now)
        except MalformedAnswer:
            told = None
        return told or failures.of_status(response.status_code, headers, request.operation, now)


def _client(limits: TransportLimits) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        http1=True,
        http2=False,
        trust_env=False,
        follow_redirects=False,
        # No vendor needs cookies, and one that is set must not change later answers.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds),
        limits=httpx.Limits(
            max_connections=limits.connections,
            max_keepalive_connections=limits.connections,
            keepalive_expiry=limits.keepalive_seconds,
        ),
    )
