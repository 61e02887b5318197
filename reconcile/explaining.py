"""What is kept to explain an answer: which call told it, and what was tried since. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.observation import CallTrace, Observation, SweepResult
from domain.record import ResourceRecord, ScopeRecord, Ticket
from domain.telling import FailedTry, Told, ToldAll, since
from domain.words import ObservationSource, StaleReason


@dataclass(frozen=True, slots=True)
class Teller:
    """One flight as what it tells is explained by."""

    ticket: Ticket
    source: ObservationSource
    readers: int = 0
    trace: Sequence[CallTrace] = ()

    def told(self, observation: Observation) -> Told:
        """What the flight was to one resource."""
        place = observation.call
        known = place is not None and 0 <= place < len(self.trace)
        return Told(
            self.source, self.ticket.sent_at, self.readers, self.trace[place] if known and place is not None else None
        )

    def told_all(self, result: SweepResult) -> ToldAll:
        """What a complete sweep was to its scope. Where one call told all, nobody is named."""
        pages: list[list[str]] = [[] for _ in self.trace] if len(self.trace) > 1 else []
        for observation in result.observations:
            if observation.call is not None and observation.call < len(pages):
                pages[observation.call].append(observation.vendor_id)
        return ToldAll(self.ticket.sent_at, self.readers, tuple(self.trace), tuple(map(tuple, pages)))

    def failed(self, before: tuple[FailedTry, ...], reason: StaleReason) -> tuple[FailedTry, ...]:
        """The tries after this one, which told nothing."""
        return since(0, before, (FailedTry(self.ticket.number, self.source, self.ticket.sent_at, reason),))


def last_told(record: ResourceRecord, scope: ScopeRecord, number: int) -> Told | None:
    """What told of a resource in the flight of this number: its own row's, else its scope's last complete sweep."""
    if number > record.seen_no:
        return None if scope.told is None else scope.told.of(record.vendor_id)
    return record.told
