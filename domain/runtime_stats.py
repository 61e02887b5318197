"""What a running gateway knows of itself and the record does not: budgets, and calls of the last hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """Calls that could be sent at once, None where nothing limits them; when the budget is whole again, None where it is."""

    remaining: int | None
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class CallCount:
    """Vendor calls of the last hour: those made, and those that readers were spared by sharing flights."""

    sent: int = 0
    saved: int = 0


class RuntimeStats(Protocol):
    """The gateway's own memory. Nothing here blocks or raises."""

    def budget(self, account: str) -> BudgetLeft | None:
        """None where no budget is kept for the account."""
        ...

    def calls(self, account: str) -> CallCount | None:
        """None where nobody counts."""
        ...


class NoRuntimeStats:
    """No gateway runs here: only the record is read."""

    def budget(self, account: str) -> BudgetLeft | None:
        """Not known."""
        return None

    def calls(self, account: str) -> CallCount | None:
        """Not known."""
        return None


NO_RUNTIME_STATS: Final = NoRuntimeStats()
