"""Statistics that a running gateway holds in memory and not in the database: call budgets, and calls of the last hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class BudgetLeft:
    """The remaining call budget of an account.

    `remaining` is the number of calls that could be sent at once, `None` if they are not limited. `resets_at` is when the budget
    is full again, `None` if it is full.
    """

    remaining: int | None
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class CallCount:
    """Vendor calls of the last hour: those sent, and those saved because readers shared a flight."""

    sent: int = 0
    saved: int = 0


class RuntimeStats(Protocol):
    """The statistics of this process. No method blocks or raises."""

    def budget(self, account: str) -> BudgetLeft | None:
        """Return the remaining budget, `None` if the account has none in this process."""
        ...

    def calls(self, account: str) -> CallCount | None:
        """Return the calls of the last hour, `None` if they are not counted."""
        ...


class NoRuntimeStats:
    """The statistics of a process that only reads the database and runs no gateway."""

    def budget(self, account: str) -> BudgetLeft | None:
        """Return `None`."""
        return None

    def calls(self, account: str) -> CallCount | None:
        """Return `None`."""
        return None


NO_RUNTIME_STATS: Final = NoRuntimeStats()
