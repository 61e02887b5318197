"""What a running gateway knows of itself: `domain.runtime_stats.RuntimeStats` over its clouds and its counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.runtime_stats import BudgetLeft, CallCount
from domain.timestamps import Clock
from reconcile.call_stats import CallCounter
from vendors.client.cloud import VendorCloud


@dataclass(frozen=True, slots=True)
class GatewayStats:
    """Asked while an answer is finished: it looks at memory alone."""

    clouds: Mapping[str, VendorCloud]
    hourly: CallCounter
    clock: Clock

    def budget(self, account: str) -> BudgetLeft | None:
        """What is left in the region where least is; None for an account that is not configured."""
        cloud = self.clouds.get(account)
        if cloud is None:
            return None
        left = cloud.remaining()
        whole = left.resets_at is None or left.resets_at <= self.clock.now()
        return BudgetLeft(left.calls, None if whole else left.resets_at)

    def calls(self, account: str) -> CallCount | None:
        """Those of the last hour; None for an account that is not configured."""
        return self.hourly.count(account) if account in self.clouds else None
