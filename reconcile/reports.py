"""What the shell tells of its flights, for logs and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from domain.enums import StaleReason
from domain.records.model import ScopeKey

Suspicion: TypeAlias = Literal["begun", "lasting", "ended"]
"""What a complete sweep came to think of its scope."""


@dataclass(frozen=True, slots=True)
class FlightReport:
    """One ended flight. `seconds` from the moment it was sent; `written` counts rows of resources.

    `suspicion` is set by complete sweeps alone: of scopes that are suspect, or were until now; `doubt` says why.
    """

    what: Literal["sweep", "probe"]
    scope: ScopeKey
    number: int
    outcome: str
    reason: StaleReason | None
    detail: str | None
    seconds: float
    calls: int
    dropped: int
    written: int
    readers: int
    suspicion: Suspicion | None = None
    doubt: str | None = None


class Observer(Protocol):
    """Told of every ended flight."""

    def flight_ended(self, report: FlightReport) -> None:
        """Must not block and must not raise."""
        ...


class NullObserver:
    """An observer that does nothing."""

    def flight_ended(self, report: FlightReport) -> None:
        """Nothing."""
