"""The state of each resource, replayed from its history entry by entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from domain.enums import ResourceStatus
from domain.records.history import LINKS, MISSING, SNAPSHOT, replay
from domain.records.model import HistoryEntry
from domain.records.observation import Json
from tests.simulation.cloud.ledger import Violation
from tests.simulation.storage.memory import MemoryTables


class HistoryReplays:
    """The replayed states, with the number of the newest entry of each field."""

    def __init__(self) -> None:
        self._states: dict[UUID, dict[str, Json]] = {}
        self._numbers: dict[tuple[UUID, str, str], int] = {}

    def apply(self, entries: Iterable[HistoryEntry]) -> None:
        """Apply entries, each of which must follow from the state before it."""
        for entry in entries:
            state = self._states.get(entry.resource_id)
            if (state is None) != (entry.field == SNAPSHOT):
                raise Violation("g", f"{entry.resource_id}: {entry.field} before the first snapshot, or a second one")
            if state is not None:
                _check_step(entry, state)
            self._check_order(entry)
            before = [] if state is None else [(SNAPSHOT, None, state)]
            self._states[entry.resource_id] = replay([*before, (entry.field, entry.before, entry.after)])

    def _check_order(self, entry: HistoryEntry) -> None:
        link = repr(entry.before or entry.after) if entry.field == LINKS else ""
        subject = (entry.resource_id, entry.field, link)
        newest = self._numbers.get(subject, 0)
        # A deletion closes links and ends an absence, also those that a newer flight reported.
        is_deleted = self._states.get(entry.resource_id, {}).get("status") == ResourceStatus.DELETED.value
        closes = entry.after is None and (entry.field == LINKS or (entry.field == MISSING and is_deleted))
        if entry.flight_no < newest and not closes:
            raise Violation("g", f"{entry.resource_id}: {entry.field} by flight {entry.flight_no} after {newest}")
        self._numbers[subject] = max(entry.flight_no, newest)

    def check(self, resource_id: UUID, present: Mapping[str, Json]) -> None:
        """Check (g): the history replays to the present state."""
        replayed = self._states.get(resource_id)
        if present != replayed:
            raise Violation("g", f"{resource_id}: replays as {replayed}, recorded {present}")

    def check_whole(self, tables: MemoryTables) -> None:
        """Check that the whole history of each resource replays to the same state as its entries one by one."""
        for resource_id, entries in tables.history.items():
            self.check(resource_id, replay((one.field, one.before, one.after) for _, one in entries))

    def prune(self, tables: MemoryTables) -> None:
        """Drop the resources of which the tables store nothing any more."""
        self._states = {key: state for key, state in self._states.items() if key in tables.by_id}
        self._numbers = {subject: number for subject, number in self._numbers.items() if subject[0] in tables.by_id}


def _check_step(entry: HistoryEntry, state: Mapping[str, Json]) -> None:
    if entry.field != LINKS:
        if entry.before != state.get(entry.field) or entry.before == entry.after:
            message = f"{entry.resource_id}: {entry.field} from {entry.before}, but it was {state[entry.field]}"
            raise Violation("g", message)
        return
    links = state.get(LINKS)
    present = links if isinstance(links, list) else []
    if (entry.before is not None) != (entry.before in present) or entry.after in present:
        raise Violation("g", f"{entry.resource_id}: link {entry.before} to {entry.after}, but the links were {present}")
