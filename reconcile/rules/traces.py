"""What is kept to explain an answer: which call told it, and what was tried since. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.enums import ObservationSource, StaleReason
from domain.records.model import FlightTicket, ResourceRecord, ScopeRecord
from domain.records.observation import CallTrace, Observation, SweepResult
from domain.records.traces import FailedFlight, ObservationTrace, SweepTrace, failures_since


@dataclass(frozen=True, slots=True)
class TraceWriter:
    """One flight as what it tells is explained by."""

    ticket: FlightTicket
    source: ObservationSource
    readers: int = 0
    trace: Sequence[CallTrace] = ()

    def told(self, observation: Observation) -> ObservationTrace:
        """What the flight was to one resource."""
        place = observation.call
        known = place is not None and 0 <= place < len(self.trace)
        return ObservationTrace(
            self.source, self.ticket.sent_at, self.readers, self.trace[place] if known and place is not None else None
        )

    def told_all(self, result: SweepResult) -> SweepTrace:
        """What a complete sweep was to its scope. Where one call told all, nobody is named."""
        pages: list[list[str]] = [[] for _ in self.trace] if len(self.trace) > 1 else []
        for observation in result.observations:
            if observation.call is not None and observation.call < len(pages):
                pages[observation.call].append(observation.vendor_id)
        return SweepTrace(self.ticket.sent_at, self.readers, tuple(self.trace), tuple(map(tuple, pages)))

    def failed(self, before: tuple[FailedFlight, ...], reason: StaleReason) -> tuple[FailedFlight, ...]:
        """The tries after this one, which told nothing."""
        return failures_since(0, before, (FailedFlight(self.ticket.number, self.source, self.ticket.sent_at, reason),))


def last_told(record: ResourceRecord, scope: ScopeRecord, number: int) -> ObservationTrace | None:
    """What told of a resource in the flight of this number: its own row's, else its scope's last complete sweep."""
    if number > record.seen_no:
        return None if scope.sweep_trace is None else scope.sweep_trace.of(record.vendor_id)
    return record.trace
