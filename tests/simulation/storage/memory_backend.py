"""The records of a run, in memory alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from domain.ports import AccountSetup
from domain.records.model import Changes, FlightTicket, LockedState, ResourceRecord, ScopeKey, VendorKey
from domain.records.timeline import AccountTimeline, Advance
from domain.timestamps import Clock
from tests.simulation.storage.memory import MemoryTables


class MemoryBackend:
    """Stores everything in memory."""

    def __init__(self, clock: Clock) -> None:
        self.tables = MemoryTables(clock)

    def configure(self, setups: Sequence[AccountSetup]) -> None:
        """As the port says."""
        self.tables.configure(setups)

    def draw(self, account: str, advance: Advance = AccountTimeline.add_pause) -> FlightTicket:
        """As the port says."""
        return self.tables.draw(account, advance)

    def missing(self, scope: ScopeKey, limit: int) -> tuple[ResourceRecord, ...]:
        """As the port says."""
        return self.tables.missing(scope, limit)

    def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """As the port says."""
        return self.tables.apply(scope, named, whole, decide)

    def prune(self, before: datetime) -> int:
        """As the port says."""
        return self.tables.prune(before)
