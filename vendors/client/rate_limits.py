"""How many calls an account may make.

By default, a budget is half of what the vendor documents, because the team's own tools use the same limits. Each
documented limit becomes a token bucket with that share of its calls, refilled at that share of its rate. When the
vendor reports in its headers that no calls are left, the account is closed until the reported time. All intervals are
measured with the event loop's clock, so that a step of the wall clock opens no window.

Sources: draft-ietf-httpapi-ratelimit-headers (`RateLimit`: `r` calls remaining, `t` seconds to the reset), and the
older headers `ratelimit-remaining` and `ratelimit-reset`, the latter in seconds from now or in seconds since 1970
(DigitalOcean).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.enums import StaleReason
from domain.errors import RateLimited, VendorFailure
from domain.timestamps import Clock
from vendors.base import RateLimit
from vendors.client.call_context import CallContext

SHARE: Final = 0.5
"""The default share of a documented limit that an account may use."""
_RESERVED_SHARE: Final = 0.5
"""The share of the budget that is reserved for flights that readers wait for."""
_MAX_WAIT_SECONDS: Final = 5.0
_MAX_BACKGROUND_WAIT_SECONDS: Final = 20.0
_STEP_SECONDS: Final = 0.5
_MAX_CLOSED_SECONDS: Final = 3600.0
_MIN_EPOCH_SECONDS: Final = 1_000_000_000.0
"""A reset of at least this value is in seconds since 1970, else in seconds from now."""
_REMAINING: Final = re.compile(r"(?:^|[;,\s])(?:r|remaining)\s*=\s*(\d{1,12})", re.IGNORECASE)
_RESET: Final = re.compile(r"(?:^|[;,\s])(?:t|reset)\s*=\s*(\d{1,12})", re.IGNORECASE)


class BudgetSpent(VendorFailure):
    """The account's own budget is spent; nothing was sent."""

    reason = StaleReason.BUDGET_SPENT


@dataclass(frozen=True, slots=True)
class Remaining:
    """The rest of a budget. Both fields are `None` if there is no limit.

    `calls` is how many calls could be sent at once, `resets_at` when the budget is full again.
    """

    calls: int | None
    resets_at: datetime | None


class _Bucket:
    """A token bucket for a share of one documented limit."""

    def __init__(self, limit: RateLimit, share: float) -> None:
        # At least one call: a vendor that documents one call at a time could never be called at all.
        self.capacity = max(1.0, limit.calls * share)
        self.rate = limit.calls * share / limit.seconds
        self.level = self.capacity
        self._refilled_at: float | None = None

    def refill(self, now: float) -> None:
        elapsed = 0.0 if self._refilled_at is None else max(0.0, now - self._refilled_at)
        self.level = min(self.capacity, self.level + elapsed * self.rate)
        self._refilled_at = now

    def wait_seconds(self, reserved_share: float) -> float:
        """Return the seconds until a call can be taken that leaves the reserved share in the bucket."""
        needed = min(1.0 + reserved_share * self.capacity, self.capacity)
        return max(0.0, (needed - self.level) / self.rate)


class Budget:
    """The budget of one account in one region. Without documented limits, only the vendor's responses limit it."""

    def __init__(self, limits: Sequence[RateLimit], clock: Clock, share: float = SHARE) -> None:
        self._clock = clock
        self._buckets = [(limit.operation, _Bucket(limit, share)) for limit in limits]
        self._closed_until = 0.0

    def wait_seconds(self, operation: str | None = None, *, background: bool = False) -> float:
        """Return the seconds until the next call may be sent; `None` stands for an operation without a limit of its own."""
        now = _loop_time()
        reserved_share = _RESERVED_SHARE if background else 0.0
        waits = [max(0.0, self._closed_until - now)]
        for bucket in self._buckets_of(operation):
            bucket.refill(now)
            waits.append(bucket.wait_seconds(reserved_share))
        return max(waits)

    async def acquire(self, operation: str, context: CallContext) -> None:
        """Take one call from the budget; wait up to a few seconds for it.

        Raise BudgetSpent, or RateLimited if the vendor itself closed the account, with the time to come back.
        """
        waited = 0.0
        while (seconds := self.wait_seconds(operation, background=context.background)) > 0:
            max_wait = (_MAX_BACKGROUND_WAIT_SECONDS if context.background else _MAX_WAIT_SECONDS) - waited
            if seconds > max_wait:
                retry_at = self._clock.now() + timedelta(seconds=seconds)
                if self._closed_until - _loop_time() > max_wait:
                    raise RateLimited(f"{operation}: the vendor has asked the account to come back later.", retry_at)
                raise BudgetSpent(f"{operation}: the account's budget of calls is spent.", retry_at)
            # In steps: a reader may join in the meantime, and the flight then waits by the limits of a reader.
            step = min(seconds, _STEP_SECONDS)
            waited += step
            await asyncio.sleep(step)
        for bucket in self._buckets_of(operation):
            bucket.level -= 1

    def observe_headers(self, headers: Mapping[str, str]) -> None:
        """Close the account if a response's headers report that no calls are left, for an hour at most.

        Header names must be lower case.
        """
        remaining = parse_remaining(headers)
        if remaining is None:
            return
        calls, reset = remaining
        if calls < 1:
            self._close(self._seconds_until(reset))

    def observe_rate_limit(self, failure: RateLimited) -> None:
        """Close the account until the time that the vendor's refusal reports, if it reports one."""
        if failure.retry_at is not None:
            self._close((failure.retry_at - self._clock.now()).total_seconds())

    def remaining(self) -> Remaining:
        """Return what could be sent now, for the operation with the least left."""
        loop_time, now = _loop_time(), self._clock.now()
        closed = max(0.0, self._closed_until - loop_time)
        buckets = [bucket for _, bucket in self._buckets]
        if not buckets:
            return Remaining(0 if closed else None, now + timedelta(seconds=closed) if closed else None)
        for bucket in buckets:
            bucket.refill(loop_time)
        refill_seconds = max((bucket.capacity - bucket.level) / bucket.rate for bucket in buckets)
        calls = 0 if closed else max(0, int(min(bucket.level for bucket in buckets)))
        return Remaining(calls, now + timedelta(seconds=max(refill_seconds, closed)))

    def _buckets_of(self, operation: str | None) -> list[_Bucket]:
        """Return the buckets that a call of the operation is taken from."""
        return [bucket for limited, bucket in self._buckets if limited in (None, operation)]

    def _close(self, seconds: float) -> None:
        until = _loop_time() + min(max(seconds, 0.0), _MAX_CLOSED_SECONDS)
        self._closed_until = max(self._closed_until, until)

    def _seconds_until(self, reset: float) -> float:
        return reset - self._clock.now().timestamp() if reset >= _MIN_EPOCH_SECONDS else reset


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def parse_remaining(headers: Mapping[str, str]) -> tuple[int, float] | None:
    """Return the remaining calls and the reset value that a response's headers report, of the scarcest limit.

    `None` if they report none. Header names must be lower case.
    """
    reported: list[tuple[int, float]] = []
    header = headers.get("ratelimit", "")
    # An older draft has a single policy and separates its items with commas.
    for policy in [header] if "remaining" in header.lower() else header.split(","):
        calls, reset = _REMAINING.search(policy), _RESET.search(policy)
        if calls is not None:
            reported.append((int(calls[1]), float(reset[1]) if reset is not None else 0.0))
    for prefix in ("", "x-"):
        calls_text = headers.get(f"{prefix}ratelimit-remaining", "")
        reset_text = headers.get(f"{prefix}ratelimit-reset", "")
        if calls_text.isascii() and calls_text.isdigit():
            seconds = float(reset_text) if reset_text.isascii() and reset_text.isdigit() else 0.0
            reported.append((int(calls_text[:12]), seconds))
    return min(reported, default=None)
