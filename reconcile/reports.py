"""Reports of ended flights, for logs and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from domain.enums import StaleReason
from domain.records.model import ScopeKey

Suspicion: TypeAlias = Literal["begun", "lasting", "ended"]
"""Whether a scope became suspect with a complete sweep, still is, or no longer is."""


@dataclass(frozen=True, slots=True)
class FlightReport:
    """One ended flight. `seconds` counts from the moment it was sent; `written` counts the resource rows it changed.

    `suspicion` is set only by complete sweeps of scopes that are suspect or were until now; `doubt` says why.
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
    """Receives a report of every ended flight."""

    def flight_ended(self, report: FlightReport) -> None:
        """Handle the report. Must not block and must not raise."""
        ...


class NullObserver:
    """An observer that does nothing."""

    def flight_ended(self, report: FlightReport) -> None:
        """Ignore the report."""
