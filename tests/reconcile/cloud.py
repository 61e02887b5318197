"""A cloud of values: `domain.ports.CloudClient` without HTTP, whose answers a test can hold back."""

from __future__ import annotations

import asyncio
from collections import deque

from domain.enums import ResourceKind, StaleReason
from domain.records.observation import Observation, ProbeResult, Problem, SweepOutcome, SweepResult


class HeldCloud:
    """Machines (and no volumes) of one account.

    A listing is a snapshot taken when the call arrives; `gate` set makes answers pass, cleared holds them back.
    `answers` are given first, in turn, in place of the snapshot.
    """

    vendor = "held"
    links_owner = ResourceKind.MACHINES
    scopes: tuple[tuple[ResourceKind, str | None], ...] = ((ResourceKind.MACHINES, None),)

    def __init__(self, *machines: Observation, probing: bool = True, pages: int = 1) -> None:
        self.machines = {machine.vendor_id: machine for machine in machines}
        self.answers: deque[SweepResult] = deque()
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()
        self.swept = 0
        self.probed: list[str] = []
        self.probing = probing
        self.under_way = 0
        self.most_under_way = 0
        self._pages = pages

    def sweep_calls(self, kind: ResourceKind) -> int:
        """As many as pages."""
        return self._pages

    def probes(self, kind: ResourceKind) -> bool:
        """As told when made."""
        return self.probing

    def fingerprint(self, salt: str) -> str:
        """Always of the same credential."""
        return f"key with {salt}"

    async def sweep(self, kind: ResourceKind, region: str | None) -> SweepResult:
        """The machines as they are now, told when the gate is open."""
        self.swept += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        snapshot = SweepResult(SweepOutcome.COMPLETE, tuple(self.machines.values()), calls=self._pages)
        answer = self.answers.popleft() if self.answers else snapshot
        self.arrived.set()
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        return answer

    async def probe(self, kind: ResourceKind, region: str | None, vendor_id: str) -> ProbeResult:
        """The machine as it is now, or the vendor's own words that it is gone."""
        self.probed.append(vendor_id)
        machine = self.machines.get(vendor_id)
        return ProbeResult("gone", calls=1) if machine is None else ProbeResult("found", machine, calls=1)

    async def close(self) -> None:
        """Nothing to close."""


def failing(reason: StaleReason) -> SweepResult:
    """A sweep that failed for this reason."""
    return SweepResult(SweepOutcome.FAILED, (), Problem(reason, "as the test wants it"), calls=1)
