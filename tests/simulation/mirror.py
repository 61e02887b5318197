"""The record of a run on SQLite, with the plain values beside it: whatever one of them holds, the other must hold too.

The database is driven from a thread with a loop of its own while the simulated loop stands still, so a seed does the same here as
in memory alone, and no time passes while the database works.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import make_engine, read_transaction
from db.migrations import migrate
from db.record.rows import link_record, resource_record
from db.record.store import Store
from db.tables import accounts, history, links, resources
from domain.ports import AccountSetup
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
from domain.timestamps import Clock, to_text
from tests.simulation.memory import MemoryTables

T = TypeVar("T")


class Differs(AssertionError):
    """The database and the plain values hold something else."""


class _Thread:
    """A loop in a thread, for which others wait."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it now; the caller's loop stands still."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def end(self) -> None:
        """No more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class MirroredKeeper:
    """Every call goes to both; what they answer must be equal. Decisions are made once."""

    def __init__(self, clock: Clock, engine: AsyncEngine, thread: _Thread) -> None:
        self.tables = MemoryTables(clock)
        self._engine = engine
        self._store = Store(engine, clock)
        self._wait = thread.wait
        self._applied = 0

    def configure(self, setups: Sequence[AccountSetup]) -> None:
        """As the port says."""
        self.tables.configure(setups)
        self._wait(self._store.configure(setups))
        self.compare()

    def draw(self, account: str) -> FlightTicket:
        """As the port says."""
        return _equal("draw", self.tables.draw(account), self._wait(self._store.draw(account)))

    def missing(self, scope: ScopeKey, limit: int) -> tuple[ResourceRecord, ...]:
        """As the port says."""
        return _equal("missing", self.tables.missing(scope, limit), self._wait(self._store.missing(scope, limit)))

    def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """As the port says."""
        held = _ordered(self.tables.held(scope, named, whole))
        changes = self.tables.apply(scope, named, whole, decide)

        def decided(found: LockedState) -> Changes:
            _equal("held", held, _ordered(found))
            return changes

        self._wait(self._store.apply(scope, named, whole, decided))
        self._applied += 1
        if self._applied % 20 == 0:
            self.compare()
        return changes

    def prune(self, before: datetime) -> int:
        """As the port says."""
        gone = _equal("prune", self.tables.prune(before), self._wait(self._store.prune(before)))
        self.compare()
        return gone

    def compare(self) -> None:
        """All that is recorded."""
        _equal("scopes", self.tables.scopes(), tuple(sorted(self._wait(self._store.scopes()), key=_scope_id)))
        found = self._wait(self._everything())
        _equal("resources", self.tables.by_id, found[0])
        _equal("links", sorted(map(repr, self._links())), sorted(map(repr, found[1])))
        _equal("history", self._history(), found[2])

    def _links(self) -> list[LinkRecord]:
        every = self.tables.accounts.values()
        return [link for account in every for link in (*account.open_links.values(), *account.ended_links)]

    def _history(self) -> list[tuple[object, ...]]:
        every = [item for entries in self.tables.history.values() for item in entries]
        return [
            (
                str(one.resource_id),
                one.field,
                _json(one.before),
                _json(one.after),
                to_text(one.observed_at),
                one.source.value,
                one.flight_no,
            )
            for _, one in sorted(every, key=_sequence)
        ]

    async def _everything(self) -> tuple[dict[object, ResourceRecord], list[LinkRecord], list[tuple[object, ...]]]:
        async with read_transaction(self._engine) as connection:
            names = {row.account_id: row.name for row in await connection.execute(select(accounts))}
            rows = (await connection.execute(select(resources))).mappings()
            records = [resource_record(row, names[row["account_id"]]) for row in rows]
            owned = (await connection.execute(select(links).where(links.c.owned))).mappings()
            ends = [link_record(row, names[row["account_id"]]) for row in owned]
            told = (await connection.execute(select(history).order_by(history.c.seq))).all()
        entries: list[tuple[object, ...]] = [
            (
                row.resource_id,
                row.field,
                _json(json.loads(row.before)),
                _json(json.loads(row.after)),
                row.observed_at,
                row.source,
                row.flight_no,
            )
            for row in told
        ]
        return {record.resource_id: record for record in records}, ends, entries


def _sequence(item: tuple[int, HistoryEntry]) -> int:
    return item[0]


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _scope_id(scope: ScopeRecord) -> int:
    return scope.scope_id


def _ordered(held: LockedState) -> LockedState:
    """Links have no order."""
    return replace(held, links=tuple(sorted(held.links, key=repr)))


def _equal(what: str, mine: T, theirs: object) -> T:
    if mine != theirs:
        raise Differs(f"{what}: in memory {mine}, in the database {theirs}")
    return mine


@contextmanager
def mirrored(clock: Clock) -> Iterator[MirroredKeeper]:
    """A keeper over a database file that goes with it."""
    thread = _Thread()
    with TemporaryDirectory(prefix="simulation-") as folder:
        engine = make_engine(f"sqlite+aiosqlite:///{Path(folder) / 'record.db'}")
        try:
            thread.wait(migrate(engine))
            yield MirroredKeeper(clock, engine, thread)
        finally:
            thread.wait(engine.dispose())
            thread.end()
