"""Who told us, and what was tried since: what an answer is explained by. Never part of the history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.enums import ObservationSource, StaleReason
from domain.records.observation import CallTrace

MAX_FAILED_FLIGHTS: Final = 5
"""So many of the newest failed tries are kept."""


@dataclass(frozen=True, slots=True)
class ObservationTrace:
    """The flight that told of one resource, and which of its calls; `readers` is how many shared it."""

    source: ObservationSource
    sent_at: datetime
    readers: int
    call: CallTrace | None = None


@dataclass(frozen=True, slots=True)
class SweepTrace:
    """A complete sweep: its calls and, where there were several, the vendor ids that each told."""

    sent_at: datetime
    readers: int
    calls: tuple[CallTrace, ...] = ()
    ids: tuple[tuple[str, ...], ...] = ()

    def of(self, vendor_id: str) -> ObservationTrace:
        """What it was to one resource of its scope."""
        return ObservationTrace(ObservationSource.SWEEP, self.sent_at, self.readers, self._call(vendor_id))

    def _call(self, vendor_id: str) -> CallTrace | None:
        if len(self.calls) == 1:
            return self.calls[0]
        return next((call for call, ids in zip(self.calls, self.ids, strict=False) if vendor_id in ids), None)


@dataclass(frozen=True, slots=True)
class FailedFlight:
    """A flight that did not tell what it was sent for. No detail: that is the operator's alone."""

    number: int
    source: ObservationSource
    sent_at: datetime
    reason: StaleReason


def failures_since(number: int, *tries: tuple[FailedFlight, ...]) -> tuple[FailedFlight, ...]:
    """Those numbered higher, newest last, the newest few."""
    later = {one.number: one for each in tries for one in each if one.number > number}
    return tuple(later[key] for key in sorted(later))[-MAX_FAILED_FLIGHTS:]
