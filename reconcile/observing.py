"""What the shell tells of its flights, for logs and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from domain.record import ScopeKey
from domain.words import StaleReason


@dataclass(frozen=True, slots=True)
class FlightReport:
    """One ended flight. `seconds` from the moment it was sent; `written` counts rows of resources."""

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


class Observer(Protocol):
    """Told of every ended flight."""

    def flight_ended(self, report: FlightReport) -> None:
        """Must not block and must not raise."""
        ...


class Silent:
    """An observer that does nothing."""

    def flight_ended(self, report: FlightReport) -> None:
        """Nothing."""
