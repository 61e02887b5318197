"""Accounts for tests: built through the registry as the application builds them, and closed with the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.clock import ManualClock
from vendors import registry
from vendors.base import VendorSettings
from vendors.client.cloud import VendorCloud
from vendors.client.transport import TransportLimits

QUICK = TransportLimits(connect_seconds=5, read_seconds=5, call_seconds=20, backoff_seconds=0, backoff_max_seconds=0)
"""Generous timeouts, but no waiting between retries."""
SECRET = "K3y-that-nobody-may-read"


@dataclass
class CallRecorder:
    """An observer that records the calls."""

    calls: list[tuple[str, str, str]] = field(default_factory=list)

    def __call__(self, account: str, operation: str, outcome: str, seconds: float) -> None:
        """Record everything except the seconds."""
        assert seconds >= 0
        self.calls.append((account, operation, outcome))

    @property
    def outcomes(self) -> list[str]:
        """The outcomes of the calls."""
        return [outcome for _, _, outcome in self.calls]


@asynccontextmanager
async def account(
    vendor: str,
    settings: VendorSettings | Mapping[str, Any],
    endpoint: str | None,
    *,
    observer: CallRecorder | None = None,
    limits: TransportLimits = QUICK,
    clock: ManualClock | None = None,
) -> AsyncIterator[VendorCloud]:
    """Yield an account named `lab` with a budget that never limits it; some vendors permit one call in eleven seconds."""
    cloud = registry.build(
        vendor,
        "lab",
        settings,
        endpoint,
        clock=clock or ManualClock(),
        observer=observer or CallRecorder(),
        limits=limits,
        budget_share=1000,
    )
    try:
        yield cloud
    finally:
        await cloud.close()


def lambda_settings(key: str = SECRET) -> dict[str, Any]:
    """Return the settings of a Lambda Cloud account, which has only a key."""
    return {"credentials": {"api_key": key}}
