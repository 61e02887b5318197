"""The traces stored to explain an answer: which call reported it, and which flights failed since. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.enums import ObservationSource, StaleReason
from domain.records.model import FlightTicket, ResourceRecord, ScopeRecord
from domain.records.observation import CallTrace, Observation, SweepResult
from domain.records.traces import FailedFlight, ObservationTrace, SweepTrace, failures_since


@dataclass(frozen=True, slots=True)
class TraceWriter:
    """Builds the traces of one flight. `readers` is how many readers shared it, `trace` its calls in order."""

    ticket: FlightTicket
    source: ObservationSource
    readers: int = 0
    trace: Sequence[CallTrace] = ()

    def trace_observation(self, observation: Observation) -> ObservationTrace:
        """Return the trace of one observed resource."""
        index = observation.call
        call = self.trace[index] if index is not None and 0 <= index < len(self.trace) else None
        return ObservationTrace(self.source, self.ticket.sent_at, self.readers, call)

    def trace_sweep(self, result: SweepResult) -> SweepTrace:
        """Return the trace of a complete sweep. It lists the vendor ids of each call only if there were several calls."""
        pages: list[list[str]] = [[] for _ in self.trace] if len(self.trace) > 1 else []
        for observation in result.observations:
            if observation.call is not None and observation.call < len(pages):
                pages[observation.call].append(observation.vendor_id)
        return SweepTrace(self.ticket.sent_at, self.readers, tuple(self.trace), tuple(map(tuple, pages)))

    def append_failure(self, before: tuple[FailedFlight, ...], reason: StaleReason) -> tuple[FailedFlight, ...]:
        """Return the failed flights with this one appended."""
        return failures_since(0, before, (FailedFlight(self.ticket.number, self.source, self.ticket.sent_at, reason),))


def last_trace(record: ResourceRecord, scope: ScopeRecord, number: int) -> ObservationTrace | None:
    """Return the trace of a resource in flight `number`: from its own row, else from its scope's last complete sweep."""
    if number > record.seen_no:
        return None if scope.sweep_trace is None else scope.sweep_trace.of(record.vendor_id)
    return record.trace
