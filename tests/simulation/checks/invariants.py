"""The invariants that must hold whenever a flight was applied, judged against what the vendors answered.

(b) no older observation or absence overwrites a newer one; (c) nothing living is deleted; (g) the replayed history is the present
state, with each change once and in order. The answers to readers, (a) and (f), are checked in `readers`, the calls, (e), in
`cloud.traffic`, and the final state, (d), in `schedule`.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from domain.enums import INVERSE_LINK
from domain.records.history import LINKS, MISSING, link_value, live_state
from domain.records.model import Changes, LinkRecord, ResourceRecord
from domain.records.observation import Json
from domain.timestamps import optional_text
from tests.simulation.checks.ownership import ScopeOwnership, check_deletion
from tests.simulation.checks.reference import ReferenceModel
from tests.simulation.checks.replays import HistoryReplays
from tests.simulation.cloud.ledger import SimulatedFlight
from tests.simulation.cloud.vendor import SimulatedVendor
from tests.simulation.storage.memory import AccountTable, MemoryTables


def present_state(record: ResourceRecord, table: AccountTable) -> dict[str, Json]:
    """Return the present state of a resource as its history should have it."""
    links: list[Json] = []
    for link in table.open_links.values():
        if link.from_id == record.resource_id:
            links.append(link_value(link.link_type, link.to_key, link))
        if link.to_id == record.resource_id:
            links.append(link_value(INVERSE_LINK[link.link_type], link.from_key, link))
    return live_state(record.live) | {MISSING: optional_text(record.missing_since), LINKS: sorted(links, key=repr)}


def changed_resources(changes: Changes) -> set[UUID]:
    """Return the resources whose present state these changes may have changed."""
    links: tuple[LinkRecord, ...] = (*changes.opened, *changes.closed)
    ends = {end for link in links for end in (link.from_id, link.to_id) if end is not None}
    return {record.resource_id for record in changes.resources} | {one.resource_id for one in changes.history} | ends


class Invariants:
    """All checks after a flight was applied."""

    def __init__(self, tables: MemoryTables, vendors: Mapping[str, SimulatedVendor]) -> None:
        self._tables = tables
        self._vendors = vendors
        self.references = {name: ReferenceModel() for name in vendors}
        self.replays = HistoryReplays()
        self._ownership = ScopeOwnership()

    def check_flight(self, flight: SimulatedFlight, changes: Changes) -> None:
        """Check what this flight wrote. Raises Violation."""
        table, reference = self._tables.accounts[flight.account], self.references[flight.account]
        concerned = reference.apply(flight)
        self._ownership.apply(flight, changes)
        for record in changes.resources:
            if record.deleted:
                foreign = self._ownership.is_foreign(record.scope_id)
                check_deletion(record, self._vendors[flight.account], flight, foreign=foreign)
                reference.apply_deletion(record, flight)
        for key in concerned | {record.key for record in changes.resources}:
            reference.check(key, table)
        self.replays.apply(changes.history)
        for resource_id in changed_resources(changes):
            self.replays.check(resource_id, present_state(self._tables.by_id[resource_id], table))

    def check_pruned(self) -> None:
        """Drop what the tables no longer store, and check the remaining history."""
        for name, table in self._tables.accounts.items():
            self.references[name].prune(table)
        self.replays.prune(self._tables)
        self.replays.check_whole(self._tables)
