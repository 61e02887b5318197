"""The calls that run at the clouds: at most one sweep for each scope and one probe for each resource in each process."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from domain.records.model import ScopeKey, VendorKey
from tests.simulation.cloud.ledger import Violation

_HOLD_SECONDS = 5.0


@dataclass
class SweepEnd:
    """How a sweep ends. A stalled sweep that is cancelled has failed too."""

    failed: bool = True


@dataclass
class Traffic:
    """Counts the running calls, and remembers when sweeps were sent. Times are the loop's."""

    sweeps: dict[tuple[int, ScopeKey], int] = field(default_factory=lambda: defaultdict(int))
    probes: dict[tuple[int, ScopeKey, VendorKey], int] = field(default_factory=lambda: defaultdict(int))
    sent: dict[tuple[int, ScopeKey], deque[float]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=20))
    )
    last_probe: dict[tuple[int, ScopeKey], float] = field(default_factory=dict)
    """When the last probe in a scope was sent."""
    last_failure: dict[tuple[int, ScopeKey], float] = field(default_factory=dict)
    """When the last sweep of a scope failed, unless a newer one succeeded."""
    listed: dict[ScopeKey, int] = field(default_factory=dict)
    """The number of the newest sweep that succeeded, in any process."""
    last_clock_step: float = -1.0
    """When the database's clock was last set."""
    processes: int = 0

    @contextmanager
    def sweeping(self, process: int, scope: ScopeKey, number: int) -> Iterator[SweepEnd]:
        """Count the sweep of this number while it runs. Raises Violation if it must not run now."""
        lane, now, end = (process, scope), _now(), SweepEnd()
        self.sweeps[lane] += 1
        if self.sweeps[lane] > 1:
            raise Violation("e", f"two sweeps of {scope} run at once")
        failure = self.last_failure.get(lane)
        if failure is not None and self.last_clock_step < failure and now < failure + _HOLD_SECONDS - 0.001:
            raise Violation("e", f"a sweep of {scope} was sent {now - failure:.2f} s after one failed")
        self.sent[lane].append(now)
        try:
            yield end
        finally:
            self.sweeps[lane] -= 1
            self.last_failure.pop(lane, None)
            newest = self.listed.get(scope, 0)
            if not end.failed:
                self.listed[scope] = max(number, newest)
            elif number > newest:
                # A failure after a newer sweep of another process succeeded does not hold the scope.
                self.last_failure[lane] = _now()

    @contextmanager
    def probing(self, process: int, scope: ScopeKey, key: VendorKey, bearers: int) -> Iterator[None]:
        """Count a probe while it runs. `bearers` is how many resources, living or deleted, are recorded with the id."""
        lane = (process, scope, key)
        self.probes[lane] += 1
        self.last_probe[process, scope] = _now()
        if self.probes[lane] > max(1, bearers):
            raise Violation("e", f"two probes of {key} run at once")
        try:
            yield
        finally:
            self.probes[lane] -= 1
            if not self.probes[lane]:
                del self.probes[lane]

    def has_probed_since(self, process: int, scope: ScopeKey, since: float) -> bool:
        """Whether a probe in the scope was sent after this time."""
        return self.last_probe.get((process, scope), -1.0) > since

    def count_sweeps_since(self, process: int, scope: ScopeKey, since: float) -> int:
        """Return how many sweeps were sent after this time."""
        return sum(at > since for at in self.sent[process, scope])


def _now() -> float:
    return asyncio.get_running_loop().time()
