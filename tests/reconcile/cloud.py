"""A cloud made of plain values: `domain.ports.CloudClient` without HTTP, whose responses a test can hold back."""

from __future__ import annotations

import asyncio
from collections import deque

from domain.enums import ResourceKind, StaleReason
from domain.records.observation import Observation, ProbeResult, Problem, SweepOutcome, SweepResult


class HeldCloud:
    """The machines of one account, which has no volumes.

    A listing is a snapshot taken when the call arrives. While `gate` is cleared, responses to sweeps are held back. `responses`
    are returned first, in order, in place of the snapshot.
    """

    vendor = "held"
    links_owner = ResourceKind.MACHINES
    scopes: tuple[tuple[ResourceKind, str | None], ...] = ((ResourceKind.MACHINES, None),)

    def __init__(self, *machines: Observation, probing: bool = True, pages: int = 1) -> None:
        self.machines = {machine.vendor_id: machine for machine in machines}
        self.responses: deque[SweepResult] = deque()
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()
        self.sweep_count = 0
        self.probed_ids: list[str] = []
        self.probing = probing
        self.pages = pages
        self.concurrent = 0
        self.max_concurrent = 0

    def sweep_calls(self, kind: ResourceKind) -> int:
        """Return one call for each page."""
        return self.pages

    def probes(self, kind: ResourceKind) -> bool:
        """Return `probing`."""
        return self.probing

    def fingerprint(self, salt: str) -> str:
        """Return the hash of a credential that never changes."""
        return f"key with {salt}"

    async def sweep(self, kind: ResourceKind, region: str | None) -> SweepResult:
        """Return the machines as they are now, once the gate is open."""
        self.sweep_count += 1
        self.concurrent += 1
        self.max_concurrent = max(self.max_concurrent, self.concurrent)
        snapshot = SweepResult(SweepOutcome.COMPLETE, tuple(self.machines.values()), calls=self.pages)
        response = self.responses.popleft() if self.responses else snapshot
        self.arrived.set()
        try:
            await self.gate.wait()
        finally:
            self.concurrent -= 1
        return response

    async def probe(self, kind: ResourceKind, region: str | None, vendor_id: str) -> ProbeResult:
        """Return the machine as it is now, or the vendor's own words that it is gone."""
        self.probed_ids.append(vendor_id)
        machine = self.machines.get(vendor_id)
        return ProbeResult("gone", calls=1) if machine is None else ProbeResult("found", machine, calls=1)

    async def close(self) -> None:
        """Do nothing: there is no connection."""


def failed_sweep(reason: StaleReason) -> SweepResult:
    """Return a sweep that failed for this reason."""
    return SweepResult(SweepOutcome.FAILED, (), Problem(reason, "as the test needs"), calls=1)
