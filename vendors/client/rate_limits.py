"""How many calls an account may make: by default half of what its vendor documents: the team's own tools use the same limits.

Each documented window is a token bucket of that share of its calls, refilled at that share of its rate. What the vendor tells
besides, in the headers of its answers, closes the account until the instant told. Time is the event loop's: no step of a clock
opens a window.

Sources: draft-ietf-httpapi-ratelimit-headers (`RateLimit`: `r` remaining, `t` seconds to the reset), and the older
`ratelimit-remaining` with `ratelimit-reset` in seconds from now or since 1970 (DigitalOcean).
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
from vendors.client.call_context import URGENCY

SHARE: Final = 0.5
"""Of what the vendor documents, by default."""
_RESERVED: Final = 0.5
"""Of the budget, for those that readers wait for."""
_PATIENCE_SECONDS: Final = 5.0
_BACKGROUND_PATIENCE_SECONDS: Final = 20.0
_STEP_SECONDS: Final = 0.5
_LONGEST_SECONDS: Final = 3600.0
_EPOCH_FROM: Final = 1_000_000_000.0
_LEFT: Final = re.compile(r"(?:^|[;,\s])(?:r|remaining)\s*=\s*(\d{1,12})", re.IGNORECASE)
_RESET: Final = re.compile(r"(?:^|[;,\s])(?:t|reset)\s*=\s*(\d{1,12})", re.IGNORECASE)


class BudgetSpent(VendorFailure):
    """Our own limit, not the vendor's: nothing was sent."""

    reason = StaleReason.BUDGET_SPENT


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left: calls that could be sent at once, and when the budget is whole again. Null where nothing limits."""

    calls: int | None
    resets_at: datetime | None


class _Bucket:
    def __init__(self, allowance: RateLimit, share: float) -> None:
        # At least one call, or a vendor that documents one at a time could never be asked.
        self.capacity = max(1.0, allowance.calls * share)
        self.rate = allowance.calls * share / allowance.seconds
        self.level = self.capacity
        self._at: float | None = None

    def refill(self, now: float) -> None:
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self.level = min(self.capacity, self.level + passed * self.rate)
        self._at = now

    def wait(self, reserve: float) -> float:
        """Seconds until a call may be taken that leaves this share of the bucket."""
        needed = min(1.0 + reserve * self.capacity, self.capacity)
        return max(0.0, (needed - self.level) / self.rate)


class Budget:
    """One account's budget in one region: a share of each allowance. Without any, only the vendor's answers limit it."""

    def __init__(self, allowances: Sequence[RateLimit], clock: Clock, share: float = SHARE) -> None:
        self._clock = clock
        self._buckets = [(allowance.operation, _Bucket(allowance, share)) for allowance in allowances]
        self._closed_until = 0.0

    def wait(self, operation: str | None = None, *, background: bool = False) -> float:
        """Seconds until the next call may be sent; None asks for an operation that has no window of its own."""
        now = _steady()
        reserve = _RESERVED if background else 0.0
        waits = [max(0.0, self._closed_until - now)]
        for bucket in self._of(operation):
            bucket.refill(now)
            waits.append(bucket.wait(reserve))
        return max(waits)

    async def take(self, operation: str) -> None:
        """Take one call, waiting a little for it.

        Raises BudgetSpent, or RateLimited where the vendor itself closed the account; with the instant to come back.
        """
        urgency, waited = URGENCY.get(), 0.0
        while (seconds := self.wait(operation, background=urgency.background)) > 0:
            patience = (_BACKGROUND_PATIENCE_SECONDS if urgency.background else _PATIENCE_SECONDS) - waited
            if seconds > patience:
                retry_at = self._clock.now() + timedelta(seconds=seconds)
                if self._closed_until - _steady() > patience:
                    raise RateLimited(f"{operation}: the vendor has told the account to come back later.", retry_at)
                raise BudgetSpent(f"{operation}: the account's budget of calls is spent.", retry_at)
            # In steps: somebody may join meanwhile, and wait by the readers' right.
            step = min(seconds, _STEP_SECONDS)
            waited += step
            await asyncio.sleep(step)
        for bucket in self._of(operation):
            bucket.level -= 1

    def heard(self, headers: Mapping[str, str]) -> None:
        """Take in what an answer's headers tell; names are lower case. Whatever they say, at most an hour is believed."""
        told = remaining_of(headers)
        if told is not None and told[0] < 1:
            self._close(self._until_reset(told[1]))

    def refused(self, failure: RateLimited) -> None:
        """The vendor said that it was too much, and perhaps until when."""
        if failure.retry_at is not None:
            self._close((failure.retry_at - self._clock.now()).total_seconds())

    def remaining(self) -> Remaining:
        """What could be sent now, of the operation of which least is left."""
        steady, now = _steady(), self._clock.now()
        closed = max(0.0, self._closed_until - steady)
        buckets = [bucket for _, bucket in self._buckets]
        if not buckets:
            return Remaining(0 if closed else None, now + timedelta(seconds=closed) if closed else None)
        for bucket in buckets:
            bucket.refill(steady)
        whole = max((bucket.capacity - bucket.level) / bucket.rate for bucket in buckets)
        calls = 0 if closed else max(0, int(min(bucket.level for bucket in buckets)))
        return Remaining(calls, now + timedelta(seconds=max(whole, closed)))

    def _of(self, operation: str | None) -> list[_Bucket]:
        """The buckets that a call of the operation is taken from."""
        return [bucket for only, bucket in self._buckets if only in (None, operation)]

    def _close(self, seconds: float) -> None:
        until = _steady() + min(max(seconds, 0.0), _LONGEST_SECONDS)
        self._closed_until = max(self._closed_until, until)

    def _until_reset(self, reset: float) -> float:
        return reset - self._clock.now().timestamp() if reset >= _EPOCH_FROM else reset


def _steady() -> float:
    return asyncio.get_running_loop().time()


def remaining_of(headers: Mapping[str, str]) -> tuple[int, float] | None:
    """How many calls the vendor says are left, and its word for when that ends; the scarcest where it tells several."""
    found: list[tuple[int, float]] = []
    header = headers.get("ratelimit", "")
    # An older draft puts commas between the items of its only policy.
    for policy in [header] if "remaining" in header.lower() else header.split(","):
        left, reset = _LEFT.search(policy), _RESET.search(policy)
        if left is not None:
            found.append((int(left[1]), float(reset[1]) if reset is not None else 0.0))
    for prefix in ("", "x-"):
        left_text, reset_text = (
            headers.get(f"{prefix}ratelimit-remaining", ""),
            headers.get(f"{prefix}ratelimit-reset", ""),
        )
        if left_text.isascii() and left_text.isdigit():
            seconds = float(reset_text) if reset_text.isascii() and reset_text.isdigit() else 0.0
            found.append((int(left_text[:12]), seconds))
    return min(found, default=None)
