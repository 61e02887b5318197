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
"""Patient, but without waiting between repetitions."""
SECRET = "K3y-that-nobody-may-read"


@dataclass
class Calls:
    """An observer that remembers."""

    seen: list[tuple[str, str, str]] = field(default_factory=list)

    def __call__(self, account: str, operation: str, outcome: str, seconds: float) -> None:
        """Remember all but the seconds."""
        assert seconds >= 0
        self.seen.append((account, operation, outcome))

    @property
    def outcomes(self) -> list[str]:
        """The outcomes alone."""
        return [outcome for _, _, outcome in self.seen]


@asynccontextmanager
async def account(
    vendor: str,
    settings: VendorSettings | Mapping[str, Any],
    endpoint: str | None,
    *,
    observer: Calls | None = None,
    limits: TransportLimits = QUICK,
    clock: ManualClock | None = None,
) -> AsyncIterator[VendorCloud]:
    """An account named `lab`, without hurry about its budget: some vendors' is a call in eleven seconds."""
    cloud = registry.build(
        vendor,
        "lab",
        settings,
        endpoint,
        clock=clock or ManualClock(),
        observer=observer or Calls(),
        limits=limits,
        budget_share=1000,
    )
    try:
        yield cloud
    finally:
        await cloud.close()


def lambda_settings(key: str = SECRET) -> dict[str, Any]:
    """An account of Lambda Cloud, which has nothing but a key."""
    return {"credentials": {"api_key": key}}
