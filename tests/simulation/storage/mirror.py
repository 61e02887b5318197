"""The records of a run on SQLite, compared with the same records in memory: both must hold the same rows.

The database runs in a thread with its own loop while the simulated loop stands still. So a seed gives the same run as in memory
alone, and no simulated time passes while the database works.
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
from domain.records.timeline import AccountTimeline, Advance
from domain.timestamps import Clock, to_text
from tests.simulation.storage.memory import MemoryTables

T = TypeVar("T")


class MirrorDifference(AssertionError):
    """The database and the memory differ."""


class _LoopThread:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the work to its end while the caller's loop stands still."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Stop the loop and the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class MirroredBackend:
    """Passes every call to the memory and to the database, and compares the results. Each decision is made once."""

    def __init__(self, clock: Clock, engine: AsyncEngine, thread: _LoopThread) -> None:
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

    def draw(self, account: str, advance: Advance = AccountTimeline.add_pause) -> FlightTicket:
        """As the port says."""
        return _check_equal("draw", self.tables.draw(account, advance), self._wait(self._store.draw(account, advance)))

    def missing(self, scope: ScopeKey, limit: int) -> tuple[ResourceRecord, ...]:
        """As the port says."""
        return _check_equal("missing", self.tables.missing(scope, limit), self._wait(self._store.missing(scope, limit)))

    def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """As the port says."""
        state = _sort_links(self.tables.lock(scope, named, whole))
        changes = self.tables.apply(scope, named, whole, decide)

        def return_changes(stored: LockedState) -> Changes:
            _check_equal("state", state, _sort_links(stored))
            return changes

        self._wait(self._store.apply(scope, named, whole, return_changes))
        self._applied += 1
        if self._applied % 20 == 0:
            self.compare()
        return changes

    def prune(self, before: datetime) -> int:
        """As the port says."""
        removed = _check_equal("prune", self.tables.prune(before), self._wait(self._store.prune(before)))
        self.compare()
        return removed

    def compare(self) -> None:
        """Compare all rows."""
        _check_equal("scopes", self.tables.scopes(), tuple(sorted(self._wait(self._store.scopes()), key=_scope_id)))
        stored_resources, stored_links, stored_history = self._wait(self._read_all())
        _check_equal("resources", self.tables.by_id, stored_resources)
        _check_equal("links", sorted(map(repr, self._links())), sorted(map(repr, stored_links)))
        _check_equal("history", self._history(), stored_history)

    def _links(self) -> list[LinkRecord]:
        tables = self.tables.accounts.values()
        return [link for account in tables for link in (*account.open_links.values(), *account.ended_links)]

    def _history(self) -> list[tuple[object, ...]]:
        items = [item for entries in self.tables.history.values() for item in entries]
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
            for _, one in sorted(items, key=_sequence)
        ]

    async def _read_all(self) -> tuple[dict[object, ResourceRecord], list[LinkRecord], list[tuple[object, ...]]]:
        async with read_transaction(self._engine) as connection:
            names = {row.account_id: row.name for row in await connection.execute(select(accounts))}
            rows = (await connection.execute(select(resources))).mappings()
            records = [resource_record(row, names[row["account_id"]]) for row in rows]
            owned = (await connection.execute(select(links).where(links.c.owned))).mappings()
            ends = [link_record(row, names[row["account_id"]]) for row in owned]
            history_rows = (await connection.execute(select(history).order_by(history.c.seq))).all()
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
            for row in history_rows
        ]
        return {record.resource_id: record for record in records}, ends, entries


def _sequence(item: tuple[int, HistoryEntry]) -> int:
    return item[0]


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _scope_id(scope: ScopeRecord) -> int:
    return scope.scope_id


def _sort_links(state: LockedState) -> LockedState:
    """Return the state with its links in a fixed order."""
    return replace(state, links=tuple(sorted(state.links, key=repr)))


def _check_equal(what: str, memory: T, database: object) -> T:
    if memory != database:
        raise MirrorDifference(f"{what}: {memory} in memory, {database} in the database")
    return memory


@contextmanager
def open_mirror(clock: Clock) -> Iterator[MirroredBackend]:
    """Open a backend over a temporary database file."""
    thread = _LoopThread()
    with TemporaryDirectory(prefix="simulation-") as folder:
        engine = make_engine(f"sqlite+aiosqlite:///{Path(folder) / 'record.db'}")
        try:
            thread.wait(migrate(engine))
            yield MirroredBackend(clock, engine, thread)
        finally:
            thread.wait(engine.dispose())
            thread.close()
