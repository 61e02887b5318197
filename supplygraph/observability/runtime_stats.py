"""Statistics of a running gateway: implements `domain.runtime_stats.RuntimeStats` with its clouds and call counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.runtime_stats import BudgetLeft, CallCount
from domain.timestamps import Clock
from reconcile.call_stats import CallCounter
from vendors.client.cloud import VendorCloud


@dataclass(frozen=True, slots=True)
class GatewayStats:
    """Reads only values in memory, because it is called while a response is rendered."""

    clouds: Mapping[str, VendorCloud]
    hourly: CallCounter
    clock: Clock

    def budget(self, account: str) -> BudgetLeft | None:
        """Return the remaining budget of the region with the least, `None` if the account is not configured."""
        cloud = self.clouds.get(account)
        if cloud is None:
            return None
        remaining = cloud.remaining()
        is_reset = remaining.resets_at is None or remaining.resets_at <= self.clock.now()
        return BudgetLeft(remaining.calls, None if is_reset else remaining.resets_at)

    def calls(self, account: str) -> CallCount | None:
        """Return the call counts of the last hour, `None` if the account is not configured."""
        return self.hourly.count(account) if account in self.clouds else None
