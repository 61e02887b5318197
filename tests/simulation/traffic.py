"""What runs at the clouds at this moment: at most one sweep a scope and one probe a resource in each process."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from domain.records.model import ScopeKey, VendorKey
from tests.simulation.ledger import Violation

_HOLD_SECONDS = 5.0


@dataclass
class Ending:
    """How a sweep ends; a stall that is cut off has failed too."""

    failed: bool = True


@dataclass
class Traffic:
    """Counts what runs, and remembers when sweeps were sent."""

    sweeps: dict[tuple[int, ScopeKey], int] = field(default_factory=lambda: defaultdict(int))
    probes: dict[tuple[int, ScopeKey, VendorKey], int] = field(default_factory=lambda: defaultdict(int))
    sent: dict[tuple[int, ScopeKey], deque[float]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=20))
    )
    probed: dict[tuple[int, ScopeKey], float] = field(default_factory=dict)
    """When the last probe in a scope was sent."""
    failed: dict[tuple[int, ScopeKey], float] = field(default_factory=dict)
    listed: dict[ScopeKey, int] = field(default_factory=dict)
    """The number of the newest sweep that ended well, whichever process sent it."""
    stepped: float = -1.0
    """When the record's clock was set last."""
    processes: int = 0

    @contextmanager
    def sweeping(self, process: int, scope: ScopeKey, number: int) -> Iterator[Ending]:
        """While the sweep of this number runs."""
        where, now, ending = (process, scope), _now(), Ending()
        self.sweeps[where] += 1
        if self.sweeps[where] > 1:
            raise Violation("e", f"two sweeps of {scope} run at once")
        failed = self.failed.get(where)
        if failed is not None and self.stepped < failed and now < failed + _HOLD_SECONDS - 0.001:
            raise Violation("e", f"a sweep of {scope} {now - failed:.2f} s after one failed")
        self.sent[where].append(now)
        try:
            yield ending
        finally:
            self.sweeps[where] -= 1
            self.failed.pop(where, None)
            newest = self.listed.get(scope, 0)
            if not ending.failed:
                self.listed[scope] = max(number, newest)
            elif number > newest:
                # What fails after a newer one of another process went well is not what is known of the scope.
                self.failed[where] = _now()

    @contextmanager
    def probing(self, process: int, scope: ScopeKey, key: VendorKey, bearers: int) -> Iterator[None]:
        """While a probe runs; `bearers` is how many resources, dead or living, are recorded under the vendor's id."""
        where = (process, scope, key)
        self.probes[where] += 1
        self.probed[process, scope] = _now()
        if self.probes[where] > max(1, bearers):
            raise Violation("e", f"two probes of {key} run at once")
        try:
            yield
        finally:
            self.probes[where] -= 1
            if not self.probes[where]:
                del self.probes[where]

    def probed_since(self, process: int, scope: ScopeKey, since: float) -> bool:
        """Whether a probe in the scope was sent after that."""
        return self.probed.get((process, scope), -1.0) > since

    def sent_since(self, process: int, scope: ScopeKey, since: float) -> int:
        """How many sweeps were sent after that."""
        return sum(at > since for at in self.sent[process, scope])


def _now() -> float:
    return asyncio.get_running_loop().time()
