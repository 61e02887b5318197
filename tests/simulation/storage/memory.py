"""All tables as plain values: what `db.record.store.Store` does as a `domain.ports.RecordStore`, without a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from domain.enums import LinkType
from domain.errors import ConfigurationError
from domain.ports import AccountSetup
from domain.records.history import SNAPSHOT, replay
from domain.records.identity import account_identity
from domain.records.model import (
    Changes,
    FlightTicket,
    HistoryEntry,
    LinkRecord,
    LockedState,
    ResourceRecord,
    ScopeKey,
    ScopeRecord,
    VendorKey,
)
from domain.records.timeline import AccountTimeline, Advance
from domain.timestamps import Clock

LinkIdentity: TypeAlias = tuple[LinkType, VendorKey, VendorKey]
"""Unique for open links within an account."""


class IndexViolation(Exception):
    """A unique index of the database would refuse this write."""


@dataclass
class AccountTable:
    """The rows of one account."""

    name: str
    vendor: str
    cooldown_seconds: float
    configured: bool = True
    identity: str = ""
    flight_no: int = 0
    timeline: AccountTimeline = field(default_factory=AccountTimeline)
    drawn_at: datetime | None = None
    scopes: dict[ScopeKey, ScopeRecord] = field(default_factory=dict)
    living: dict[VendorKey, ResourceRecord] = field(default_factory=dict)
    tombstones: dict[UUID, ResourceRecord] = field(default_factory=dict)
    open_links: dict[LinkIdentity, LinkRecord] = field(default_factory=dict)
    ended_links: list[LinkRecord] = field(default_factory=list)

    def scope_of(self, scope_id: int) -> ScopeRecord:
        """Return the scope with this id."""
        return next(scope for scope in self.scopes.values() if scope.scope_id == scope_id)


class MemoryTables:
    """The tables. All methods are synchronous, and each is one transaction."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.accounts: dict[str, AccountTable] = {}
        self.history: dict[UUID, list[tuple[int, HistoryEntry]]] = {}
        self.by_id: dict[UUID, ResourceRecord] = {}
        self._sequence = 0
        self._scope_count = 0

    def now(self) -> datetime:
        """Return the database's time."""
        return self._clock.now()

    def configure(self, setups: Sequence[AccountSetup]) -> None:
        """Write the configured accounts, like the store."""
        for setup in setups:
            present = self.accounts.get(setup.name)
            if present is not None and present.vendor != setup.vendor:
                raise ConfigurationError(f"account '{setup.name}' has another vendor")
        for account in self.accounts.values():
            account.configured = False
            account.scopes = {key: replace(scope, configured=False) for key, scope in account.scopes.items()}
        for setup in setups:
            identity = account_identity(setup.name, [other.identity for other in self.accounts.values()])
            account = self.accounts.setdefault(setup.name, AccountTable(setup.name, setup.vendor, 0, identity=identity))
            account.configured, account.cooldown_seconds = True, setup.cooldown_seconds
            for kind, region in setup.scopes:
                key = ScopeKey(setup.name, kind, region)
                if key not in account.scopes:
                    self._scope_count += 1
                scope = account.scopes.get(key) or ScopeRecord(self._scope_count, key)
                account.scopes[key] = replace(scope, configured=True)

    def draw(self, account: str, advance: Advance = AccountTimeline.add_pause) -> FlightTicket:
        """Return the next flight's ticket."""
        table, sent_at = self.accounts[account], self.now()
        pause = 0.0 if table.drawn_at is None else (sent_at - table.drawn_at).total_seconds()
        table.timeline, table.drawn_at = advance(table.timeline, pause), sent_at
        table.flight_no += 1
        return FlightTicket(table.flight_no, sent_at, table.timeline)

    def scopes(self) -> tuple[ScopeRecord, ...]:
        """Return all scopes, ordered by id."""
        every = (scope for account in self.accounts.values() for scope in account.scopes.values())
        return tuple(sorted(every, key=lambda scope: scope.scope_id))

    def missing(self, scope: ScopeKey, limit: int) -> tuple[ResourceRecord, ...]:
        """Return the missing resources of a scope, the one not probed for longest first."""
        account = self.accounts[scope.account]
        scope_id = account.scopes[scope].scope_id
        records = [record for record in account.living.values() if record.scope_id == scope_id]
        missing = [record for record in records if record.missing_since is not None]
        missing.sort(key=lambda one: (str(one.probed_at or ""), str(one.missing_since), str(one.resource_id)))
        return tuple(missing[:limit])

    def resources(self, ids: Iterable[UUID]) -> tuple[ResourceRecord, ...]:
        """Return the resources of these UUIDs that exist."""
        return tuple(self.by_id[one] for one in dict.fromkeys(ids) if one in self.by_id)

    def bearers(self, key: VendorKey, account: str) -> int:
        """Return how many resources, living or deleted, are recorded with a vendor id."""
        table = self.accounts[account]
        return (key in table.living) + sum(record.key == key for record in table.tombstones.values())

    def lock(self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool) -> LockedState:
        """Return the state that a decision may use."""
        account = self.accounts[scope.account]
        own = account.scopes[scope]
        living = {key: one for key, one in account.living.items() if whole and one.scope_id == own.scope_id}
        living |= {key: account.living[key] for key in named if key in account.living}
        links = tuple(
            link for link in account.open_links.values() if whole or link.from_key in named or link.to_key in named
        )
        ends = {key for link in links for key in (link.from_key, link.to_key)} | set(named)
        return LockedState(
            identity=account.identity,
            scope=own,
            resources=living,
            tombstones=_newest(account, {key for key in named if key not in living}),
            swept={one.scope_id: (one.swept_no, one.swept_at) for one in account.scopes.values()},
            links=links,
            ends={key: account.living[key].resource_id for key in ends if key in account.living},
        )

    def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """Read, decide and write in one transaction."""
        changes = decide(self.lock(scope, named, whole))
        self.write(self.accounts[scope.account], changes)
        return changes

    def write(self, account: AccountTable, changes: Changes) -> None:
        """Write all changes, in the store's order. Raises IndexViolation."""
        if changes.scope is not None:
            account.scopes[changes.scope.key] = changes.scope
        for record in sorted(changes.resources, key=lambda record: not record.deleted):
            self._put(account, record)
        for link in changes.closed:
            ended = account.open_links.pop(_identity(link), None)
            if ended is not None:
                account.ended_links.append(replace(ended, linked_until=link.linked_until))
        for link in changes.opened:
            if _identity(link) in account.open_links:
                raise IndexViolation(f"the link {_identity(link)} is open already")
            account.open_links[_identity(link)] = link
        _adopt(account, [record for record in changes.resources if not record.deleted])
        for entry in changes.history:
            self._sequence += 1
            self.history.setdefault(entry.resource_id, []).append((self._sequence, entry))

    def _put(self, account: AccountTable, record: ResourceRecord) -> None:
        living = account.living.get(record.key)
        self.by_id[record.resource_id] = record
        if record.deleted:
            if living is not None and living.resource_id == record.resource_id:
                del account.living[record.key]
            account.tombstones[record.resource_id] = record
            return
        if living is not None and living.resource_id != record.resource_id:
            raise IndexViolation(f"{record.key} lives twice")
        account.tombstones.pop(record.resource_id, None)
        account.living[record.key] = record

    def prune(self, before: datetime) -> int:
        """Fold older history, and delete tombstones whose whole history is older. Return how many entries were removed."""
        removed = self._delete_tombstones(before)
        for resource_id, entries in self.history.items():
            late = [sequence for sequence, entry in entries if entry.observed_at >= before]
            old = [item for item in entries if not late or item[0] < min(late)]
            if len(old) > 1 or (old and old[0][1].field != SNAPSHOT):
                state = replay((entry.field, entry.before, entry.after) for _, entry in old)
                sequence, last = old[-1]
                folded = replace(last, field=SNAPSHOT, before=None, after=state)
                self.history[resource_id] = [(sequence, folded), *entries[len(old) :]]
                removed += len(old) - 1
        return removed

    def _delete_tombstones(self, before: datetime) -> int:
        removed = 0
        for account in self.accounts.values():
            dead = {
                record.resource_id
                for record in account.tombstones.values()
                if record.deleted_at is not None
                and record.deleted_at < before
                and max(entry.observed_at for _, entry in self.history[record.resource_id]) < before
            }
            for resource_id in dead:
                del account.tombstones[resource_id], self.by_id[resource_id]
                removed += len(self.history.pop(resource_id))
            account.ended_links = [
                link for link in account.ended_links if link.from_id not in dead and link.to_id not in dead
            ]
        return removed


def _newest(account: AccountTable, keys: set[VendorKey]) -> Mapping[VendorKey, ResourceRecord]:
    newest: dict[VendorKey, ResourceRecord] = {}
    if not keys:
        return newest
    for record in account.tombstones.values():
        if record.key in keys:
            other = newest.get(record.key)
            if other is None or other.generation < record.generation:
                newest[record.key] = record
    return newest


def _identity(link: LinkRecord) -> LinkIdentity:
    return link.link_type, link.from_key, link.to_key


def _adopt(account: AccountTable, records: Sequence[ResourceRecord]) -> None:
    for record in records:
        for identity, link in list(account.open_links.items()):
            if link.from_key == record.key and link.from_id is None:
                account.open_links[identity] = replace(link, from_id=record.resource_id)
            elif link.to_key == record.key and link.to_id is None:
                account.open_links[identity] = replace(link, to_id=record.resource_id)
