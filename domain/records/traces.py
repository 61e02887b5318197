"""The traces that explain an answer: which flight observed a resource, and which flights have failed since.

Traces are not part of the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.enums import ObservationSource, StaleReason
from domain.records.observation import CallTrace

MAX_FAILED_FLIGHTS: Final = 5
"""The number of failed flights that are stored. Older ones are dropped."""


@dataclass(frozen=True, slots=True)
class ObservationTrace:
    """The flight that observed a resource. `call` is the call whose response showed it; `readers` shared the flight."""

    source: ObservationSource
    sent_at: datetime
    readers: int
    call: CallTrace | None = None


@dataclass(frozen=True, slots=True)
class SweepTrace:
    """A complete sweep: its calls and, if there are several, the vendor ids that each call returned."""

    sent_at: datetime
    readers: int
    calls: tuple[CallTrace, ...] = ()
    ids: tuple[tuple[str, ...], ...] = ()

    def of(self, vendor_id: str) -> ObservationTrace:
        """Return the trace for one resource of the scope."""
        return ObservationTrace(ObservationSource.SWEEP, self.sent_at, self.readers, self._call(vendor_id))

    def _call(self, vendor_id: str) -> CallTrace | None:
        if len(self.calls) == 1:
            return self.calls[0]
        return next((call for call, ids in zip(self.calls, self.ids, strict=False) if vendor_id in ids), None)


@dataclass(frozen=True, slots=True)
class FailedFlight:
    """A flight that did not return what it was sent for. The detail is not included, because only operators may see it."""

    number: int
    source: ObservationSource
    sent_at: datetime
    reason: StaleReason


def failures_since(number: int, *groups: tuple[FailedFlight, ...]) -> tuple[FailedFlight, ...]:
    """Return the newest failed flights with numbers higher than `number`, newest last, without repetitions."""
    later = {flight.number: flight for group in groups for flight in group if flight.number > number}
    return tuple(later[key] for key in sorted(later))[-MAX_FAILED_FLIGHTS:]
